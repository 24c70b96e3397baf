#include "discover/found.hpp"

#include "base/dns.hpp"

namespace mailroom::discover {
namespace {

std::string lower(std::string_view s) {
  std::string out(s);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

}  // namespace

bool is_below(std::string_view host, std::string_view domain) {
  const std::string h = lower(host), d = lower(domain);
  return !d.empty() &&
         (h == d || (h.size() > d.size() && h.ends_with(d) && h[h.size() - d.size() - 1] == '.'));
}

bool is_host(std::string_view text) {
  return is_dns_name(text) &&
         text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") ==
             std::string_view::npos;
}

std::string domain_of(std::string_view address) {
  const std::size_t at = address.rfind('@');
  return at == std::string_view::npos ? std::string() : lower(address.substr(at + 1));
}

}  // namespace mailroom::discover
