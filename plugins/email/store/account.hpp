// An object store: a credential record of type "s3", read and checked.
#pragma once
#include <cstdint>
#include <string>

#include "deliver/sigv4.hpp"
#include "host/services.hpp"
#include "net/endpoint.hpp"
#include "store/proto/s3.hpp"
#include "support/json.hpp"

namespace mailroom::store {

struct Account {
  std::string id;  ///< credential_id
  net::Endpoint endpoint;
  Bucket bucket;
  std::string region, access_key;
  std::string prefix;  ///< of the objects' names; may be empty
  std::int64_t link_lifetime_s = deliver::kMostLinkSeconds;
  std::uint64_t max_bytes = 2'000'000'000;  ///< largest file
};

/// Throws Failure(config) that names the field and the cure: an endpoint that is no URL of a server, http off
/// loopback or without require_tls false, a bucket's name that is none, a life that no store allows.
Account account_from(const aoh::Json& record);

/// The store that a credential id names. Throws Failure: not_found, refused, config (another type).
Account account(const host::Services& services, std::string_view credential_id);
/// Its keys. `bearer`: the call on whose behalf. Throws Failure: not_found (none stored), refused (neither
/// granted nor named by a granted credential).
deliver::S3Key keys(const host::Services& services, const Account& account, std::string_view bearer);
/// The store that a mail account's record names in `link_store`. Throws Failure(config) when it names none.
Account link_store_of(const host::Services& services, std::string_view mail_credential);

}  // namespace mailroom::store
