#include "mime/invisible.hpp"

#include <unicode/uchar.h>
#include <unicode/uscript.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <vector>

#include "mime/ascii.hpp"
#include "mime/unicode.hpp"

namespace mailroom::mime {
namespace {

constexpr std::size_t kQuiet = 8;  // so many stray marks say nothing

bool is_plain_control(char32_t c) {
  return (c < 0x20 && c != '\t' && c != '\n' && c != '\r' && c != '\f' && c != '\v') ||
         (c >= 0x7F && c < 0xA0 && c != 0x85);
}
bool is_blank_glyph(char32_t c) { return c == 0x2800; }
bool is_filler(char32_t c) { return c == 0x3164 || c == 0xFFA0 || c == 0x115F || c == 0x1160; }
bool is_mark(char32_t c) {
  return c < 0x80 ? is_plain_control(c) : is_plain_control(c) || is_invisible(c) || is_blank_glyph(c);
}
bool is_space_char(char32_t c) {
  return c == 0 || (c < 0x80 ? is_space(static_cast<char>(c)) : u_isUWhiteSpace(static_cast<UChar32>(c)));
}
bool is_word_char(char32_t c) {
  return c < 0x80
             ? is_alpha(static_cast<char>(c)) || is_digit(static_cast<char>(c))
             : u_isalnum(static_cast<UChar32>(c)) || (U_GET_GC_MASK(static_cast<UChar32>(c)) & U_GC_M_MASK);
}
bool has(char32_t c, UProperty p) { return u_hasBinaryProperty(static_cast<UChar32>(c), p); }
bool is_override(char32_t c) { return c == 0x202D || c == 0x202E; }
bool is_direction(char32_t c) {
  return c == 0x200E || c == 0x200F || c == 0x61C || (c >= 0x202A && c <= 0x202E) ||
         (c >= 0x2066 && c <= 0x2069);
}
bool is_tag(char32_t c) { return c >= 0xE0000 && c <= 0xE007F; }
bool is_selector(char32_t c) { return (c >= 0xFE00 && c <= 0xFE0F) || (c >= 0xE0100 && c <= 0xE01EF); }

UScriptCode script(char32_t c) {
  UErrorCode status = U_ZERO_ERROR;
  return uscript_getScript(static_cast<UChar32>(c), &status);
}
bool joins(char32_t c) {  // scripts whose letters change shape beside each other
  if (c < 0x600) return false;
  switch (script(c)) {
    case USCRIPT_ARABIC:
    case USCRIPT_SYRIAC:
    case USCRIPT_NKO:
    case USCRIPT_MANDAIC:
    case USCRIPT_MONGOLIAN:
    case USCRIPT_DEVANAGARI:
    case USCRIPT_BENGALI:
    case USCRIPT_GURMUKHI:
    case USCRIPT_GUJARATI:
    case USCRIPT_ORIYA:
    case USCRIPT_TAMIL:
    case USCRIPT_TELUGU:
    case USCRIPT_KANNADA:
    case USCRIPT_MALAYALAM:
    case USCRIPT_SINHALA:
    case USCRIPT_KHMER:
    case USCRIPT_MYANMAR:
    case USCRIPT_TIBETAN:
    case USCRIPT_BALINESE:
    case USCRIPT_JAVANESE:
      return true;
    case USCRIPT_INHERITED:  // a vowel sign or virama that several of them share
      return c >= 0x64B && c <= 0x670;
    default:
      return false;
  }
}
bool without_spaces(char32_t c) {
  if (c < 0xE00) return false;
  switch (script(c)) {
    case USCRIPT_THAI:
    case USCRIPT_LAO:
    case USCRIPT_KHMER:
    case USCRIPT_MYANMAR:
    case USCRIPT_TIBETAN:
    case USCRIPT_HAN:
    case USCRIPT_HIRAGANA:
    case USCRIPT_KATAKANA:
      return true;
    default:
      return false;
  }
}
bool is_jamo(char32_t c) { return c >= 0x1100 && c <= 0x11FF; }

using Marks = std::u32string_view;

// England, Scotland, Wales: the tag sequences that Unicode recommends for general interchange (UTS 51, RGI).
bool is_flag(char32_t before, Marks run) {
  if (before != 0x1F3F4 || run.size() < 2 || run.back() != 0xE007F) return false;
  std::string region;
  for (char32_t c : run.substr(0, run.size() - 1)) region += static_cast<char>(is_tag(c) ? c - 0xE0000 : 0);
  return region == "gbeng" || region == "gbsct" || region == "gbwls";
}

// Needed for what is seen: stays as it is.
bool belongs(char32_t before, Marks run, char32_t after, bool rtl_line) {
  if (is_flag(before, run)) return true;
  const bool emoji = has(before, UCHAR_EXTENDED_PICTOGRAPHIC) || has(before, UCHAR_EMOJI_MODIFIER);
  if (run.size() == 2 && run[0] == 0xFE0F && run[1] == 0x200D)
    return emoji && has(after, UCHAR_EXTENDED_PICTOGRAPHIC);
  if (run.size() == 2 && (run[0] == 0x200C || run[0] == 0x200D) && is_direction(run[1]))
    return joins(before) && rtl_line;
  if (rtl_line && run.size() <= 3 &&
      std::all_of(run.begin(), run.end(), [](char32_t c) { return is_direction(c) && !is_override(c); }))
    return true;
  if (run.size() != 1) return false;
  const char32_t c = run[0];
  if (c == 0x200D && emoji && has(after, UCHAR_EXTENDED_PICTOGRAPHIC)) return true;
  if (c == 0x200C || c == 0x200D) return joins(before) || (joins(after) && is_space_char(before));
  if (c == 0x200B || c == 0x2060) return without_spaces(before) && without_spaces(after);
  if (c == 0xFE0F || c == 0xFE0E) return has(before, UCHAR_EMOJI) || emoji;
  if (c >= 0xFE00 && c <= 0xFE02) return before >= 0x1000 && !has(before, UCHAR_EMOJI);
  if (c >= 0xE0100 && c <= 0xE01EF) return has(before, UCHAR_IDEOGRAPHIC);
  if (c >= 0x180B && c <= 0x180F) return script(before) == USCRIPT_MONGOLIAN;
  if (c == 0x17B4 || c == 0x17B5) return script(before) == USCRIPT_KHMER;
  if (c == 0x115F || c == 0x1160) return is_jamo(before) || is_jamo(after);
  if (c == 0x34F) return (U_GET_GC_MASK(static_cast<UChar32>(after)) & U_GC_M_MASK) != 0;
  if (is_blank_glyph(c)) return before > 0x2800 && before <= 0x28FF;
  return false;
}

const char* kind_of(char32_t c) {
  if (is_tag(c)) return "Unicode tags";
  if (is_selector(c)) return "variation selectors";
  if (is_direction(c)) return "direction controls";
  if (c == 0xAD) return "soft hyphens";
  if (is_filler(c) || is_blank_glyph(c)) return "blank letters";
  if (is_plain_control(c)) return "control characters";
  if ((c >= 0x200B && c <= 0x200D) || c == 0x2060 || c == 0xFEFF) return "zero-width characters";
  return "invisible characters";
}

// Never an accident.
bool is_loud(char32_t c) {
  return is_tag(c) || is_override(c) || is_selector(c) || (c >= 0x2061 && c <= 0x2065) ||
         (c >= 0x206A && c <= 0x206F) || (c >= 0xFFF0 && c <= 0xFFFB) || (c >= 0x1D173 && c <= 0x1D17A) ||
         c >= 0xE0000;
}

std::string sample_of(Marks run) {
  std::string out;
  if (is_tag(run[0])) {
    for (char32_t c : run)
      if (c >= 0xE0020 && c < 0xE007F) out += static_cast<char>(c - 0xE0000);
    if (!out.empty()) return out;
  }
  // Selectors as bytes: VS1-16 are 0-15, VS17-256 the others.
  std::string bytes;
  for (char32_t c : run)
    if (is_selector(c)) bytes += static_cast<char>(c < 0xE0100 ? c - 0xFE00 : c - 0xE0100 + 16);
  if (bytes.size() > 3 &&
      std::all_of(bytes.begin(), bytes.end(), [](char c) { return c >= 0x20 && c < 0x7F; }))
    return bytes;
  for (char32_t c : run.substr(0, 8)) {
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(), "%sU+%04X", out.empty() ? "" : " ", static_cast<unsigned>(c));
    out += text.data();
  }
  return out;
}

bool repeats(const std::u32string& all) {
  for (std::size_t period = 1; period <= kQuiet && period * 2 <= all.size(); ++period) {
    bool same = true;
    for (std::size_t i = period; i < all.size() && same; ++i) same = all[i] == all[i - period];
    if (same) return true;
  }
  return false;
}

class Cleaner {
 public:
  Cleaner(std::string_view s, HiddenLog& log, bool reading) : s_(s), log_(log), reading_(reading) {}

