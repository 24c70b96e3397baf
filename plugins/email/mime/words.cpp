#include "mime/words.hpp"

#include <unicode/uchar.h>

#include <algorithm>

#include "mime/ascii.hpp"
#include "mime/unicode.hpp"

namespace mailroom::mime {
namespace {

constexpr std::uint64_t kSeed = 14695981039346656037u, kPrime = 1099511628211u;  // FNV-1a

bool is_alnum(char c) { return is_alpha(c) || is_digit(c); }
bool is_local(char c) { return is_alnum(c) || c == '.' || c == '_' || c == '+' || c == '-' || c == '%'; }
bool is_host(char c) { return is_alnum(c) || c == '.' || c == '-' || (c & 0x80) != 0; }
bool ends_link(char c) {
  return is_space(c) || c == '<' || c == '>' || c == '"' || c == ')' || c == ']' || c == '\'';
}

bool without_blanks(char32_t c) {
  return (c >= 0x0E00 && c <= 0x0EFF) || (c >= 0x1000 && c <= 0x109F) || (c >= 0x1780 && c <= 0x17FF) ||
         (c >= 0x3040 && c <= 0x30FF) || (c >= 0x3400 && c <= 0x9FFF) || (c >= 0xF900 && c <= 0xFAFF) ||
         (c >= 0x20000 && c <= 0x3FFFF);
}

class Reader {
 public:
  Reader(std::string_view text, std::size_t most) : text_(text.substr(0, UINT32_MAX)), most_(most) {}

  Words read() {
    while (at_ < text_.size() && out_.said.size() + out_.targets.size() < most_) {
      const char c = text_[at_];
      if (c & 0x80)
        wide();
      else if (is_alnum(c))
        word();
      else
        mark(c);
    }
    return std::move(out_);
  }

 private:
  // "[image001.png]", "<logo.jpg>", "[1]", "[image: ": what stands for a picture or counts a link.
  void mark(char c) {
    ++at_;
    if (c == '\n') line_ = at_;
    if (c != '[' && c != '<') return;
    std::size_t end = at_;
    while (end < text_.size() && end - at_ < 120 && !is_space(text_[end]) && text_[end] != ']' &&
           text_[end] != '>')
      ++end;
    const std::string_view inside = text_.substr(at_, end - at_);
    if (iequals(inside, "image:")) at_ = end;
    if (end >= text_.size() || (text_[end] != ']' && text_[end] != '>')) return;
    const bool count = inside.size() <= 3 && std::all_of(inside.begin(), inside.end(), is_digit);
    const std::string kind = to_lower(inside.substr(inside.size() - std::min<std::size_t>(inside.size(), 4)));
    if (count || kind == ".png" || kind == ".jpg" || kind == "jpeg" || kind == ".gif") at_ = end;
  }

  // "1. " and "2) " before what they count.
  bool counts(std::size_t end) const {
    if (end - at_ > 3 || end + 1 >= text_.size() || (text_[end] != '.' && text_[end] != ')') ||
        !is_space(text_[end + 1]))
      return false;
    for (std::size_t i = at_; i < end; ++i)
      if (!is_digit(text_[i])) return false;
    for (std::size_t i = line_; i < at_; ++i)
      if (!is_space(text_[i]) && text_[i] != '>' && text_[i] != '*' && text_[i] != '-') return false;
    return true;
  }

  void word() {
    std::uint64_t hash = kSeed;
    std::size_t end = at_;
    bool digit = false;
    for (; end < text_.size() && is_alnum(text_[end]); ++end) {
      digit = digit || is_digit(text_[end]);
      hash = (hash ^ static_cast<unsigned char>(lower(text_[end]))) * kPrime;
    }
    const char next = end < text_.size() ? text_[end] : '\n';
    if (next == ':' && link(end)) return;
    if (next == '.' && end - at_ == 3 && iequals(text_.substr(at_, 3), "www")) return host(at_);
    if ((next == '@' || is_local(next)) && address(end)) return;
    if (next & 0x80) return letters(hash, end, digit);
    if (!counts(end)) put(hash, end, digit && end - at_ >= 3 ? Word::Kind::number : Word::Kind::letters);
    at_ = end;
  }

