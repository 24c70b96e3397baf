#include "mime/html_glance.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include "mime/ascii.hpp"
#include "mime/html_guard.hpp"

namespace mailroom::mime {
namespace {

constexpr int kDeep = 25;       // open elements, each 40 pixels to the right at most
constexpr int kDeepStyle = 10;  // with distances of their own, of 99 pixels at most

// What a byte of text may be: 0 to be copied, 1 a mark of HTML, 2 to be looked at, 3 not known to be
// harmless.
constexpr std::array<std::uint8_t, 256> kBytes = [] {
  std::array<std::uint8_t, 256> t{};
  for (std::size_t c = 0; c < 0x20; ++c) t[c] = 3;
  t['\t'] = t['\n'] = t['\r'] = 0;
  t['<'] = t['&'] = 1;
  t[0x7f] = 3;
  for (std::size_t c = 0x80; c < 0xc0; ++c) t[c] = 3;  // continuations are stepped over
  t[0xc2] = t[0xd8] = t[0xe2] = t[0xe3] = 2;
  t[0xcc] = t[0xcd] = t[0xe1] = t[0xef] = 3;
  for (std::size_t c = 0xf0; c < 0x100; ++c) t[c] = 3;
  return t;
}();

bool draws_nothing(unsigned char a, unsigned char b, unsigned char c) {
  if (a == 0xc2) return b == 0xad || b < 0xa0;                  // soft hyphen, C1
  if (a == 0xd8) return b == 0x9c;                              // Arabic letter mark
  if (a == 0xe3) return b == 0x85 && c == 0xa4;                 // Hangul filler
  if (b == 0x80) return (c >= 0x8b && c <= 0x8f) || c >= 0xa8;  // zero width, lines, directions
  return b == 0x81 || b == 0xa0;                                // word joiner and the like; Braille blank
}

class Glance {
 public:
  explicit Glance(std::string_view html) : html_(html) {}

  std::optional<std::string> read() {
    out_.reserve(html_.size());
    while (at_ < html_.size()) {
      if (!text()) return std::nullopt;
      if (at_ >= html_.size()) break;
      if (html_[at_] == '&' ? !entity() : !tag()) return std::nullopt;
    }
    if (!href_.empty()) return std::nullopt;
    return std::move(out_);
  }

 private:
  unsigned char byte(std::size_t i) const {
    return i < html_.size() ? static_cast<unsigned char>(html_[i]) : 0;
  }

  bool text() {
    const std::size_t from = at_;
    while (at_ < html_.size()) {
      const unsigned char c = byte(at_);
      const std::uint8_t kind = kBytes[c];
      if (kind == 1) break;
      if (kind == 3 || (kind == 2 && draws_nothing(c, byte(at_ + 1), byte(at_ + 2)))) return false;
      at_ += c < 0x80 ? 1 : c < 0xe0 ? 2 : 3;
    }
    at_ = std::min(at_, html_.size());
    const std::string_view said = html_.substr(from, at_ - from);
    if (!href_.empty() && said.find_first_of(".@/") != said.npos)
      return false;  // words that may be an address, of a link elsewhere
    out_ += said;
    return true;
  }

  bool entity() {
    constexpr std::pair<std::string_view, char> kKnown[] = {
        {"&nbsp;", ' '}, {"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&#39;", '\''}};
    for (const auto& [name, c] : kKnown)
      if (html_.substr(at_, name.size()) == name) {
        // "&lt;" is a word of the text: as such it must not look like a link's target.
        out_ += c == '<' || c == '>' ? ' ' : c;
        at_ += name.size();
        return true;
      }
    return false;
  }

  bool tag() {
    ++at_;
    const bool closing = byte(at_) == '/';
    at_ += closing;
    if (byte(at_) == '!') {  // a doctype, no comment
      if (!istarts_with(html_.substr(at_), "!doctype html>")) return false;
      at_ += 14;
      return true;
    }
    std::array<char, 10> name{};
    std::size_t n = 0;
    for (; is_alpha(static_cast<char>(byte(at_))) || is_digit(static_cast<char>(byte(at_))); ++at_) {
      if (n == name.size()) return false;
      name[n++] = lower(html_[at_]);
    }
    const std::string_view tag(name.data(), n);
    const int kind = kind_of(tag);
    if (kind == 0) return false;
    if (tag != "br") depth_ += closing ? -1 : 1;
    if (depth_ > kDeep) return false;
    if (tag == "a") {
      if (closing != !href_.empty()) return false;
      if (closing) out_.append(" <").append(href_).append(">");
      href_ = {};
    }
    if (kind == 2) out_ += '\n';
    if (!attributes(tag, closing)) return false;
    return tag != "a" || closing || !href_.empty();
  }

