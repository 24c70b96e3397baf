// The grammar of an SPF record (RFC 7208 §4.6, §5, §6, §7.1). Pure.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "deliver/ip.hpp"

namespace mailroom::deliver {

struct SpfTerm {
  enum class Kind { all, include, a, mx, ptr, ip4, ip6, exists, redirect, exp };

  Kind kind = Kind::all;
  char qualifier = '+';             ///< of a mechanism: + - ~ ?
  std::string text;                 ///< as it stands in the record
  std::string target;               ///< the domain-spec, macros not expanded; empty: the domain itself
  Ip network;                       ///< ip4, ip6
  int prefix4 = 32, prefix6 = 128;  ///< a, mx; of ip4 or ip6 the one that fits

  /// Whether it counts towards the 10 (RFC 7208 §4.6.4).
  bool looks_up() const;
};

struct SpfRecord {
  std::vector<SpfTerm> mechanisms;  ///< in order
  std::optional<SpfTerm> redirect, exp;
};

/// Whether a TXT record claims to be SPF: "v=spf1" and then a space or nothing (RFC 7208 §4.5).
bool is_spf(std::string_view txt);

/// At most 64 KB. Throws Failure(invalid) whose `where` is the term that is wrong; what SPF calls permerror.
SpfRecord parse_spf(std::string_view txt);

}  // namespace mailroom::deliver
