// DMARC (RFC 7489): the policy that a domain publishes, and whether a message is aligned with it. Pure.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/dns.hpp"

namespace mailroom::deliver {

struct DmarcRecord {
  enum class Policy { none, quarantine, reject };

  Policy policy = Policy::none;                  ///< p=
  Policy subdomains = Policy::none;              ///< sp=, else p=
  int percent = 100;                             ///< pct=
  bool strict_dkim = false, strict_spf = false;  ///< adkim=s, aspf=s
  std::vector<std::string> aggregate, forensic;  ///< rua=, ruf=: URIs
  std::vector<std::string> problems;  ///< what receivers will read differently than it was meant; our words
};
std::string_view name(DmarcRecord::Policy policy);

/// Throws Failure(invalid) naming the tag. By RFC 7489 §6.6.3 a record without a usable p= but with rua=
/// counts as p=none.
DmarcRecord parse_dmarc(std::string_view txt);

/// The domain below the public suffix: "mail.example.co.uk" -> "example.co.uk"; a public suffix itself, and
/// what has none, is its own (RFC 7489 §3.2). By the list of the library libpsl. Lower case.
std::string organisational_domain(std::string_view domain);

/// Whether a domain that was authenticated (envelope's or d=) speaks for the From domain (§3.1).
bool aligned(std::string_view from_domain, std::string_view authenticated, bool strict);

struct DmarcFound {
  enum class Kind { found, none, several, temporary, broken } kind = Kind::none;
  std::string at;      ///< the domain whose record it is: the question's, or its organisational domain
  std::string text;    ///< the record; also of a broken one
  std::string why;     ///< temporary, broken
  DmarcRecord record;  ///< found

  /// What receivers do with mail of `domain` that fails.
  DmarcRecord::Policy policy_for(std::string_view domain) const;
};
/// Policy discovery (§6.6.3). `domain` as in From.
DmarcFound find_dmarc(std::string_view domain, const DnsLookup& lookup);

/// What a receiver found out about one message.
struct Authenticated {
  std::string from_domain;
  bool spf_pass = false;
  std::string spf_domain;                 ///< of the envelope
  std::vector<std::string> dkim_domains;  ///< d= of the signatures that verify
};
/// Whether it passes (§4.2): one of them passes and is aligned.
bool dmarc_passes(const DmarcRecord& record, const Authenticated& message);

}  // namespace mailroom::deliver
