#include "host/services.hpp"

#include "host/providers.hpp"

namespace mailroom::host {
namespace {

constexpr std::size_t kBlobPiece = 1u << 20;

net::Endpoint with_key(const Services& services, const Account& account, net::Endpoint endpoint,
                       std::string_view bearer) {
  if (!endpoint.client_certificate.empty() && endpoint.tls != net::TlsMode::none)
    endpoint.client_key = std::make_shared<const aoh::Secret>(services.secret(account, "client_key", bearer));
  return endpoint;
}

}  // namespace

Error from_status(aoh_status status, std::string what, std::string where) {
  Error e{Errc::internal, std::move(what), std::move(where), {}, {}};
  switch (status) {
    case AOH_E_NOT_FOUND:
      e.code = Errc::not_found;
      break;
    case AOH_E_DENIED:
      e.code = Errc::refused;
      break;
    case AOH_E_BUSY:
      e.code = Errc::temporary;
      break;
    case AOH_E_UNSUPPORTED:
      e.code = Errc::unsupported;
      break;
    case AOH_E_CANCELLED:
      e.code = Errc::cancelled;
      break;
    case AOH_E_DEADLINE:
      e.code = Errc::timeout;
      break;
    case AOH_E_INVALID:
      e.code = Errc::invalid;
      break;
    case AOH_E_INTERNAL:
      // Nearly always the host's disk: full, or failing. No fault of the work at hand, which is tried again
      // later.
      e.code = Errc::temporary;
      [[fallthrough]];
    default:
      e.cure = "The host's log says more; a full disk or a vault key that others may read are usual causes";
  }
  return e;
}

Account Services::account(std::string_view id) const {
  aoh::Json record;
  try {
    record = credentials.get(id);
  } catch (const aoh::StatusError& e) {
    Error error =
        from_status(e.status, "the mail account could not be read", "credential " + printable(id, 200));
    if (e.status == AOH_E_NOT_FOUND) {
      error.what = "there is no such mail account";
      error.cure = "host-stub credential list shows those there are";
    }
    throw Failure(std::move(error));
  }
  Account account = account_from(record);
  const Provider provider = provider_for(account);
  account.append_sent = account.imap && provider.sent_copy == SentCopy::append;
  account.limits = provider.limits;
  if (account.oauth2) account.oauth = oauth_settings_from(record, provider.oauth);
  return account;
}

auth::Credentials Services::sign_in(const Account& account, std::string_view bearer,
                                    std::string* generation) const {
  try {
    auth::Credentials c;
    c.user = account.username;
    c.mechanisms = account.sasl;
    aoh::Vault::Entry entry = vault.read(account.id, "password", bearer);
    c.password = std::move(entry.secret);
    if (generation) *generation = account.id + "/" + std::to_string(entry.version);
    return c;
  } catch (const aoh::StatusError& e) {
    Error error =
        from_status(e.status, "the account's password could not be read", "credential " + account.id);
    if (e.status == AOH_E_NOT_FOUND) {
      error.what = "no password is stored for the account";
      error.cure = "Store it with host-stub credential add";
    } else if (e.status == AOH_E_DENIED) {
      error.what = "the caller is not granted the account";
    }
    throw Failure(std::move(error));
  }
}

net::Endpoint Services::imap_server(const Account& account, std::string_view bearer) const {
  return with_key(*this, account, *account.imap, bearer);
}
net::Endpoint Services::smtp_server(const Account& account, std::string_view bearer) const {
  return with_key(*this, account, *account.smtp, bearer);
}

aoh::Secret Services::secret(const Account& account, std::string_view field, std::string_view bearer) const {
  try {
    return std::move(vault.read(account.id, field, bearer).secret);
  } catch (const aoh::StatusError& e) {
    const std::string name(field);
    Error error =
        from_status(e.status, "the account's " + name + " could not be read", "credential " + account.id);
    if (e.status == AOH_E_NOT_FOUND) {
      error.code = Errc::config;
      error.what = "no " + name + " is stored for the account";
      error.cure = "Store it with host-stub credential add --secret-file " + name + "=FILE";
    } else if (e.status == AOH_E_DENIED) {
      error.what = "the caller is not granted the account";
    }
    throw Failure(std::move(error));
  }
}

std::string Services::blob(std::string_view id, std::string_view bearer, std::size_t max_bytes) const {
  const std::string where = "blob " + printable(id, 200);
  try {
    const std::int64_t size = blobs.stat(id, bearer)["size"].integer();
    if (size < 0 || static_cast<std::uint64_t>(size) > max_bytes)
      throw Failure(Errc::limit, "the blob has more than " + std::to_string(max_bytes) + " bytes", where);
    std::string out;
    out.reserve(static_cast<std::size_t>(size));
    while (out.size() < static_cast<std::size_t>(size)) {
      const std::string piece = blobs.read(id, bearer, out.size(),
                                           std::min(kBlobPiece, static_cast<std::size_t>(size) - out.size()));
      if (piece.empty()) break;
      out += piece;
    }
    return out;
  } catch (const aoh::StatusError& e) {
    throw blob_failure(e.status, where);
  }
}

Failure blob_failure(aoh_status status, std::string where) {
  Error error =
      from_status(status, status == AOH_E_NOT_FOUND ? "there is no such blob" : "the blob could not be read",
                  std::move(where));
  if (status == AOH_E_NOT_FOUND || status == AOH_E_DENIED)
    error.cure = "Check its id; a blob can be read in the session that it was made in, while it is kept";
  return Failure(std::move(error));
}

aoh::Json Services::make_blob(std::string_view owner, const aoh::Json& info, std::string_view bytes) const {
  try {
    const std::string id = blobs.create(owner, info);
    for (std::size_t at = 0; at < bytes.size(); at += kBlobPiece)
      blobs.write(id, bytes.substr(at, kBlobPiece));
    aoh::Json sealed = blobs.seal(id);
    if (!sealed.has("id")) sealed.set("id", id);
    return sealed;
  } catch (const aoh::StatusError& e) {
    Error error = from_status(e.status, "the bytes could not be stored as a blob");
    if (e.status == AOH_E_BUSY) error.cure = "The blob quota is used up: host-stub purge makes room";
    throw Failure(std::move(error));
  }
}

}  // namespace mailroom::host
