// The tokens of an account as they lie in the vault, and the note for people that somebody must sign in.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "host/services.hpp"
#include "oauth/proto/token_set.hpp"

namespace mailroom::oauth {

struct Saved {
  TokenSet set;
  std::uint64_t version = 0;  ///< 0: there is none yet
};

/// By the first of the bearers (calls or triggers) that may; an empty set where there is none. Throws
/// Failure(refused) when none may, and what from_status() makes of the rest.
Saved read_saved(const host::Services& services, const std::string& credential_id,
                 const std::vector<std::string>& bearers);

/// Durable when it returns. False: somebody else saved meanwhile, read again. `announce`: whoever waits for a
/// person goes on. Throws Failure.
bool save(const host::Services& services, const std::string& credential_id,
          const std::vector<std::string>& bearers, std::uint64_t expected, const TokenSet& set,
          std::uint64_t& version, bool announce = false);
/// Is this thread within save(), so that on_changed tells of nothing but that?
bool is_saving();

/// The account waits for a person: the state record that the host shows ("attention/ID").
void note_attention(const host::Services& services, const std::string& credential_id, const std::string& why);
void clear_attention(const host::Services& services, const std::string& credential_id) noexcept;
/// The error for all who need the account meanwhile.
Error sign_in_again(const std::string& credential_id, const std::string& why);

}  // namespace mailroom::oauth
