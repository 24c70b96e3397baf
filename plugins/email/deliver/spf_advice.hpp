// An SPF record looked through without an address: what every receiver will stumble over. Pure.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/dns.hpp"

namespace mailroom::deliver {

struct SpfAdvice {
  std::string record;                 ///< the domain's own; empty when there is none or several
  bool temporary = false;             ///< the DNS did not answer somewhere: the rest may be incomplete
  int lookups = 0;                    ///< that an address costs which matches nothing before the end
  std::vector<std::string> errors;    ///< receivers answer permerror, or the record protects nothing
  std::vector<std::string> warnings;  ///< it works, but
  std::vector<std::string> lines;     ///< include and redirect as a tree, indented; a stranger's words within
};

/// Follows include and redirect, each name once, 30 records at most; those that hold macros cannot be
/// followed without a sender and are only counted.
SpfAdvice analyse_spf(std::string_view domain, const DnsLookup& lookup);

}  // namespace mailroom::deliver
