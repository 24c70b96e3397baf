#include "store/account.hpp"

#include "base/error.hpp"

namespace mailroom::store {
namespace {

constexpr std::uint64_t kLeastFile = 1u << 20;

bool bucket_name(std::string_view b) {
  if (b.size() < 3 || b.size() > 63 || b.starts_with('.') || b.starts_with('-') || b.ends_with('.') ||
      b.ends_with('-') || b.find("..") != std::string_view::npos)
    return false;
  return b.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-") == std::string_view::npos;
}

struct Url {
  bool tls = true;
  std::string host;
  std::uint16_t port = 0;
};

/// "https://minio.example.org:9000"; a '/' may follow, nothing else.
Url url_of(const std::string& text, const std::string& field) {
  const auto bad = [&](const char* why) {
    return Failure(Errc::config, std::string("the endpoint ") + why, field,
                   "Write https://HOST or https://HOST:PORT; the bucket stands in bucket");
  };
  Url out;
  std::string_view rest = text;
  if (rest.starts_with("https://")) {
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
    out.tls = false;
  } else {
    throw bad("is not a URL with http or https");
  }
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.find_first_of("/?#@ \t\r\n") != std::string_view::npos)
    throw bad("has more than scheme, host and port");
  std::string_view port;
  if (rest.starts_with('[')) {
    const auto end = rest.find(']');
    if (end == std::string_view::npos) throw bad("has an address without an end");
    out.host = rest.substr(1, end - 1);
    port = rest.substr(end + 1);
    if (!port.empty() && port[0] != ':') throw bad("is not a URL");
  } else {
    const auto colon = rest.find(':');
    out.host = rest.substr(0, colon);
    port = colon == std::string_view::npos ? std::string_view() : rest.substr(colon);
  }
  if (out.host.empty()) throw bad("has no host");
  unsigned n = out.tls ? 443 : 80;
  if (!port.empty()) {
    port.remove_prefix(1);
    if (port.empty() || port.size() > 5 || port.find_first_not_of("0123456789") != std::string_view::npos)
      throw bad("has a port that is none");
    n = static_cast<unsigned>(std::stoul(std::string(port)));
  }
  if (n < 1 || n > 65535) throw bad("has a port that is none");
  out.port = static_cast<std::uint16_t>(n);
  return out;
}

}  // namespace

