// RTF as Outlook puts it into winmail.dat: compressed (MS-OXRTFCP), and with HTML hidden in it (MS-OXRTFEX).
#include <array>
#include <cstdint>
#include <vector>

#include "mime/ascii.hpp"
#include "mime/charset.hpp"
#include "mime/tnef.hpp"
#include "mime/unicode.hpp"

namespace mailroom::mime {
namespace {

// What both sides know before the first byte (MS-OXRTFCP §2.1.2.1).
constexpr std::string_view kDictionary =
    "{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript "
    "\\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par "
    "\\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";
static_assert(kDictionary.size() == 207);
constexpr std::size_t kWindow = 4096;

std::uint32_t little(std::string_view s, std::size_t at) {
  std::uint32_t n = 0;
  for (std::size_t i = 4; i-- > 0;) n = n << 8 | static_cast<unsigned char>(s[at + i]);
  return n;
}

// Groups whose text is not for reading.
bool is_destination(std::string_view word) {
  static constexpr std::array kNames =
      std::to_array<std::string_view>({"fonttbl",      "colortbl",
                                       "stylesheet",   "info",
                                       "pict",         "object",
                                       "header",       "footer",
                                       "headerl",      "headerr",
                                       "footerl",      "footerr",
                                       "listtable",    "listoverridetable",
                                       "rsidtbl",      "generator",
                                       "themedata",    "xmlnstbl",
                                       "fldinst",      "datastore",
                                       "latentstyles", "colorschememapping"});
  for (std::string_view name : kNames)
    if (word == name) return true;
  return false;
}

class RtfText {
 public:
  RtfText(std::string_view rtf, std::size_t max) : s_(rtf), max_(max) {}

  std::string read() {
    while (at_ < s_.size() && out_.size() < max_) step();
    flush();
    return std::move(out_);
  }

 private:
  void step() {
    const char c = s_[at_];
    if (c == '{') {
      // The stack is a counter: only the outermost group that is skipped matters.
      ++depth_;
      ++at_;
    } else if (c == '}') {
      if (depth_ > 0) --depth_;
      if (skip_from_ > depth_) skip_from_ = 0;
      ++at_;
    } else if (c == '\\') {
      control();
    } else {
      if (c != '\r' && c != '\n') put(c);
      ++at_;
    }
  }

  void control() {
    ++at_;
    if (at_ >= s_.size()) return;
    const char c = s_[at_];
    if (!is_alpha(c)) {
      ++at_;
      if (c == '\'') {
        const int high = at_ < s_.size() ? hex_value(s_[at_]) : -1;
        const int low = at_ + 1 < s_.size() ? hex_value(s_[at_ + 1]) : -1;
        if (high >= 0 && low >= 0) put(static_cast<char>(high * 16 + low));
        at_ = std::min(at_ + 2, s_.size());
      } else if (c == '*') {
        skip();
      } else if (c == '~') {
        put(' ');
      } else if (c == '_' || c == '-') {
        if (c == '_') put('-');
      } else if (c == '\r' || c == '\n') {
        put('\n');
      } else {
        put(c);  // an escaped brace or backslash
      }
      return;
    }
    const std::size_t start = at_;
    while (at_ < s_.size() && is_alpha(s_[at_])) ++at_;
    const std::string_view word = s_.substr(start, at_ - start);
    const std::size_t digits = at_;
    if (at_ < s_.size() && s_[at_] == '-') ++at_;
    while (at_ < s_.size() && is_digit(s_[at_]) && at_ - digits < 10) ++at_;
    const std::string number(s_.substr(digits, at_ - digits));
    const long value = number.empty() || number == "-" ? 0 : std::strtol(number.c_str(), nullptr, 10);
    if (at_ < s_.size() && s_[at_] == ' ') ++at_;
    named(word, value);
  }

