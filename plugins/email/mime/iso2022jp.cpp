// ISO-2022-JP as it is sent: with half-width kana, with the rows of NEC and IBM ("-MS", cp50220 to 50222).
#include "mime/ascii.hpp"
#include "mime/charset.hpp"

namespace mailroom::mime {

// Rewritten as Shift_JIS, whose converter knows all of these characters; ICU's own ISO-2022-JP knows JIS X
// 0208 only.
std::optional<std::string> iso2022jp_as_shift_jis(std::string_view bytes) {
  enum class Set { ascii, kana, kanji } set = Set::ascii;
  bool shifted_out = false;             // SO: kana, as some senders write them
  std::string out(bytes.size(), '\0');  // never longer
  char* to = out.data();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto c = static_cast<unsigned char>(bytes[i]);
    if (c == 0x1B) {
      const std::string_view rest = bytes.substr(i + 1, 3);
      if (rest.starts_with("$B") || rest.starts_with("$@") || rest.starts_with("$(B") ||
          rest.starts_with("$(@")) {
        set = Set::kanji;
        i += rest[1] == '(' ? 3 : 2;
      } else if (rest.starts_with("(B") || rest.starts_with("(J") || rest.starts_with("(H")) {
        set = Set::ascii;
        i += 2;
      } else if (rest.starts_with("(I")) {
        set = Set::kana;
        i += 2;
      } else {
        return {};  // ISO-2022-JP-2: Chinese, Korean, Greek, JIS X 0212
      }
    } else if (c == 0x0E || c == 0x0F) {
      shifted_out = c == 0x0E;
    } else if (c == '\r' || c == '\n') {
      set = Set::ascii;  // RFC 1468: a line ends in ASCII, whatever the sender forgot
      *to++ = bytes[i];
    } else if (c >= 0xA1 && c <= 0xDF) {
      *to++ = bytes[i];  // eight-bit kana
    } else if (c < 0x21 || c > 0x7E) {
      *to++ = bytes[i];
    } else if (set == Set::kana || shifted_out) {
      *to++ = static_cast<char>(c | 0x80u);
    } else if (set == Set::kanji) {
      const unsigned second = i + 1 < bytes.size() ? static_cast<unsigned char>(bytes[i + 1]) : 0;
      if (second < 0x21 || second > 0x7E) {
        *to++ = '\x1a';  // half a character: SUB, which becomes U+FFFD
        continue;
      }
      ++i;
      const unsigned row = c - 0x21u, cell = second - 0x21u;
      const unsigned lead = 0x81 + row / 2 + (row / 2 > 0x1E ? 0x40 : 0);
      const unsigned trail = row % 2 ? 0x9F + cell : 0x40 + cell + (cell >= 0x3F ? 1 : 0);
      *to++ = static_cast<char>(lead);
      *to++ = static_cast<char>(trail);
    } else {
      *to++ = bytes[i];
    }
  }
  out.resize(static_cast<std::size_t>(to - out.data()));
  return out;
}

bool looks_like_iso2022jp(std::string_view bytes) {
  for (std::size_t at = bytes.find('\x1b'); at != bytes.npos; at = bytes.find('\x1b', at + 1)) {
    const std::string_view rest = bytes.substr(at + 1, 2);
    if (rest == "$B" || rest == "$@" || rest == "(I") return true;
  }
  return false;
}

}  // namespace mailroom::mime