  // 1: within a line; 2: parts words.
  static int kind_of(std::string_view tag) {
    for (std::string_view in_line : {"a", "b", "i", "u", "em", "strong", "span", "tt", "code"})
      if (tag == in_line) return 1;
    for (std::string_view block :
         {"p",  "br", "div", "li", "ul", "ol", "td",   "tr",   "th",   "table",     "tbody",
          "h1", "h2", "h3",  "h4", "h5", "h6", "html", "head", "body", "blockquote"})
      if (tag == block) return 2;
    return 0;
  }

  bool attributes(std::string_view tag, bool closing) {
    while (true) {
      while (is_space(static_cast<char>(byte(at_)))) ++at_;
      if (byte(at_) == '>') {
        ++at_;
        return true;
      }
      const std::size_t from = at_;
      while (is_alpha(static_cast<char>(byte(at_)))) ++at_;
      const std::string_view name = html_.substr(std::min(from, html_.size()), at_ - from);
      const unsigned char quote = byte(at_ + 1);
      if (closing || name.empty() || byte(at_) != '=' || (quote != '"' && quote != '\'')) return false;
      at_ += 2;
      const std::size_t end = html_.find(static_cast<char>(quote), at_);
      if (end == html_.npos) return false;
      if (!harmless(tag, name, html_.substr(at_, end - at_))) return false;
      at_ = end + 1;
    }
  }

  bool harmless(std::string_view tag, std::string_view name, std::string_view value) {
    for (std::string_view known : {"class", "lang", "rel", "target", "align", "valign"})
      if (iequals(name, known)) return value.size() < 25 && value.find('&') == value.npos;
    if (iequals(name, "style")) return harmless_style(value);
    if (!iequals(name, "href") || tag != "a" || !href_.empty()) return false;
    const bool known = value.starts_with("https://") || value.starts_with("http://");
    for (char c : value)
      if (static_cast<unsigned char>(c) <= ' ' || (c & 0x80) || c == '<' || c == '>') return false;
    href_ = value;
    return known && value.size() > 8;
  }

  // Distances of at most two digits, alignment, and bold or slanted letters.
  bool harmless_style(std::string_view style) const {
    while (!style.empty()) {
      const std::string_view one = style.substr(0, style.find(';'));
      style.remove_prefix(std::min(style.size(), one.size() + 1));
      const std::size_t colon = one.find(':');
      if (colon == one.npos) {
        if (!trim(one).empty()) return false;
        continue;
      }
      const std::string_view name = trim(one.substr(0, colon)), value = trim(one.substr(colon + 1));
      const auto named = [&](std::string_view w) { return iequals(name, w); };
      if (named("text-align") || named("font-weight") || named("font-style")) {
        if (!std::all_of(value.begin(), value.end(), [](char c) { return is_alpha(c) || is_digit(c); }))
          return false;
      } else if (!(istarts_with(name, "margin") || istarts_with(name, "padding")) || depth_ > kDeepStyle ||
                 !small(value)) {
        return false;
      }
    }
    return true;
  }

  // "0", "0 0 1em", "12px 4px": not negative, below 100 pixels.
  static bool small(std::string_view value) {
    while (!value.empty()) {
      const std::string_view one = value.substr(0, value.find(' '));
      value.remove_prefix(std::min(value.size(), one.size() + 1));
      std::size_t digits = 0;
      while (digits < one.size() && is_digit(one[digits])) ++digits;
      const std::string_view unit = one.substr(digits);
      const bool fits =
          (unit == "px" && digits <= 2) || (unit == "em" && digits == 1) || one == "0" || one.empty();
      if (!fits) return false;
    }
    return true;
  }

  const std::string_view html_;
  std::string out_;
  std::string_view href_;  // of the open link
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

std::optional<std::string> read_at_a_glance(std::string_view html) {
  if (html.size() > kMaxHtmlBytes) return std::nullopt;
  return Glance(html).read();
}

}  // namespace mailroom::mime
