// A DNS in memory: a name that holds nothing does not exist, one that holds something else has no data.
#pragma once
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/dns.hpp"

namespace mailroom::testing {

class Zone {
 public:
  Zone& add(DnsType type, const std::string& at, const std::string& text, unsigned priority = 0) {
    DnsRecord r;
    r.text = text;
    r.priority = static_cast<std::uint16_t>(priority);
    for (std::size_t i = 0; type == DnsType::txt && i < text.size(); i += 255)
      r.strings.push_back(static_cast<std::uint16_t>(std::min<std::size_t>(255, text.size() - i)));
    records_[{type, at}].push_back(std::move(r));
    names_.insert(at);
    return *this;
  }
  Zone& txt(const std::string& at, const std::string& text) { return add(DnsType::txt, at, text); }
  Zone& a(const std::string& at, const std::string& address) { return add(DnsType::a, at, address); }
  Zone& broken(const std::string& at) {
    broken_.insert(at);
    return *this;
  }
  DnsLookup lookup() {
    return [this](DnsType type, std::string_view asked) {
      ++questions;
      DnsAnswer answer;
      std::string at(asked);
      for (char& c : at)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
      if (at.ends_with('.')) at.pop_back();
      log.push_back(std::string(name(type)) + " " + at);
      if (broken_.contains(at)) {
        answer.why = "SERVFAIL";
      } else if (!is_dns_name(at) || !names_.contains(at)) {
        answer.kind = DnsAnswer::Kind::no_such_name;
      } else if (const auto it = records_.find({type, at}); it != records_.end()) {
        answer.kind = DnsAnswer::Kind::found;
        answer.records = it->second;
      } else {
        answer.kind = DnsAnswer::Kind::no_data;
      }
      return answer;
    };
  }
  int questions = 0;
  std::vector<std::string> log;

 private:
  std::map<std::pair<DnsType, std::string>, std::vector<DnsRecord>> records_;
  std::set<std::string> names_, broken_;
};

/// The zone of RFC 7208, appendix A.
inline Zone rfc7208_zone() {
  Zone z;
  z.add(DnsType::mx, "example.com", "mail-a.example.com", 10)
      .add(DnsType::mx, "example.com", "mail-b.example.com", 20);
  z.a("example.com", "192.0.2.10").a("example.com", "192.0.2.11");
  z.a("amy.example.com", "192.0.2.65").a("bob.example.com", "192.0.2.66");
  z.a("mail-a.example.com", "192.0.2.129").a("mail-b.example.com", "192.0.2.130");
  z.a("www.example.com", "192.0.2.10").a("www.example.com", "192.0.2.11");  // a CNAME, followed
  z.add(DnsType::mx, "example.org", "mail-c.example.org", 10).a("mail-c.example.org", "192.0.2.140");
  const std::pair<const char*, const char*> reverse[] = {
      {"10", "example.com"},        {"11", "example.com"},         {"65", "amy.example.com"},
      {"66", "bob.example.com"},    {"129", "mail-a.example.com"}, {"130", "mail-b.example.com"},
      {"140", "mail-c.example.org"}};
  for (const auto& [host, to] : reverse) z.add(DnsType::ptr, std::string(host) + ".2.0.192.in-addr.arpa", to);
  z.add(DnsType::ptr, "4.0.0.10.in-addr.arpa", "bob.example.com");
  return z;
}

}  // namespace mailroom::testing