Account account_from(const aoh::Json& record) {
  Account a;
  a.id = record["id"].str();
  const auto field = [&](const char* name) { return "credential " + a.id + ": " + name; };
  if (record["type"].str_or("s3") != "s3")
    throw Failure(Errc::config, "the credential is not an object store's", "credential " + a.id,
                  "Name one of type s3");
  const Url url = url_of(record["endpoint"].str(), field("endpoint"));
  const bool require_tls = record["require_tls"].boolean(true);
  a.endpoint.host = url.host;
  a.endpoint.port = url.port;
  a.endpoint.tls = url.tls ? net::TlsMode::implicit : net::TlsMode::none;
  a.endpoint.require_tls = url.tls || require_tls;
  a.endpoint.ca_file = record["ca_file"].str();
  a.endpoint.connect_address = record["address"].str();
  if (!url.tls) {
    if (require_tls)
      throw Failure(Errc::config, "the endpoint is http, but the credential requires TLS", field("endpoint"),
                    "Use https");
    if (!net::is_loopback_name(url.host))
      throw Failure(Errc::config, "plaintext is refused to a store that is not on loopback",
                    field("endpoint"), "Use https");
  }
  net::check(a.endpoint);
  a.bucket.scheme = url.tls ? "https" : "http";
  a.bucket.host = url.host.find(':') != std::string::npos ? "[" + url.host + "]" : url.host;
  if (url.port != (url.tls ? 443 : 80)) a.bucket.host += ":" + std::to_string(url.port);
  a.bucket.name = record["bucket"].str();
  if (!bucket_name(a.bucket.name))
    throw Failure(Errc::config, "this is not a bucket's name", field("bucket"),
                  "3 to 63 of a-z, 0-9, '.' and '-'");
  a.bucket.path_style = record["path_style"].boolean(true);
  if (!a.bucket.path_style) {
    if (a.bucket.name.find('.') != std::string::npos && url.tls)
      throw Failure(Errc::config, "no certificate fits a bucket's name with dots", field("path_style"),
                    "Use path_style true");
    // The certificate must be good for the name that is asked for.
    if (a.endpoint.connect_address.empty() && net::is_loopback_name(url.host))
      a.endpoint.connect_address = url.host == "::1" ? "::1" : "127.0.0.1";
    if (url.tls) a.endpoint.host = a.bucket.name + "." + url.host;
  }
  a.region = record["region"].str_or("us-east-1");
  a.access_key = record["access_key"].str();
  for (const auto& [name, value] :
       {std::pair<const char*, const std::string&>{"region", a.region}, {"access_key", a.access_key}})
    if (value.empty() || value.size() > 128 ||
        value.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:+=@") !=
            std::string::npos)
      throw Failure(Errc::config, std::string(name) + " is missing or has characters that are not allowed",
                    field(name));
  a.prefix = record["prefix"].str();
  a.link_lifetime_s = record["link_lifetime_s"].integer(deliver::kMostLinkSeconds);
  if (a.link_lifetime_s < 1 || a.link_lifetime_s > deliver::kMostLinkSeconds)
    throw Failure(Errc::config, "a link lives 1 second to 7 days", field("link_lifetime_s"));
  const std::int64_t most = record["max_bytes"].integer(static_cast<std::int64_t>(a.max_bytes));
  if (most < static_cast<std::int64_t>(kLeastFile) || most > static_cast<std::int64_t>(kMostObject))
    throw Failure(Errc::config, "max_bytes is not between 1 MiB and 5 TiB", field("max_bytes"));
  a.max_bytes = static_cast<std::uint64_t>(most);
  return a;
}

Account account(const host::Services& services, std::string_view id) {
  aoh::Json record;
  try {
    record = services.credentials.get(id);
  } catch (const aoh::StatusError& e) {
    Error error = host::from_status(e.status, "the object store's credential could not be read",
                                    "credential " + printable(id, 200));
    if (e.status == AOH_E_NOT_FOUND) {
      error.what = "there is no such object store";
      error.cure = "Add it with host-stub credential add (type s3)";
    }
    throw Failure(std::move(error));
  }
  return account_from(record);
}

deliver::S3Key keys(const host::Services& services, const Account& account, std::string_view bearer) {
  try {
    deliver::S3Key k;
    k.access_key = account.access_key;
    k.region = account.region;
    k.secret_key = std::move(services.vault.read(account.id, "secret_key", bearer).secret);
    return k;
  } catch (const aoh::StatusError& e) {
    Error error = host::from_status(e.status, "the object store's secret key could not be read",
                                    "credential " + account.id);
    if (e.status == AOH_E_NOT_FOUND) {
      error.what = "no secret key is stored for the object store";
      error.cure = "Store it with host-stub credential add (--secret-file secret_key=PATH)";
    } else if (e.status == AOH_E_DENIED) {
      error.what = "the caller is granted neither the object store nor an account that names it";
      error.cure = "Set link_store in the mail account's record";
    }
    throw Failure(std::move(error));
  }
}

Account link_store_of(const host::Services& services, std::string_view mail_credential) {
  std::string id;
  try {
    id = services.credentials.get(mail_credential)["link_store"].str();
  } catch (const aoh::StatusError& e) {
    throw Failure(host::from_status(e.status, "the mail account could not be read",
                                    "credential " + printable(mail_credential, 200)));
  }
  if (id.empty())
    throw Failure(Errc::config, "the mail account has no store for files that are too large for mail",
                  "credential " + printable(mail_credential, 200) + ": link_store",
                  "Add a credential of type s3, and name it as link_store in the mail account's record");
  return account(services, id);
}

}  // namespace mailroom::store
