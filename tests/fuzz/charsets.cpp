// Charsets, transfer encodings, modified UTF-7: whatever the bytes, valid UTF-8; and there and back again.
// Input: a line with a charset's label, then bytes.
#include "mime/charset.hpp"

#include "fuzz.hpp"
#include "imap/proto/utf7.hpp"
#include "mime/codec.hpp"
#include "mime/parse.hpp"
#include "mime/transfer.hpp"

namespace mailroom::fuzz {
namespace {

using namespace mime;

void convert(std::string_view label, std::string_view bytes) {
  must_be_utf8(canonical_charset(label), "a charset's name is UTF-8");
  CharsetNotes notes;
  must_be_utf8(to_utf8(bytes, label, &notes), "converted bytes are UTF-8");
  const std::string text = to_utf8_text(bytes, label);
  must_be_utf8(text, "converted text is UTF-8");
  must(text.find('\r') == std::string::npos, "line ends of text are LF");
  must_be_utf8(convert_from("windows-1252", bytes).value_or("\xff"), "windows-1252 reads everything");
  must_be_utf8(convert_from(guess_charset(bytes, label), bytes).value_or("\xff"), "a guess can be read");
  must_be_utf8(lossy_utf8(bytes), "what is lossy is UTF-8");
  must(is_utf8(bytes) == (aoh::valid_utf8(bytes) == bytes), "both ways to tell UTF-8 agree");
  if (is_utf8(bytes) && !bytes.starts_with("\xEF\xBB\xBF"))
    must(to_utf8(bytes, "utf-8") == bytes, "UTF-8 stays as it is");
  must_be_utf8(decode_header("=?" + std::string(label) + "?Q?" + std::string(bytes) + "?="),
               "a word is UTF-8");
}

void decode(std::string_view label, std::string_view bytes) {
  bool broken = false;
  must(decode_base64(bytes, &broken).size() <= bytes.size() / 4 * 3 + 3, "base64 shrinks");
  must(decode_quoted_printable(bytes).size() <= bytes.size() + 2, "quoted-printable shrinks");
  must(decode_q(bytes).size() <= bytes.size(), "Q shrinks");
  must(decode_percent(bytes).size() <= bytes.size(), "percents shrink");
  must(decode_uuencode(bytes).size() <= bytes.size(), "uuencode shrinks");
  // A sink gets in blocks what else is one string.
  bool broken_too = false;
  std::string scratch, blocks;
  DecodedBytes out(scratch, [&](std::string_view block) { blocks += block; });
  broken = false;
  decode_transfer(bytes, transfer_of(label), out, broken_too);
  out.flush();
  must(decode_transfer(bytes, label, &broken) == blocks && broken == broken_too, "blocks make up the whole");
}

void there_and_back(std::string_view bytes) {
  bool broken = false;
  for (const std::string& text : {encode_base64(bytes), encode_base64_line(bytes)})
    must(decode_base64(text, &broken) == bytes && !broken, "base64 comes back");
  std::string lines;
  for (std::size_t i = 0; i < bytes.size(); ++i) {  // CRLF line ends only, as it wants
    if (bytes[i] == '\n') lines += '\r';
    if (bytes[i] != '\r') lines += bytes[i];
  }
  const std::string quoted = encode_quoted_printable(lines);
  must(decode_quoted_printable(quoted, &broken) == lines && !broken, "quoted-printable comes back");
  for (std::size_t at = 0; at < quoted.size();) {
    const std::size_t end = std::min(quoted.find("\r\n", at), quoted.size());
    must(end - at <= 76, "a line of quoted-printable is within 76");
    at = end + 2;
  }
  quoted_printable_size(lines);
  must_be_utf8(imap::from_utf7(bytes), "a mailbox's name is UTF-8");
  const std::string name = aoh::valid_utf8(bytes);
  const std::string seven = imap::to_utf7(name);
  for (const char c : seven) must(c >= 0x20 && c <= 0x7E, "modified UTF-7 is printable ASCII");
  if (name.find('\0') == std::string::npos) must(imap::from_utf7(seven) == name, "modified UTF-7 comes back");
}

}  // namespace

FUZZ_TARGET(charsets) {
  Input in(data);
  const std::string_view label = in.line().substr(0, 100);
  convert(label, in.rest());
  decode(label, in.rest());
  there_and_back(in.rest());
}

}  // namespace mailroom::fuzz