  bool link(std::size_t colon) {
    const std::string_view scheme = text_.substr(at_, colon - at_);
    if (iequals(scheme, "mailto") || iequals(scheme, "tel")) {
      at_ = colon;
      return true;
    }
    if (iequals(scheme, "cid")) {
      skip_link(colon);
      return true;
    }
    if (text_.substr(colon, 3) != "://") return false;
    host(colon + 3);
    return true;
  }

  void host(std::size_t from) {
    std::size_t end = from;
    while (end < text_.size() && is_host(text_[end])) ++end;
    if (end < text_.size() && text_[end] == '@') {  // what comes before it is no host
      from = ++end;
      while (end < text_.size() && is_host(text_[end])) ++end;
    }
    std::string_view name = text_.substr(from, end - from);
    if (istarts_with(name, "www.")) name.remove_prefix(4);
    while (name.ends_with('.')) name.remove_suffix(1);
    out_.targets.push_back({word_hash(name), static_cast<std::uint32_t>(at_),
                            static_cast<std::uint32_t>(end - at_), Word::Kind::host});
    skip_link(end);
  }

  void skip_link(std::size_t from) {
    at_ = from;
    while (at_ < text_.size() && !ends_link(text_[at_])) ++at_;
  }

  bool address(std::size_t end) {
    if (at_ < no_address_) return false;
    while (end < text_.size() && is_local(text_[end])) ++end;
    if (end >= text_.size() || text_[end] != '@') {
      no_address_ = end;
      return false;
    }
    std::size_t stop = end + 1;
    while (stop < text_.size() && is_host(text_[stop])) ++stop;
    while (stop > end && !is_alnum(text_[stop - 1]) && !(text_[stop - 1] & 0x80)) --stop;
    const std::string_view domain = text_.substr(end + 1, stop - std::min(stop, end + 1));
    if (domain.find('.') == domain.npos) {
      no_address_ = end;
      return false;
    }
    out_.targets.push_back({word_hash(text_.substr(at_, stop - at_)), static_cast<std::uint32_t>(at_),
                            static_cast<std::uint32_t>(stop - at_), Word::Kind::address});
    at_ = stop;
    return true;
  }

  // A word that has other letters than those of ASCII, from its first character or from `end` on.
  void letters(std::uint64_t hash, std::size_t end, bool digit) {
    while (end < text_.size()) {
      std::size_t next = end;
      const char32_t c = next_char(text_, next);
      const auto icu = static_cast<UChar32>(c);
      if (c >= 0x300 && u_charType(icu) == U_NON_SPACING_MARK && !without_blanks(c)) {
        end = next;  // an accent of its own: with it or without it is the same word
        continue;
      }
      if (!u_isalnum(icu) || without_blanks(c)) break;
      digit = digit || u_isdigit(icu);
      const auto folded = static_cast<std::uint32_t>(u_foldCase(icu, U_FOLD_CASE_DEFAULT));
      for (std::uint32_t rest = folded; rest != 0; rest >>= 8) hash = (hash ^ (rest & 0xff)) * kPrime;
      end = next;
    }
    put(hash, end, digit && end - at_ >= 3 ? Word::Kind::number : Word::Kind::letters);
    at_ = end;
  }

  void wide() {
    std::size_t next = at_;
    const char32_t c = next_char(text_, next);
    if (without_blanks(c) && u_isUAlphabetic(static_cast<UChar32>(c))) {
      put((kSeed ^ c) * kPrime, next, Word::Kind::ideograph);
      at_ = next;
    } else if (u_isalnum(static_cast<UChar32>(c)) && !without_blanks(c)) {
      letters(kSeed, at_, false);
    } else {
      at_ = next;
    }
  }

  void put(std::uint64_t hash, std::size_t end, Word::Kind kind) {
    if (end > at_)
      out_.said.push_back(
          {hash, static_cast<std::uint32_t>(at_), static_cast<std::uint32_t>(end - at_), kind});
  }

  const std::string_view text_;
  const std::size_t most_;
  Words out_;
  std::size_t at_ = 0, line_ = 0, no_address_ = 0;
};

}  // namespace

Words words_of(std::string_view text, std::size_t most) { return Reader(text, most).read(); }

std::uint64_t word_hash(std::string_view word) {
  std::uint64_t hash = kSeed;
  for (char c : word) hash = (hash ^ static_cast<unsigned char>(lower(c))) * kPrime;
  return hash;
}

}  // namespace mailroom::mime
