// check_host() of SPF (RFC 7208 §4): may this address send for that domain. Pure: the DNS answers through a
// callback.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/dns.hpp"
#include "deliver/ip.hpp"

namespace mailroom::deliver {

enum class SpfResult { none, neutral, pass, fail, softfail, temperror, permerror };
/// As Received-SPF has it: "pass", "softfail" ...
std::string_view name(SpfResult result);

struct SpfQuestion {
  Ip ip;
  std::string domain;      ///< to look at first: the sender's, or the HELO name
  std::string sender;      ///< MAIL FROM; empty (a bounce): postmaster@helo (§2.4)
  std::string helo;        ///< may be empty
  std::int64_t now_s = 0;  ///< Unix time, for the macro t in explanations
};

struct SpfVerdict {
  SpfResult result = SpfResult::none;
  std::string matched;  ///< the term that decided; empty: none did
  std::string problem;  ///< of temperror, permerror and none: why; in our words, with quotes from the record
  std::string explanation;         ///< exp= of a fail: a stranger's words, at most 512 bytes; may be empty
  std::vector<std::string> trail;  ///< what was looked at, a line each, at most 200
  int lookups = 0;                 ///< terms that count towards the 10 (§4.6.4)
  int void_lookups = 0;            ///< answers without a record, of which 2 may be
};

inline constexpr int kSpfLookups = 10, kSpfVoidLookups = 2;

/// Never throws of its own; what `lookup` throws (a cancellation) comes through. At most 10 look-up terms, 10
/// MX and 10 PTR names of each, so some 120 questions at most.
SpfVerdict check_host(const SpfQuestion& question, const DnsLookup& lookup);

/// The one SPF record among the TXT records of a name. `count`: how many there are; the text only where it is
/// one.
struct SpfFound {
  std::string text;
  std::size_t count = 0;
};
SpfFound find_spf(const DnsAnswer& txt);

}  // namespace mailroom::deliver
