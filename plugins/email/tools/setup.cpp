#include "tools/setup.hpp"

#include "base/idna.hpp"
#include "discover/autoconfig.hpp"
#include "discover/srv.hpp"
#include "host/providers.hpp"
#include "tools/dns_watch.hpp"
#include "tools/web_page.hpp"

namespace mailroom::tools {
namespace {

using discover::Found;

constexpr int kSteps = 4;

/// Everything that one look-up needs.
struct Search {
  const Toolbox& box;
  aoh::Call& call;
  const WatchedDns& dns;
  std::string address, domain, ca_file;
  std::string tried{};  // what was asked in vain, for people

  DnsLookup lookup() const {
    return [this](DnsType type, std::string_view name) { return dns.resolver->ask(type, name); };
  }
  void in_vain(const std::string& what) { tried += (tried.empty() ? "" : ", ") + what; }
};

Found from_preset(const host::Preset& p, std::string how) {
  Found f;
  f.imap = p.imap;
  f.smtp = p.smtp;
  f.how = std::move(how);
  return f;
}

std::optional<Found> by_autoconfig(Search& s, const std::string& url) {
  try {
    const std::string page =
        read_web_page(s.box, s.call, s.lookup(), url, s.ca_file, discover::kAutoconfigBytes);
    Found f = discover::from_autoconfig(page, s.address);
    f.how = url.substr(0, url.find('?'));
    if (!f.empty()) return f;
    s.in_vain(f.how + ": no server with TLS");
  } catch (const Failure& f) {
    if (f.error.code == Errc::cancelled) throw;
    s.in_vain(url.substr(0, url.find('?')) + ": " + f.error.what);
  }
  return std::nullopt;
}

/// The preset of the place where the domain's mail is delivered: a company's domain at a provider.
const host::Preset* by_mx(Search& s) {
  const DnsAnswer mx = s.dns.resolver->ask(DnsType::mx, s.domain);
  for (const DnsRecord& r : mx.records)
    if (const host::Preset* p = host::preset_for_mx(r.text)) return p;
  return nullptr;
}

/// The servers, and the preset behind them where there is one.
Found find_servers(Search& s, const host::Preset*& preset) {
  preset = host::preset_for_address(s.domain);
  if (preset && preset->imap) return from_preset(*preset, "preset " + preset->name);
  s.call.progress(1, kSteps, "asking the DNS for the servers of " + s.domain);
  Found f = discover::from_srv(s.lookup(), s.domain);
  if (!f.empty()) return f;
  s.in_vain("SRV records of " + s.domain + ": none");
  s.call.progress(2, kSteps, "asking " + s.domain + " for its autoconfig document");
  const std::vector<std::string> urls = discover::autoconfig_urls(s.address, s.domain);
  for (std::size_t i = 0; i + 1 < urls.size(); ++i)
    if (auto found = by_autoconfig(s, urls[i])) return std::move(*found);
  s.call.progress(3, kSteps, "asking the DNS where mail for " + s.domain + " is delivered");
  preset = by_mx(s);
  if (preset && preset->imap)
    return from_preset(*preset,
                       "preset " + preset->name + ", since mail for " + s.domain + " is delivered there");
  preset = nullptr;
  if (auto found = by_autoconfig(s, urls.back())) return std::move(*found);
  return {};
}

std::string words_of(const net::Endpoint& e) {
  return e.where() + (e.tls == net::TlsMode::implicit ? ", TLS" : ", STARTTLS");
}

void put_server(aoh::Json& record, aoh::Json& found, const char* field, const std::optional<net::Endpoint>& e,
                const std::string& how) {
  if (!e) return;
  record.set(field, aoh::Json{{"host", e->host}, {"port", e->port}, {"tls", std::string(net::name(e->tls))}});
  found.push(aoh::Json{{"field", field}, {"value", words_of(*e)}, {"how", how}});
}

void ask_server(aoh::Json& ask, const char* field, const char* title, const std::string& tried) {
  ask.push(aoh::Json{{"field", field},
                     {"title", title},
                     {"form", "server"},
                     {"required", true},
                     {"hint", "HOST or HOST:PORT; nothing was found (" + printable(tried, 600) + ")"}});
}

/// How one signs in: from the record, the preset, the document; what a person must say is asked.
void settle_sign_in(aoh::Json& record, aoh::Json& ask, const Found& f, const host::Preset* preset,
                    bool has_password) {
  std::vector<host::Method> ways = preset ? preset->authentication : std::vector<host::Method>();
  if (ways.empty() && f.password) ways.push_back({"password", {}});
  std::string hint;
  for (const host::Method& w : ways)
    if (!w.instruction.empty())
      hint += (hint.empty() ? "" : "; ") + (ways.size() > 1 ? w.name + ": " : std::string()) + w.instruction;
  if (!record.has("authentication") && !has_password && ways.size() > 1) {
    aoh::Json choices = aoh::Json::array();
    for (const host::Method& way : ways) choices.push(way.name);
    ask.push(aoh::Json{{"field", "authentication"},
                       {"title", "How to sign in"},
                       {"default", ways.front().name},
                       {"choices", std::move(choices)}}
                 .set_if(!hint.empty(), "hint", hint));
  } else if (!record.has("authentication") && !ways.empty()) {
    // A password was given, so it is one of the ways with a password.
    std::string way = ways.front().name;
    for (const host::Method& w : ways)
      if (has_password && w.name != "oauth2") {
        way = w.name;
        break;
      }
    if (way != "password" && !(has_password && way == "oauth2")) record.set("authentication", way);
  }
  if (!has_password && record["authentication"].str() != "oauth2")
    ask.push(aoh::Json{
        {"field", "password"},
        {"title", record["authentication"].str() == "app_password" ? "App password" : "Password"},
        {"secret",
         true}}.set_if(!hint.empty(), "hint", hint));
}

bool is_given(const aoh::Json& secrets, std::string_view field) {
  for (const aoh::Json& s : secrets.items())
    if (s.str() == field) return true;
  return false;
}

}  // namespace

aoh::Result credential_setup(const Toolbox& box, std::string_view type, const aoh::Json& request,
                             aoh::Call& call) {
  return answer([&] {
    aoh::Json record = request["record"], found = aoh::Json::array(), ask = aoh::Json::array();
    aoh::Json out{{"record", record}, {"found", found}, {"ask", ask}};
    if (type != "mail") return aoh::Result::ok(std::move(out), "nothing to find");
    const std::string address = record["email"].str();
    const std::string domain = ascii_domain(discover::domain_of(address)).value_or("");
    if (!discover::is_host(domain))
      throw Failure(Errc::config, "this is no mail address: \"" + printable(address, 100) + "\"", "email",
                    "Write NAME@DOMAIN");
    const host::Preset* preset = nullptr;
    Found f;
    if (record.has("imap") || record.has("smtp")) {
      preset = host::preset_for_host(record[record.has("imap") ? "imap" : "smtp"]["host"].str());
    } else {
      net::DnsOptions options;
      options.servers = box.runtime.config().dns_servers;
      const WatchedDns dns(box.runtime, call, std::move(options));
      Search search{box, call, dns, address, domain, record["ca_file"].str()};
      f = find_servers(search, preset);
      put_server(record, found, "imap", f.imap, f.how);
      put_server(record, found, "smtp", f.smtp, f.how);
      if (!f.username.empty() && !record.has("username")) record.set("username", f.username);
      if (!f.imap) ask_server(ask, "imap", "IMAP server", f.smtp ? f.how + ": none" : search.tried);
      if (!f.smtp) ask_server(ask, "smtp", "SMTP server", f.imap ? f.how + ": none" : search.tried);
    }
    if (preset && !record.has("provider")) record.set("provider", preset->name);
    settle_sign_in(record, ask, f, preset, is_given(request["secrets"], "password"));
    out = aoh::Json{{"record", std::move(record)}, {"found", std::move(found)}, {"ask", std::move(ask)}};
    if (f.doubtful)
      out.set("confirm",
              f.how + " name " + (f.imap ? f.imap->host : f.smtp->host) + ", which is not below " + domain +
                  ", and whoever is on the way can forge DNS: make sure that it is your provider's");
    return aoh::Result::ok(std::move(out), "looked up");
  });
}

}  // namespace mailroom::tools
