#include "tools/deliverability.hpp"

#include <algorithm>

#include "deliver/domain_report.hpp"
#include "mime/ascii.hpp"
#include "mime/fence.hpp"
#include "tools/dns_watch.hpp"
#include "tools/sign.hpp"

namespace mailroom::tools {
namespace {

using State = deliver::DomainCheck::State;

constexpr std::size_t kMostDomains = 5;

std::string domain_of(const std::string& address) {
  const std::size_t at = address.rfind('@');
  return at == std::string::npos ? std::string() : mime::to_lower(std::string_view(address).substr(at + 1));
}

/// The domain's part of the question: those asked for, or the account's own.
std::vector<std::string> domains_of(const aoh::Json& args, const host::Account& account) {
  if (const std::string& one = args["domain"].str(); !one.empty()) {
    std::string domain = mime::to_lower(mime::trim(one));
    if (domain.ends_with('.')) domain.pop_back();
    return {domain};
  }
  std::vector<std::string> out;
  for (const std::string& address : account.addresses())
    if (const std::string d = domain_of(address);
        !d.empty() && out.size() < kMostDomains && std::find(out.begin(), out.end(), d) == out.end())
      out.push_back(d);
  if (out.empty())
    throw Failure(Errc::config, "the account's addresses have no domain", "credential " + account.id,
                  "Name a domain");
  return out;
}

/// The account's own selectors for mail of `domain`, with the keys that sign: what is published is compared
/// with them.
void add_own_keys(const host::Services& services, const host::Account& account, std::string_view bearer,
                  deliver::DomainQuestion& q) {
  for (std::size_t i = 0; i < account.dkim.size(); ++i) {
    const host::DkimEntry& entry = account.dkim[i];
    if (q.domain != entry.domain && !q.domain.ends_with("." + entry.domain)) continue;
    // Signatures of several domains: the first one is looked at, with all of its selectors.
    if (q.dkim_domain.empty()) q.dkim_domain = entry.domain;
    if (q.dkim_domain != entry.domain) continue;
    const deliver::DkimKey key = signing_key(services, account, i, bearer);
    q.selectors.push_back(entry.selector);
    q.own_keys[entry.selector] = key.public_text();
    q.own_records[entry.selector] = key.dns_record();
  }
}

deliver::DomainQuestion question_of(const host::Services& services, const aoh::Json& args,
                                    const host::Account& account, std::string_view bearer,
                                    const std::string& domain) {
  deliver::DomainQuestion q;
  q.domain = domain;
  for (const aoh::Json& s : args["selectors"].items()) q.selectors.push_back(s.str());
  if (q.selectors.empty()) add_own_keys(services, account, bearer, q);
  if (q.selectors.empty()) {
    q.selectors = deliver::common_selectors();
    q.guessed = true;
  }
  if (const std::string& ip = args["ip"].str(); !ip.empty()) {
    q.ip = deliver::Ip::parse(ip);
    if (!q.ip)
      throw Failure(Errc::invalid, "this is no IP address: \"" + printable(ip, 45) + "\"", "ip",
                    "Write 192.0.2.1 or 2001:db8::1");
  }
  return q;
}

std::string headline(const deliver::DomainReport& r) {
  std::string out = r.domain + ": ";
  const std::pair<State, const char*> parts[] = {{State::failed, "failed"},
                                                 {State::warning, "warnings"},
                                                 {State::unknown, "not answered by the DNS"},
                                                 {State::ok, "ok"}};
  bool first = true;
  for (const auto& [state, words] : parts)
    if (const std::size_t n = r.count(state)) {
      out += (first ? "" : ", ") + std::to_string(n) + " " + words;
      first = false;
    }
  return out + "\n";
}

}  // namespace

aoh::Result email_deliverability(const Toolbox& box, const aoh::Json& args, aoh::Call& call) {
  return answer([&] {
    const host::Services& services = box.runtime.services();
    const std::string credential = credential_of(args, call);
    const host::Account account = services.account(credential);
    const std::vector<std::string> domains = domains_of(args, account);
    net::DnsOptions options;
    options.servers = box.runtime.config().dns_servers;
    options.all *= static_cast<int>(domains.size());
    const WatchedDns dns(box.runtime, call, std::move(options));
    const DnsLookup lookup = [&](DnsType type, std::string_view asked) {
      return dns.resolver->ask(type, asked);
    };

    aoh::Json list = aoh::Json::array();
    std::string head, text;
    bool ok = true, temporary = true;
    for (std::size_t i = 0; i < domains.size(); ++i) {
      call.progress(static_cast<double>(i), static_cast<double>(domains.size()), "looking up " + domains[i]);
      const deliver::DomainReport report =
          deliver::examine_domain(question_of(services, args, account, call.id(), domains[i]), lookup);
      const aoh::Json json = report.json();
      ok = ok && json["ok"].boolean();
      // Alignment compares names and asks nobody: with everything else unanswered there is no report.
      temporary = temporary && report.count(State::unknown) + 1 >= report.checks.size();
      list.push(json);
      head += headline(report);
      text += report.domain + "\n" + report.text() + "\n";
    }
    if (temporary)
      throw Failure(Errc::temporary, "no DNS server answered", "dns_servers",
                    "Check this machine's network, or name other servers in the plugin's dns_servers");
    aoh::Json structured{{"ok", ok}, {"untrusted", true}, {"domains", std::move(list)}};
    return mail_result(std::move(structured), head + mime::fence(text, "dns", random_token()), "dns");
  });
}

}  // namespace mailroom::tools
