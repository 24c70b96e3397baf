// The macros of SPF (RFC 7208 §7). Pure.
#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "deliver/ip.hpp"

namespace mailroom::deliver {

/// What the letters stand for.
struct SpfMacros {
  Ip ip;
  std::string sender;  ///< "user@example.org", with a local part
  std::string helo;
  std::string domain;                      ///< the current one: d
  std::function<std::string()> validated;  ///< p, looked up only when asked for
  std::string receiver = "unknown";        ///< r: in explanations only
  std::int64_t now_s = 0;                  ///< t: in explanations only
};

/// What is wrong with a macro-string, or "". `explanation`: also spaces and the letters c, r, t are allowed.
std::string spf_macro_problem(std::string_view text, bool explanation = false);
/// What is wrong with a domain-spec, or "": a macro-string that ends in a top label or a macro (§7.1).
std::string spf_domain_problem(std::string_view text);

/// Expands a macro-string without problems. The result may be no domain name.
std::string expand_spf(std::string_view text, const SpfMacros& macros);
/// The same for a domain-spec: labels go from the left until it has at most 253 characters (§7.3).
std::string expand_spf_domain(std::string_view text, const SpfMacros& macros);

}  // namespace mailroom::deliver
