// Plain text and CSV: as it is, in pieces, so that memory does not grow with the document.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "mime/parse.hpp"
#include "parser/parsers.hpp"

namespace mailroom::documents {
namespace {

constexpr std::size_t kPiece = 256u << 10;

// The pages of what was read need not stay in memory; they come back from the file when they are read again.
void forget(std::string_view read) {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<std::uintptr_t>(read.data()) / page * page;
  const auto end = (reinterpret_cast<std::uintptr_t>(read.data()) + read.size()) / page * page;
  if (end > begin)
    ::madvise(reinterpret_cast<void*>(begin), end - begin,
              MADV_DONTNEED);  // NOLINT(performance-no-int-to-ptr)
}

// Length of the well-formed UTF-8 at the beginning (RFC 3629 §4), cut characters at the end not counted.
std::size_t utf8_length(std::string_view s) {
  std::size_t i = 0;
  while (i < s.size()) {
    const auto c = static_cast<unsigned char>(s[i]);
    if (c < 0x80) {
      ++i;
      continue;
    }
    const std::size_t n = c >= 0xf0 && c <= 0xf4  ? 4
                          : c >= 0xe0 && c < 0xf0 ? 3
                          : c >= 0xc2 && c < 0xe0 ? 2
                                                  : 0;
    if (n == 0 || i + n > s.size()) return i;
    for (std::size_t k = 1; k < n; ++k)
      if ((static_cast<unsigned char>(s[i + k]) & 0xc0) != 0x80) return i;
    const auto second = static_cast<unsigned char>(s[i + 1]);
    if ((c == 0xe0 && second < 0xa0) || (c == 0xed && second > 0x9f) || (c == 0xf0 && second < 0x90) ||
        (c == 0xf4 && second > 0x8f))
      return i;
    i += n;
  }
  return i;
}

// A character that the end cuts spoils nothing.
bool is_utf8(std::string_view s) {
  std::size_t at = 0;
  while (at < s.size()) {
    const std::size_t n = utf8_length(s.substr(at, kPiece));
    if (n == 0) break;
    forget(s.substr(at, n));
    at += n;
  }
  const std::string_view rest = s.substr(at);
  if (rest.empty()) return true;
  const auto c = static_cast<unsigned char>(rest[0]);
  const std::size_t n = c >= 0xf0 && c <= 0xf4  ? 4
                        : c >= 0xe0 && c < 0xf0 ? 3
                        : c >= 0xc2 && c < 0xe0 ? 2
                                                : 0;
  return rest.size() < n && s.size() > n && std::all_of(rest.begin() + 1, rest.end(), [](char k) {
           return (static_cast<unsigned char>(k) & 0xc0) == 0x80;
         });
}

std::string charset_of(std::string_view mime_type) {
  const std::size_t at = mime_type.find("charset=");
  if (at == mime_type.npos) return {};
  std::string_view v = mime_type.substr(at + 8);
  if (v.starts_with('"')) v.remove_prefix(1);
  return std::string(v.substr(0, std::min<std::size_t>(v.find_first_of("\"; "), 40)));
}

}  // namespace

void parse_text(const Context& c, const Kind& kind) {
  std::string_view rest = c.bytes;
  std::string charset = charset_of(c.mime_type);
  bool wide = false;
  if (rest.starts_with("\xff\xfe") || rest.starts_with("\xfe\xff")) {
    charset = rest[0] == '\xff' ? "utf-16le" : "utf-16be";
    rest.remove_prefix(2);
    wide = true;
  } else {
    if (rest.starts_with("\xef\xbb\xbf")) rest.remove_prefix(3);
    const bool utf8 = is_utf8(rest);
    if (utf8) charset = "utf-8";
    if (!utf8 && charset.empty()) {
      charset = "windows-1252";
      c.out.warn("charset_guessed",
                 "it is not UTF-8 and nothing names another charset: read as windows-1252");
    }
  }
  c.out.facts(aoh::Json{{"kind", kind.name}, {"charset", charset}});
  while (!rest.empty()) {
    std::string_view piece = rest.substr(0, kPiece);
    if (piece.size() < rest.size()) {
      // Cut after a line: there no multibyte charset is within a character, or in a state that goes on.
      const std::size_t line = wide ? piece.npos : piece.rfind('\n');
      if (line != piece.npos)
        piece = piece.substr(0, line + 1);
      else if (charset == "utf-8") {
        const std::size_t whole = utf8_length(piece);
        if (whole > 0) piece = piece.substr(0, whole);
      }
    }
    if (charset == "utf-8")
      c.out.text(piece);
    else
      c.out.text(mime::to_utf8_text(piece, charset));
    forget(piece);
    rest.remove_prefix(piece.size());
  }
}

}  // namespace mailroom::documents
