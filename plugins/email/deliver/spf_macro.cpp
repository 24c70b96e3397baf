#include "deliver/spf_macro.hpp"

#include <algorithm>
#include <vector>

#include "mime/ascii.hpp"

namespace mailroom::deliver {
namespace {

constexpr std::string_view kDelimiters = ".-+,/_=";
constexpr std::size_t kMostName = 253, kMostText = 4096;

/// "%{" letter digits "r" delimiters "}", from the letter on.
struct Macro {
  char letter = 0;
  int keep = 0;  // labels from the right; 0: all
  bool reverse = false;
  std::string_view delimiters;
};

/// Reads what stands behind "%{"; the number of bytes up to and with "}", 0 where it is none.
std::size_t read_macro(std::string_view text, Macro& m) {
  std::size_t at = 0;
  if (text.empty() || !mime::is_alpha(text[0])) return 0;
  m.letter = text[at++];
  bool digits = false;
  while (at < text.size() && mime::is_digit(text[at])) {
    m.keep = std::min(m.keep * 10 + (text[at++] - '0'), 1000);
    digits = true;
  }
  if (digits && m.keep == 0) return 0;  // it must not be zero (§7.3)
  if (at < text.size() && mime::lower(text[at]) == 'r') {
    m.reverse = true;
    ++at;
  }
  const std::size_t begin = at;
  while (at < text.size() && kDelimiters.find(text[at]) != std::string_view::npos) ++at;
  m.delimiters = text.substr(begin, at - begin);
  return at < text.size() && text[at] == '}' ? at + 1 : 0;
}

std::string value_of(char letter, const SpfMacros& m) {
  const std::size_t at = m.sender.rfind('@');
  switch (letter) {
    case 's':
      return m.sender;
    case 'l':
      return at == std::string::npos ? "postmaster" : m.sender.substr(0, at);
    case 'o':
      return at == std::string::npos ? m.sender : m.sender.substr(at + 1);
    case 'd':
      return m.domain;
    case 'i':
      return m.ip.dotted();
    case 'p':
      return m.validated ? m.validated() : "unknown";
    case 'v':
      return m.ip.v6 ? "ip6" : "in-addr";
    case 'h':
      return m.helo;
    case 'c':
      return m.ip.text();
    case 'r':
      return m.receiver;
    case 't':
      return std::to_string(m.now_s);
    default:
      return {};
  }
}

std::string transformed(const std::string& value, const Macro& m) {
  const std::string_view delimiters = m.delimiters.empty() ? std::string_view(".") : m.delimiters;
  if (m.keep == 0 && !m.reverse && m.delimiters.empty()) return value;
  std::vector<std::string> parts(1);
  for (const char c : value) {
    if (delimiters.find(c) != std::string_view::npos)
      parts.emplace_back();
    else
      parts.back() += c;
  }
  if (m.reverse) std::reverse(parts.begin(), parts.end());
  std::size_t first = 0;
  if (m.keep > 0 && parts.size() > static_cast<std::size_t>(m.keep))
    first = parts.size() - static_cast<std::size_t>(m.keep);
  std::string out;
  for (std::size_t i = first; i < parts.size(); ++i) out += (i == first ? "" : ".") + parts[i];
  return out;
}

std::string url_escaped(const std::string& text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto b = static_cast<unsigned char>(c);
    if (mime::is_alpha(c) || mime::is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~')
      out += c;
    else
      out = out + '%' + kHex[b >> 4] + kHex[b & 15];
  }
  return out;
}

/// The last label has a letter, and hyphens only inside (§7.1); one dot may follow.
bool ends_in_top_label(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  const std::size_t dot = text.rfind('.');
  if (dot == std::string_view::npos) return false;
  const std::string_view label = text.substr(dot + 1);
  if (label.empty() || label.front() == '-' || label.back() == '-') return false;
  const bool sound = std::all_of(label.begin(), label.end(),
                                 [](char c) { return mime::is_alpha(c) || mime::is_digit(c) || c == '-'; });
  return sound && !std::all_of(label.begin(), label.end(), &mime::is_digit);
}

}  // namespace

std::string spf_macro_problem(std::string_view text, bool explanation) {
  const std::string_view letters = explanation ? "slodiphcrtv" : "slodiphv";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c != '%') {
      if (c < '!' || c > '~') {
        if (explanation && c == ' ') continue;
        return "a character that may not stand there";
      }
      continue;
    }
    const char next = i + 1 < text.size() ? text[i + 1] : '\0';
    if (next == '%' || next == '_' || next == '-') {
      ++i;
      continue;
    }
    Macro m;
    const std::size_t n = next == '{' ? read_macro(text.substr(i + 2), m) : 0;
    if (n == 0) return "a % that begins no macro";
    if (letters.find(mime::lower(m.letter)) == std::string_view::npos)
      return std::string("the macro letter ") + m.letter + " is not allowed there";
    i += n + 1;
  }
  return {};
}

std::string spf_domain_problem(std::string_view text) {
  if (text.empty()) return "the domain is missing";
  if (std::string problem = spf_macro_problem(text); !problem.empty()) return problem;
  // Ends in a macro: the last "%{" closes at the very end.
  if (const std::size_t open = text.rfind("%{"); open != std::string_view::npos) {
    Macro m;
    if (open + 2 + read_macro(text.substr(open + 2), m) == text.size()) return {};
  }
  if (text.ends_with("%%") || text.ends_with("%_") || text.ends_with("%-") || !ends_in_top_label(text))
    return "the domain does not end in a top-level label";
  return {};
}

std::string expand_spf(std::string_view text, const SpfMacros& macros) {
  std::string out;
  for (std::size_t i = 0; i < text.size() && out.size() < kMostText; ++i) {
    if (text[i] != '%' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    const char next = text[i + 1];
    if (next != '{') {
      out += next == '%' ? "%" : next == '_' ? " " : "%20";
      ++i;
      continue;
    }
    Macro m;
    const std::size_t n = read_macro(text.substr(i + 2), m);
    if (n == 0) return out;  // the caller has looked for problems
    const std::string value = transformed(value_of(mime::lower(m.letter), macros), m);
    out += m.letter >= 'A' && m.letter <= 'Z' ? url_escaped(value) : value;
    i += n + 1;
  }
  return out.substr(0, kMostText);
}

std::string expand_spf_domain(std::string_view text, const SpfMacros& macros) {
  std::string out = expand_spf(text, macros);
  if (out.ends_with('.')) out.pop_back();
  while (out.size() > kMostName) {
    const std::size_t dot = out.find('.');
    if (dot == std::string::npos) break;
    out.erase(0, dot + 1);
  }
  return out;
}

}  // namespace mailroom::deliver
