#include "oauth/saved.hpp"

#include <utility>

namespace mailroom::oauth {
namespace {

thread_local bool saving = false;

struct Saving {
  explicit Saving(bool quietly) { saving = quietly; }
  ~Saving() { saving = false; }
};

std::string attention_key(const std::string& credential_id) { return "attention/" + credential_id; }
std::string command(const std::string& credential_id) {
  return "host-stub credential authorize " + credential_id;
}

Failure failure(aoh_status status, const char* what, const std::string& credential_id) {
  Error e = host::from_status(status, what, "credential " + credential_id);
  if (status == AOH_E_DENIED) e.what = "the caller is not granted the account";
  return Failure(std::move(e));
}

}  // namespace

Saved read_saved(const host::Services& services, const std::string& id,
                 const std::vector<std::string>& bearers) {
  aoh_status last = AOH_E_DENIED;
  for (const std::string& bearer : bearers) {
    Saved out;
    try {
      const aoh::Vault::Entry entry = services.vault.read(id, kTokensField, bearer);
      out.set = TokenSet::parse(entry.secret.reveal());
      out.version = entry.version;
      return out;
    } catch (const aoh::StatusError& e) {
      if (e.status == AOH_E_NOT_FOUND) return out;
      last = e.status;
      if (e.status != AOH_E_DENIED) break;
    }
  }
  throw failure(last, "the account's tokens could not be read", id);
}

bool save(const host::Services& services, const std::string& id, const std::vector<std::string>& bearers,
          std::uint64_t expected, const TokenSet& set, std::uint64_t& version, bool announce) {
  const aoh::Secret text = set.dump();
  aoh_status last = AOH_E_DENIED;
  const Saving here(!announce);
  for (const std::string& bearer : bearers) try {
      return services.vault.compare_and_set(id, kTokensField, bearer, expected, text, &version);
    } catch (const aoh::StatusError& e) {
      last = e.status;
      if (e.status != AOH_E_DENIED) break;
    }
  throw failure(last, "the account's tokens could not be saved", id);
}

bool is_saving() { return saving; }

void note_attention(const host::Services& services, const std::string& id, const std::string& why) {
  const std::string key = attention_key(id);
  if (services.state.get(key)) return;
  const aoh::Json note{{"credential_id", id},
                       {"state", "sign_in_again"},
                       {"summary", "sign in again: " + printable(why, 300)},
                       {"cure", command(id)},
                       {"since_unix_ns", services.clock.wall_ns()}};
  (void)services.state.apply({{key, note.dump(), 0}});
}

void clear_attention(const host::Services& services, const std::string& id) noexcept {
  try {
    const std::string key = attention_key(id);
    if (services.state.get(key)) (void)services.state.apply({{key, {}, AOH_STATE_ANY_VERSION, true}});
  } catch (const std::exception&) {  // the next renewal tries again
  }
}

Error sign_in_again(const std::string& id, const std::string& why) {
  return {Errc::auth,
          "somebody must sign in to the account again: " + printable(why, 300),
          "credential " + id,
          {},
          "sign in again: " + command(id)};
}

}  // namespace mailroom::oauth
