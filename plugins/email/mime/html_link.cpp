#include "mime/html_link.hpp"

#include <algorithm>

#include "mime/ascii.hpp"
#include "support/json.hpp"

namespace mailroom::mime {
namespace {

bool has_scheme(std::string_view s) {
  for (std::string_view scheme : {"http:", "https:", "mailto:", "ftp:", "tel:"})
    if (istarts_with(s, scheme)) return true;
  return false;
}

// "shop.com" of "https://user@www.shop.com:443/x" or of "www.shop.com/x"; empty when it is no host.
std::string host_of(std::string_view s) {
  if (istarts_with(s, "mailto:")) {
    s = s.substr(7, s.find('?') == s.npos ? s.npos : s.find('?') - 7);
    const std::size_t at = s.rfind('@');
    s = at == s.npos ? std::string_view() : s.substr(at + 1);
  } else {
    if (const std::size_t slashes = s.find("//"); slashes != s.npos && slashes <= 7)
      s = s.substr(slashes + 2);
    s = s.substr(0, s.find_first_of("/?#\\"));
    if (const std::size_t at = s.rfind('@'); at != s.npos) s = s.substr(at + 1);
    s = s.substr(0, s.find(':'));
  }
  std::string host = to_lower(trim(s));
  while (!host.empty() && host.back() == '.') host.pop_back();
  if (host.starts_with("www.")) host.erase(0, 4);
  return host;
}

bool is_host(std::string_view host) {
  const std::size_t dot = host.rfind('.');
  if (dot == host.npos || dot == 0 || host.size() - dot < 3 || host.size() > 253) return false;
  const auto good = [](char c) { return is_alpha(c) || is_digit(c) || c == '-' || c == '.' || (c & 0x80); };
  if (!std::all_of(host.begin(), host.end(), good)) return false;
  // "file.pdf", "1.50": what ends like no domain of the net is not taken for one.
  const std::string_view end = host.substr(dot + 1);
  for (std::string_view file :
       {"pdf",  "doc", "docx", "xls", "xlsx", "txt", "csv",  "zip", "jpg",  "png", "gif",
        "html", "htm", "js",   "php", "exe",  "md",  "json", "xml", "pptx", "cpp", "py"})
    if (end == file) return false;
  return std::all_of(end.begin(), end.end(), [](char c) { return is_alpha(c) || (c & 0x80); });
}

bool same_host(std::string_view a, std::string_view b) {
  const auto within = [](std::string_view inner, std::string_view outer) {
    return inner == outer || (inner.size() > outer.size() && inner.ends_with(outer) &&
                              inner[inner.size() - outer.size() - 1] == '.');
  };
  return within(a, b) || within(b, a);
}

}  // namespace

std::string link_target(std::string_view href, std::string_view base) {
  // Tabs and line ends within an address count for nothing (WHATWG URL §4.1).
  std::string clean;
  for (char c : trim(href).substr(0, 8'000))
    if (c != '\t' && c != '\n' && c != '\r') clean += c;
  if (!has_scheme(clean)) {
    const bool other = clean.empty() || clean.front() == '#' ||
                       clean.substr(0, clean.find_first_of("/?#")).find(':') != std::string::npos;
    if (clean.starts_with("//"))
      clean = "https:" + clean;
    else if (other || !has_scheme(base))
      return {};
    else if (clean.front() == '/') {
      const std::size_t slashes = base.find("//");
      const std::size_t root = slashes == base.npos ? base.npos : base.find('/', slashes + 2);
      clean = std::string(base.substr(0, root)) + clean;
    } else {
      const std::size_t last = base.rfind('/');
      clean = std::string(base.substr(0, last == base.npos ? base.size() : last + 1)) + clean;
    }
  }
  std::string out;
  for (char c : aoh::utf8_prefix(clean, 2'000)) out += c == '<' || c == '>' || is_space(c) ? '_' : c;
  return out;
}

bool says_target(std::string_view words, std::string_view target) {
  if (words == target) return true;
  if (istarts_with(target, "mailto:") && words == target.substr(7)) return true;
  return istarts_with(target, "tel:") && words == target.substr(4);
}

bool link_differs(std::string_view words, std::string_view target) {
  words = trim(words);
  if (words.empty() || words.size() > 2'000) return false;
  const std::size_t end = std::min(words.find_first_of(" \n\t"), words.size());
  std::string_view first = words.substr(0, end);
  while (!first.empty() && std::string_view(".,;:!?)]\"'").find(first.back()) != std::string_view::npos)
    first.remove_suffix(1);
  while (!first.empty() && std::string_view("([\"'<").find(first.front()) != std::string_view::npos)
    first.remove_prefix(1);
  const bool spelled = has_scheme(first);
  // Without a scheme it must be all there is: "Node.js is out" names no site.
  if (!spelled && end != words.size()) return false;
  const bool mail = !spelled && first.find('@') != first.npos && first.find('/') == first.npos;
  const std::string said = host_of(mail ? "mailto:" + std::string(first) : std::string(first));
  if (!is_host(said)) return false;
  const std::string real = host_of(target);
  if (mail && istarts_with(target, "mailto:"))
    return !iequals(first, target.substr(7, std::min(target.find('?'), target.size()) - 7));
  return !real.empty() && !same_host(said, real);
}

}  // namespace mailroom::mime
