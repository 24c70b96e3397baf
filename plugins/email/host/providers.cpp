#include "host/providers.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "providers_json.hpp"

namespace mailroom::host {
namespace {

std::string lower(std::string_view s) {
  std::string out(s);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

[[noreturn]] void wrong(const std::string& entry, const std::string& field, const char* what) {
  throw Failure(Errc::config, std::string("the provider's entry is wrong: ") + what,
                "providers.json: " + entry + "." + field, "Correct manifests/providers.json");
}

/// {"value", "source", "as_of"}: no figure without saying where it is from.
const aoh::Json& fact(const aoh::Json& json, const std::string& entry, const std::string& field) {
  if (!json.is_object() || !json.has("value")) wrong(entry, field, "it has no value");
  if (json["source"].str().empty() || json["as_of"].str().empty())
    wrong(entry, field, "it has no source and as_of");
  return json["value"];
}

std::size_t match(const Preset& p, const std::string& host) {
  std::size_t longest = 0;
  for (const std::string& h : p.hosts)
    if (host == h || (host.size() > h.size() && host.ends_with(h) && host[host.size() - h.size() - 1] == '.'))
      longest = std::max(longest, h.size());
  return longest;
}

/// Where the provider's servers are; they must lie below the entry's own hosts.
net::Endpoint server(const aoh::Json& value, const Preset& p, const std::string& field) {
  net::Endpoint e;
  e.host = lower(value["host"].str());
  const std::int64_t port = value["port"].integer();
  if (match(p, e.host) == 0) wrong(p.name, field, "its host is none of the entry's");
  if (port < 1 || port > 65535) wrong(p.name, field, "its port is not between 1 and 65535");
  e.port = static_cast<std::uint16_t>(port);
  if (!net::parse_tls_mode(value["tls"].str(), e.tls) || e.tls == net::TlsMode::none)
    wrong(p.name, field, "its tls is neither implicit nor starttls");
  return e;
}

/// Read as an account's would be, so that a wrong entry is found when it is built.
void check_oauth(const aoh::Json& value, const std::string& entry) {
  static constexpr std::string_view kKnown[] = {"authorization_endpoint",
                                                "token_endpoint",
                                                "device_authorization_endpoint",
                                                "scopes",
                                                "client_credentials_scopes",
                                                "tenant",
                                                "redirect_uri",
                                                "authorization_parameters"};
  for (const auto& m : value.members())
    if (std::find(std::begin(kKnown), std::end(kKnown), m.key) == std::end(kKnown))
      wrong(entry, "oauth." + m.key, "there is no such member");
  try {
    (void)oauth_settings_from(aoh::Json{{"id", entry}, {"oauth", {{"client_id", "x"}}}}, value);
  } catch (const Failure& f) {
    wrong(entry, "oauth", f.error.what.c_str());
  }
}

Preset preset_from(const aoh::Json& json) {
  Preset p;
  p.name = json["name"].str();
  if (p.name.empty()) wrong("?", "name", "it is missing");
  for (const aoh::Json& h : json["hosts"].items()) p.hosts.push_back(lower(h.str()));
  if (p.hosts.empty() || std::count(p.hosts.begin(), p.hosts.end(), ""))
    wrong(p.name, "hosts", "it names no host");
  aoh::Json limits = aoh::Json::object();
  for (const auto& m : json.members()) {
    if (m.key == "name" || m.key == "title" || m.key == "hosts") continue;
    if (m.key == "quirks") {
      for (const auto& q : m.value.members()) {
        if (!fact(q.value, p.name, "quirks." + q.key).boolean())
          wrong(p.name, "quirks." + q.key, "it is not true");
        p.quirks.push_back(q.key);
      }
      continue;
    }
    const aoh::Json& value = fact(m.value, p.name, m.key);
    if (m.key == "sent_copy") {
      p.sent_copy = sent_copy_from(value.str());
      if (!p.sent_copy || *p.sent_copy == SentCopy::none)
        wrong(p.name, m.key, "it is neither append nor server");
    } else if (m.key == "imap" || m.key == "smtp") {
      (m.key == "imap" ? p.imap : p.smtp) = server(value, p, m.key);
    } else if (m.key == "sign_in") {
      p.sign_in = value.str();
      if (p.sign_in.empty()) wrong(p.name, m.key, "it is empty");
    } else if (m.key == "oauth") {
      check_oauth(value, p.name);
      p.oauth = value;
    } else {
      limits.set(m.key, value);
    }
  }
  p.limits = limits_from(limits, "providers.json: " + p.name);
  return p;
}

const Preset* find(const std::vector<Preset>& known, const std::optional<net::Endpoint>& endpoint) {
  if (!endpoint) return nullptr;
  const std::string host = lower(endpoint->host);
  const Preset* best = nullptr;
  std::size_t longest = 0;
  for (const Preset& p : known)
    if (const std::size_t m = match(p, host); m > longest) {
      best = &p;
      longest = m;
    }
  return best;
}

template <typename T>
void replace(std::optional<T>& mine, const std::optional<T>& theirs) {
  if (theirs) mine = theirs;
}

}  // namespace

std::vector<Preset> presets_from(const aoh::Json& document) {
  std::vector<Preset> out;
  for (const aoh::Json& p : document["providers"].items()) out.push_back(preset_from(p));
  return out;
}

const std::vector<Preset>& presets() {
  static const std::vector<Preset> built_in = presets_from(aoh::Json::parse(mailroom_generated::kProviders));
  return built_in;
}

Provider provider_for(const Account& account, const std::vector<Preset>& known) {
  Provider out;
  const Preset* p = find(known, account.smtp);
  if (!p) p = find(known, account.imap);
  if (p) {
    out.name = p->name;
    out.limits = p->limits;
    out.oauth = p->oauth;
    if (p->sent_copy) out.sent_copy = *p->sent_copy;
  }
  if (account.sent_copy) out.sent_copy = *account.sent_copy;
  SendLimits& mine = out.limits;
  const SendLimits& own = account.limits;
  replace(mine.smtp_connections, own.smtp_connections);
  replace(mine.messages_per_minute, own.messages_per_minute);
  replace(mine.messages_per_day, own.messages_per_day);
  replace(mine.recipients_per_day, own.recipients_per_day);
  replace(mine.recipients_per_message, own.recipients_per_message);
  replace(mine.recipient_domain_per_minute, own.recipient_domain_per_minute);
  replace(mine.max_message_bytes, own.max_message_bytes);
  return out;
}

std::vector<std::string> imap_quirks(const Account& account, const std::vector<Preset>& known) {
  if (account.quirks) return *account.quirks;
  const Preset* p = find(known, account.imap);
  return p ? p->quirks : std::vector<std::string>();
}

}  // namespace mailroom::host