  void named(std::string_view word, long value) {
    if (is_destination(word)) {
      skip();
    } else if (word == "par" || word == "line" || word == "row" || word == "sect" || word == "page") {
      put('\n');
    } else if (word == "tab" || word == "cell") {
      put('\t');
    } else if (word == "ansicpg") {
      if (value > 0 && value < 100'000) charset_ = "cp" + std::to_string(value);
    } else if (word == "uc") {
      substitutes_ = static_cast<std::size_t>(value < 0 || value > 8 ? 1 : value);
    } else if (word == "u") {
      unicode(value);
    } else if (word == "bin") {
      at_ = value > 0 ? std::min(at_ + static_cast<std::size_t>(value), s_.size()) : at_;
    } else if (word == "emdash" || word == "endash") {
      put_char_of(word == "emdash" ? U'—' : U'–');
    } else if (word == "bullet") {
      put_char_of(U'•');
    } else if (word == "lquote" || word == "rquote") {
      put_char_of(word == "lquote" ? U'‘' : U'’');
    } else if (word == "ldblquote" || word == "rdblquote") {
      put_char_of(word == "ldblquote" ? U'“' : U'”');
    }
  }

  void unicode(long value) {
    if (value < 0) value += 65536;
    auto c = static_cast<char32_t>(value & 0xFFFF);
    if (c >= 0xD800 && c < 0xDC00) {
      high_ = c;
    } else {
      if (c >= 0xDC00 && c < 0xE000) c = high_ ? 0x10000 + ((high_ - 0xD800) << 10) + (c - 0xDC00) : 0xFFFD;
      high_ = 0;
      put_char_of(c);
    }
    for (std::size_t i = 0; i < substitutes_ && at_ < s_.size(); ++i) {  // for readers that know no Unicode
      if (s_[at_] == '\\' && at_ + 1 < s_.size() && s_[at_ + 1] == '\'')
        at_ = std::min(at_ + 4, s_.size());
      else if (s_[at_] != '\\' && s_[at_] != '{' && s_[at_] != '}')
        ++at_;
    }
  }

  void skip() {
    if (!skip_from_) skip_from_ = depth_ ? depth_ : 1;
  }
  void put(char c) {
    if (!skip_from_) bytes_ += c;
  }
  void put_char_of(char32_t c) {
    if (skip_from_) return;
    flush();
    put_char(out_, c);
  }
  void flush() {
    if (!bytes_.empty()) out_ += to_utf8(bytes_, charset_);
    bytes_.clear();
  }

  std::string_view s_;
  std::size_t max_;
  std::size_t at_ = 0, depth_ = 0;
  std::size_t skip_from_ = 0;  // the depth of the outermost group that is left out; 0: none
  std::size_t substitutes_ = 1;
  char32_t high_ = 0;
  std::string charset_ = "windows-1252", bytes_, out_;
};

}  // namespace

std::optional<std::string> decompress_rtf(std::string_view bytes, std::size_t max_bytes) {
  constexpr std::size_t kHeader = 16;
  if (bytes.size() < kHeader) return {};
  const std::size_t raw_size = std::min<std::size_t>(little(bytes, 4), max_bytes);
  const std::uint32_t kind = little(bytes, 8);
  std::string_view in = bytes.substr(kHeader);
  if (kind == 0x414C454D) return std::string(in.substr(0, raw_size));  // "MELA": not compressed
  if (kind != 0x75465A4C) return {};                                   // "LZFu"
  std::array<char, kWindow> window{};
  std::size_t write = 0;
  for (char c : kDictionary) window[write++] = c;
  std::string out;
  const auto emit = [&](char c) {
    out += c;
    window[write] = c;
    write = (write + 1) % kWindow;
  };
  std::size_t at = 0;
  while (at < in.size() && out.size() < raw_size) {
    const auto control = static_cast<unsigned char>(in[at++]);
    for (unsigned bit = 0; bit < 8 && at < in.size() && out.size() < raw_size; ++bit) {
      if (!(control >> bit & 1u)) {
        emit(in[at++]);
        continue;
      }
      if (at + 1 >= in.size()) return out;
      const unsigned token =
          static_cast<unsigned char>(in[at]) << 8u | static_cast<unsigned char>(in[at + 1]);
      at += 2;
      std::size_t from = token >> 4;
      if (from == write) return out;  // the end
      for (unsigned n = (token & 15u) + 2; n > 0 && out.size() < raw_size; --n) {
        emit(window[from]);
        from = (from + 1) % kWindow;
      }
    }
  }
  return out;
}

std::string rtf_to_text(std::string_view rtf, std::size_t max_bytes) {
  return RtfText(rtf, max_bytes).read();
}

}  // namespace mailroom::mime
