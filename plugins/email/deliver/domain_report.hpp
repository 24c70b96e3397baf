// What a domain's DNS says about its mail, judged as a sender needs it: each check, what was found, what to
// change. Pure.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/dns.hpp"
#include "deliver/ip.hpp"
#include "support/json.hpp"

namespace mailroom::deliver {

struct DomainQuestion {
  std::string domain;                  ///< of From; is_dns_name, lower case
  std::vector<std::string> selectors;  ///< DKIM's; at most 20
  bool guessed = false;                ///< the selectors are common ones: that one is missing says nothing
  std::map<std::string, std::string>
      own_keys;  ///< by selector: the public part of the key that signs (DkimKey::public_text())
  std::map<std::string, std::string>
      own_records;              ///< by selector: what its owner publishes (DkimKey::dns_record())
  std::optional<Ip> ip;         ///< that mail leaves from
  std::string envelope_domain;  ///< of the bounce address; empty: the domain itself
  std::string dkim_domain;      ///< d= of our signatures; empty: the domain itself
};

/// A record for the domain's owner to publish.
struct DnsChange {
  std::string what;               ///< in words
  std::string name, type, value;  ///< empty where no record says it all
};

struct DomainCheck {
  enum class State {
    ok,
    warning,  ///< it works, but costs reputation or protects little
    failed,   ///< receivers will hold it against the mail
    unknown,  ///< the DNS did not answer; try later
    absent,   ///< not published, and not needed to send
  };
  std::string name;  ///< mx, spf, dkim, dmarc, alignment, mta_sts, tls_rpt, reverse_dns
  State state = State::ok;
  std::string summary;             ///< one line; may quote what was found
  std::vector<std::string> found;  ///< from the DNS, printable; a stranger's words
  std::vector<DnsChange> changes;
};
std::string_view name(DomainCheck::State state);

struct DomainReport {
  std::string domain;
  std::vector<DomainCheck> checks;

  std::size_t count(DomainCheck::State state) const;
  /// {"domain", "ok", "checks": [{"check", "state", "summary", "found", "changes": [{"what", "name", "type",
  /// "value"}]}]}
  aoh::Json json() const;
  /// For people, several lines. Quotes the DNS: fence it for a model.
  std::string text() const;
};

/// Throws Failure(invalid) for a domain or selector that cannot be one; what `lookup` throws comes through.
/// Some 60 questions for a usual domain, 300 at most.
DomainReport examine_domain(const DomainQuestion& question, const DnsLookup& lookup);

/// Selectors that large senders use, where nobody names one.
const std::vector<std::string>& common_selectors();

}  // namespace mailroom::deliver
