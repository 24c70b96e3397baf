#include "host/account.hpp"

#include "base/error.hpp"

namespace mailroom::host {
namespace {

bool same_address(std::string_view a, std::string_view b) {
  const auto low = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [&](char x, char y) { return low(x) == low(y); });
}

std::optional<net::Endpoint> endpoint(const aoh::Json& record, const char* which, std::uint16_t implicit_port,
                                      std::uint16_t plain_port) {
  const aoh::Json* e = record.find(which);
  if (!e || e->is_null()) return std::nullopt;
  const std::string field = "credential " + record["id"].str() + ": " + which;
  net::Endpoint out;
  out.host = (*e)["host"].str();
  if (out.host.empty()) throw Failure(Errc::config, "the account has no server name", field + ".host");
  const std::string mode = (*e)["tls"].str_or("implicit");
  if (!net::parse_tls_mode(mode, out.tls))
    throw Failure(Errc::config, "unknown TLS mode \"" + printable(mode, 32) + "\"", field + ".tls",
                  "Use implicit, starttls or none");
  const std::int64_t port =
      (*e)["port"].integer(out.tls == net::TlsMode::implicit ? implicit_port : plain_port);
  if (port < 1 || port > 65535)
    throw Failure(Errc::config, "the port is not between 1 and 65535", field + ".port");
  out.port = static_cast<std::uint16_t>(port);
  out.connect_address = (*e)["address"].str();
  out.ca_file = record["ca_file"].str();
  out.require_tls = record.has("require_tls") ? record["require_tls"].boolean(true) : true;
  for (const aoh::Json& pin : record["pinned_keys"].items()) out.pinned_keys.push_back(pin.str());
  out.client_certificate = record["client_certificate"].str();
  if (out.tls == net::TlsMode::none && out.require_tls)
    throw Failure(Errc::config, "tls is none, but the account requires TLS", field + ".tls",
                  "Use implicit or starttls");
  try {
    net::check(out);
  } catch (Failure& f) {
    throw Failure(f.error.code, f.error.what, field + " (" + f.error.where + ")", f.error.cure);
  }
  return out;
}

std::optional<std::chrono::seconds> seconds(const aoh::Json& record, const std::string& field,
                                            std::int64_t least, std::int64_t most) {
  if (!record.has(field)) return std::nullopt;
  const std::int64_t n = record[field].integer();
  if (!record[field].is_int() || n < least || n > most)
    throw Failure(
        Errc::config,
        "the time is not between " + std::to_string(least) + " and " + std::to_string(most) + " seconds",
        "credential " + record["id"].str() + ": " + field);
  return std::chrono::seconds(n);
}

}  // namespace

std::optional<SentCopy> sent_copy_from(std::string_view word) {
  if (word == "append") return SentCopy::append;
  if (word == "server") return SentCopy::server;
  if (word == "none") return SentCopy::none;
  return std::nullopt;
}

SendLimits limits_from(const aoh::Json& json, const std::string& where) {
  SendLimits l;
  for (const auto& m : json.members()) {
    const std::int64_t n = m.value.integer();
    if (!m.value.is_int() || n < 1 || n > INT32_MAX)
      throw Failure(Errc::config, "the limit is not a whole number from 1 to 2147483647",
                    where + "." + printable(m.key, 60));
    const auto figure = static_cast<std::uint32_t>(n);
    if (m.key == "smtp_connections")
      l.smtp_connections = figure;
    else if (m.key == "messages_per_minute")
      l.messages_per_minute = figure;
    else if (m.key == "messages_per_day")
      l.messages_per_day = figure;
    else if (m.key == "recipients_per_day")
      l.recipients_per_day = figure;
    else if (m.key == "recipients_per_message")
      l.recipients_per_message = figure;
    else if (m.key == "recipient_domain_per_minute")
      l.recipient_domain_per_minute = figure;
    else if (m.key == "max_message_bytes")
      l.max_message_bytes = figure;
    else
      throw Failure(Errc::config, "there is no such limit", where + "." + printable(m.key, 60));
  }
  return l;
}

std::vector<std::string> Account::addresses() const {
  std::vector<std::string> out;
  for (const Identity& i : identities) out.push_back(i.address);
  return out;
}

const Identity* Account::identity(std::string_view address) const {
  for (const Identity& i : identities)
    if (same_address(i.address, address)) return &i;
  return nullptr;
}

Account account_from(const aoh::Json& record) {
  Account a;
  a.id = record["id"].str();
  const std::string& email = record["email"].str();
  if (email.empty())
    throw Failure(Errc::config, "the account has no address", "credential " + a.id + ": email",
                  "Set it with host-stub credential add");
  a.identities.push_back({record["name"].str(), email});
  for (const aoh::Json& i : record["identities"].items())
    if (!i["address"].str().empty()) a.identities.push_back({i["name"].str(), i["address"].str()});
  a.username = record["username"].str_or(email);
  const std::string method = record["authentication"].str_or(record.has("oauth") ? "oauth2" : "password");
  a.oauth2 = method == "oauth2";
  if (method != "password" && method != "app_password" && !a.oauth2)
    throw Failure(Errc::config, "the way to sign in is not known: \"" + printable(method, 32) + "\"",
                  "credential " + a.id + ": authentication", "Use password, app_password or oauth2");
  if (const std::string& word = record["sent_copy"].str(); !word.empty()) {
    a.sent_copy = sent_copy_from(word);
    if (!a.sent_copy)
      throw Failure(Errc::config, "who files the Sent copy is not known: \"" + printable(word, 32) + "\"",
                    "credential " + a.id + ": sent_copy", "Use append, server or none");
  }
  a.limits = limits_from(record["limits"], "credential " + a.id + ": limits");
  if (record.has("quirks")) {
    a.quirks.emplace();
    for (const aoh::Json& q : record["quirks"].items()) a.quirks->push_back(q.str());
  }
  a.provider = record["provider"].str();
  for (const aoh::Json& m : record["sasl"].items()) a.sasl.push_back(m.str());
  for (const aoh::Json& id : record["trusted_authserv_ids"].items())
    a.trusted_authserv_ids.push_back(id.str());
  a.idle_renew = seconds(record, "idle_renew_s", 10, 1740);
  a.poll_interval = seconds(record, "poll_interval_s", 1, 3600);
  a.imap = endpoint(record, "imap", 993, 143);
  a.smtp = endpoint(record, "smtp", 465, 587);
  a.link_store = record["link_store"].str();
  for (const aoh::Json& n : record["warm_up"]["messages"].items()) a.warm_up.push_back(n.integer());
  a.warm_up_from_s = record["warm_up"]["from_unix_s"].integer();
  for (const aoh::Json& d : record["dkim"].items()) {
    DkimEntry e{d["domain"].str(), d["selector"].str(), d["header"].str() == "simple",
                d["body"].str() == "simple"};
    for (char& c : e.domain)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    if (e.domain.empty() || e.selector.empty())
      throw Failure(Errc::config, "a dkim entry needs domain and selector", "credential " + a.id + ": dkim");
    a.dkim.push_back(std::move(e));
  }
  return a;
}

}  // namespace mailroom::host
