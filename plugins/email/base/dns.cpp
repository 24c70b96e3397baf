#include "base/dns.hpp"

namespace mailroom {

std::string_view name(DnsType type) {
  switch (type) {
    case DnsType::a:
      return "A";
    case DnsType::aaaa:
      return "AAAA";
    case DnsType::mx:
      return "MX";
    case DnsType::txt:
      return "TXT";
    case DnsType::ptr:
      return "PTR";
    case DnsType::srv:
      return "SRV";
    case DnsType::cname:
      return "CNAME";
  }
  return "?";
}

bool is_dns_name(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  if (text.empty() || text.size() > 253) return false;
  std::size_t label = 0;
  for (const char c : text) {
    if (c <= ' ' || c > '~' || c == '\\') return false;
    if (c == '.') {
      if (label == 0) return false;
      label = 0;
    } else if (++label > 63) {
      return false;
    }
  }
  return label > 0;
}

}  // namespace mailroom