  std::string run(std::size_t first) {
    out_.reserve(s_.size());
    out_ = s_.substr(0, first);
    if (first > 0) {
      std::size_t from = first - 1;
      while (from > 0 && (s_[from] & 0xC0) == 0x80) --from;
      before_ = next_char(s_, from);
    }
    for (std::size_t at = first; at < s_.size();) {
      const std::size_t from = at;
      const auto byte = static_cast<unsigned char>(s_[at]);
      if (byte >= 0x20 && byte < 0x7F) {  // most text
        do ++at;
        while (at < s_.size() && static_cast<unsigned char>(s_[at]) >= 0x20 &&
               static_cast<unsigned char>(s_[at]) < 0x7F);
        out_ += s_.substr(from, at - from);
        before_ = static_cast<unsigned char>(s_[at - 1]);
        continue;
      }
      const char32_t c = next_char(s_, at);
      if (is_mark(c)) {
        at = marks(from);
        continue;
      }
      if (c == '\n') end_override();
      out_ += s_.substr(from, at - from);
      before_ = c;
    }
    end_override();
    if (stray_.size() > kQuiet && !repeats(stray_)) tell(stray_);
    return std::move(out_);
  }

 private:
  // A run of marks from `at`; returns what comes after it.
  std::size_t marks(std::size_t at) {
    std::u32string run;
    const std::size_t from = at;
    char32_t after = 0;
    while (at < s_.size()) {
      std::size_t next = at;
      after = next_char(s_, next);
      if (!is_mark(after)) break;
      run += after;
      after = 0;
      at = next;
    }
    const bool directions = std::any_of(run.begin(), run.end(), is_direction);
    if (belongs(before_, run, after, directions && rtl_line(from))) {
      out_ += s_.substr(from, at - from);
      return at;
    }
    const bool in_word = is_word_char(before_) && is_word_char(after);
    const bool soft = run == U"\u00AD";
    const bool pop = run.find(0x202C) != run.npos;
    if (soft ? !sensible_hyphen(at) : in_word || std::any_of(run.begin(), run.end(), is_loud)) {
      tell(run);
    } else if (!soft) {
      stray_.append(run, 0, std::min<std::size_t>(run.size(), 4'096));
    }
    if (pop) end_override();
    if (reading_ && run.find(0x202E) != run.npos && !rtl_line(from)) override_from_ = out_.size();
    // Blank letters take room: a gap, where they do not split a word.
    if (!in_word &&
        std::any_of(run.begin(), run.end(), [](char32_t c) { return is_filler(c) || is_blank_glyph(c); })) {
      if (!is_space_char(before_)) out_ += ' ';
      before_ = ' ';
    }
    if (soft) letters_end_ = out_.size();
    return at;
  }

  void tell(const std::u32string& run) {
    for (std::size_t i = 0; i < run.size();) {
      std::size_t end = i + 1;
      const std::string_view kind = kind_of(run[i]);
      while (end < run.size() && kind == kind_of(run[end])) ++end;
      log_.characters(kind, end - i, sample_of(Marks(run).substr(i, end - i)));
      i = end;
    }
  }

  // At least two letters on both sides, back to the last hyphen.
  bool sensible_hyphen(std::size_t at) const {
    std::size_t left = 0, right = 0;
    for (std::size_t i = out_.size(); i > letters_end_ && left < 2;) {
      do --i;
      while (i > letters_end_ && (out_[i] & 0xC0) == 0x80);
      std::size_t from = i;
      if (!is_word_char(next_char(out_, from))) break;
      ++left;
    }
    while (at < s_.size() && right < 2) {
      if (!is_word_char(next_char(s_, at))) break;
      ++right;
    }
    // At the edge of a word it shows nothing, and hides nothing.
    return (left == 0) != (right == 0) || (left >= 2 && right >= 2) || (left == 0 && right == 0);
  }

  // Whether the line around `at` has right-to-left letters.
  bool rtl_line(std::size_t at) {
    if (at >= line_begin_ && at < line_end_) return line_rtl_;
    line_begin_ = s_.rfind('\n', at);
    line_begin_ = line_begin_ == s_.npos ? 0 : line_begin_;
    line_end_ = std::min(s_.find('\n', at + 1), s_.size());
    line_rtl_ = false;
    for (std::size_t i = line_begin_; i < line_end_ && !line_rtl_;) {
      const char32_t c = next_char(s_, i);
      if (c < 0x590 || is_mark(c)) continue;
      const auto d = u_charDirection(static_cast<UChar32>(c));
      line_rtl_ = d == U_RIGHT_TO_LEFT || d == U_RIGHT_TO_LEFT_ARABIC;
    }
    return line_rtl_;
  }

  void end_override() {
    if (override_from_ == std::string::npos) return;
    const std::string turned = reversed(std::string_view(out_).substr(override_from_));
    out_.replace(override_from_, std::string::npos, turned);
    override_from_ = std::string::npos;
  }

  std::string_view s_;
  HiddenLog& log_;
  bool reading_;
  std::string out_;
  char32_t before_ = 0;
  std::u32string stray_;
  std::size_t letters_end_ = 0;  // of out_: where the last soft hyphen was
  std::size_t override_from_ = std::string::npos;
  std::size_t line_begin_ = 1, line_end_ = 0;  // the line that line_rtl_ is of
  bool line_rtl_ = false;
};

// What a byte may begin: 0 no mark, 1 perhaps one, 2 it is one.
constexpr std::array<std::uint8_t, 256> kBegins = [] {
  std::array<std::uint8_t, 256> t{};
  for (std::size_t c = 0; c < 0x20; ++c) t[c] = 2;
  t['\t'] = t['\n'] = t['\r'] = t['\f'] = t['\v'] = 0;
  t[0x7F] = 2;
  t[0xC2] = t[0xCD] = t[0xD8] = t[0xE1] = t[0xE2] = t[0xE3] = t[0xEF] = t[0xF0] = t[0xF3] = 1;
  return t;
}();

// The first byte that may begin a mark; the size when there is none.
std::size_t first_suspect(std::string_view s) {
  for (std::size_t i = 0; i < s.size();) {
    const std::uint8_t begins = kBegins[static_cast<unsigned char>(s[i])];
    if (begins == 2) return i;
    std::size_t next = i + 1;
    if (begins == 1 && is_mark(next_char(s, next = i))) return i;
    i = next;
  }
  return s.size();
}

}  // namespace

std::string clean_invisible(std::string text, HiddenLog& log, bool reading) {
  const std::size_t first = first_suspect(text);
  if (first >= text.size()) return text;
  return Cleaner(text, log, reading).run(first);
}

std::string reversed(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t end = text.size(); end > 0;) {
    std::size_t from = end - 1;
    while (from > 0 && (text[from] & 0xC0) == 0x80) --from;
    const std::string_view one = text.substr(from, end - from);
    constexpr std::string_view kPairs = "()[]{}<>";
    const std::size_t bracket = one.size() == 1 ? kPairs.find(one[0]) : kPairs.npos;
    if (bracket != kPairs.npos)
      out += kPairs[bracket ^ 1];
    else
      out += one;
    end = from;
  }
  return out;
}

}  // namespace mailroom::mime
