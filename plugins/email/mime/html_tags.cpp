#include "mime/html_tags.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "mime/ascii.hpp"
#include "mime/unicode.hpp"

namespace mailroom::mime {
namespace {

constexpr std::size_t kMaxAttributes = 200;

// Their content is text, whatever it looks like (§13.1.2; noscript holds tags where scripts do not run).
constexpr std::array<std::string_view, 8> kRaw{"script", "style",  "title",   "textarea",
                                               "xmp",    "iframe", "noembed", "noframes"};

}  // namespace

bool HtmlTags::next() {
  for (;;) {
    at_ = s_.find('<', at_);
    if (at_ == s_.npos || at_ + 1 >= s_.size()) return false;
    const char c = s_[at_ + 1];
    if (is_alpha(c)) {
      read_tag(at_ + 1);
      skip_raw_text();
      return true;
    }
    if (c == '/' && at_ + 2 < s_.size() && is_alpha(s_[at_ + 2]))
      read_tag(at_ + 2);  // quotes count in an end tag too
    else if (c == '!' || c == '?' || c == '/')
      skip_markup();
    else
      ++at_;
  }
}

void HtmlTags::read_tag(std::size_t at) {
  const auto end_of_name = [&](std::size_t i, bool equals) {
    while (i < s_.size() && !is_space(s_[i]) && s_[i] != '/' && s_[i] != '>' && !(equals && s_[i] == '='))
      ++i;
    return i;
  };
  attributes_.clear();
  std::size_t i = end_of_name(at, false);
  name_ = s_.substr(at, i - at);
  for (;;) {
    while (i < s_.size() && (is_space(s_[i]) || s_[i] == '/')) ++i;
    if (i >= s_.size()) break;
    if (s_[i] == '>') {
      ++i;
      break;
    }
    HtmlAttribute a;
    const std::size_t end = end_of_name(i + 1, true);  // a '=' in front is the name's (§13.2.5.32)
    a.name = s_.substr(i, end - i);
    for (i = end; i < s_.size() && is_space(s_[i]);) ++i;
    if (i < s_.size() && s_[i] == '=') {
      for (++i; i < s_.size() && is_space(s_[i]);) ++i;
      if (i < s_.size() && (s_[i] == '"' || s_[i] == '\'')) {
        const std::size_t close = std::min(s_.find(s_[i], i + 1), s_.size());
        a.value = s_.substr(i + 1, close - i - 1);
        i = std::min(close + 1, s_.size());
      } else {
        const std::size_t from = i;
        while (i < s_.size() && !is_space(s_[i]) && s_[i] != '>') ++i;
        a.value = s_.substr(from, i - from);
      }
    }
    if (attributes_.size() < kMaxAttributes) attributes_.push_back(a);
  }
  at_ = i;
}

void HtmlTags::skip_markup() {
  const std::string_view rest = s_.substr(at_);
  std::size_t end = s_.npos;
  std::size_t length = 1;
  if (rest.starts_with("<!--") && !istarts_with(rest, "<!--[if")) {
    if (rest.starts_with("<!-->") || rest.starts_with("<!--->")) {
      end = rest.find('>');
    } else {
      const std::size_t plain = rest.find("-->", 4);
      const std::size_t bang = rest.substr(0, plain).find("--!>", 4);  // ends one too (§13.2.5.51)
      end = std::min(plain, bang);
      length = bang < plain ? 4 : 3;
    }
  } else {
    end = rest.find('>');
  }
  at_ = end == s_.npos ? s_.size() : at_ + end + length;
}

void HtmlTags::skip_raw_text() {
  style_ = {};
  const bool raw = std::any_of(kRaw.begin(), kRaw.end(), [&](auto n) { return iequals(n, name_); });
  if (iequals(name_, "plaintext")) at_ = s_.size();
  if (!raw) return;
  std::size_t end = at_;
  for (;; ++end) {
    end = std::min(s_.find("</", end), s_.size());
    if (end == s_.size()) break;
    const std::string_view rest = s_.substr(end + 2);
    if (!istarts_with(rest, name_)) continue;
    if (rest.size() == name_.size() || is_space(rest[name_.size()]) || rest[name_.size()] == '>' ||
        rest[name_.size()] == '/')
      break;
  }
  if (iequals(name_, "style")) style_ = s_.substr(at_, end - at_);
  at_ = end;
}

std::string without_references(std::string_view value) {
  constexpr std::array<std::pair<std::string_view, char>, 14> kNamed{{{"amp;", '&'},
                                                                      {"quot;", '"'},
                                                                      {"apos;", '\''},
                                                                      {"lt;", '<'},
                                                                      {"gt;", '>'},
                                                                      {"colon;", ':'},
                                                                      {"comma;", ','},
                                                                      {"semi;", ';'},
                                                                      {"equals;", '='},
                                                                      {"plus;", '+'},
                                                                      {"sol;", '/'},
                                                                      {"Tab;", '\t'},
                                                                      {"NewLine;", '\n'},
                                                                      {"commat;", '@'}}};
  std::string out;
  out.reserve(value.size());
  for (std::size_t i = 0; i < value.size();) {
    const std::size_t mark = std::min(value.find('&', i), value.size());
    out += value.substr(i, mark - i);
    i = mark;
    if (i == value.size()) break;
    const std::string_view rest = value.substr(i + 1);
    if (rest.starts_with('#')) {
      const bool hex = rest.size() > 1 && lower(rest[1]) == 'x';
      std::size_t end = hex ? 2 : 1;
      const std::size_t digits = end;
      char32_t c = 0;
      while (end < rest.size() && (hex ? hex_value(rest[end]) >= 0 : is_digit(rest[end]))) {
        c = std::min<char32_t>(c * (hex ? 16 : 10) + static_cast<char32_t>(hex_value(rest[end])), 0x110000);
        ++end;
      }
      if (end > digits) {
        put_char(out, c == 0 || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000) ? U'\uFFFD' : c);
        i += 1 + end + (end < rest.size() && rest[end] == ';');
        continue;
      }
    }
    const auto* named = std::find_if(kNamed.begin(), kNamed.end(),
                                     [&](const auto& pair) { return rest.starts_with(pair.first); });
    if (named != kNamed.end()) {
      out += named->second;
      i += 1 + named->first.size();
    } else {
      out += '&';
      ++i;
    }
  }
  return out;
}

}  // namespace mailroom::mime
