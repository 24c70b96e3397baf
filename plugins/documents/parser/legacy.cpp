// What is only named: old Office files (compound files), and what a PDF does on its own.
#include <array>

#include "parser/parsers.hpp"

namespace mailroom::documents {
namespace {

// A name as it stands in a compound file's directory (MS-CFB §2.6.1): UTF-16LE.
bool names(std::string_view bytes, std::string_view name) {
  std::string wide;
  for (const char c : name) {
    wide += c;
    wide += '\0';
  }
  return bytes.find(wide) != bytes.npos;
}

}  // namespace

void parse_office97(const Context& c) {
  if (names(c.bytes, "EncryptedPackage"))
    throw Unreadable("encrypted", "the Office document is encrypted with a password",
                     "Ask the sender for one without a password");
  if (names(c.bytes, "_VBA_PROJECT")) c.out.warn("macros", "it holds macros; they were not run");
  throw Unreadable("unsupported",
                   "an Office file of the old kind (.doc, .xls, .ppt, .msg), which is not read",
                   "Ask for DOCX, XLSX, PPTX or PDF");
}

void look_at_pdf(const Context& c) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kActive{
      {{"/JavaScript", "it holds JavaScript; it was not run"},
       {"/Launch", "it asks to start a program; none was"},
       {"/EmbeddedFile", "it has files within; they were not read"},
       {"/RichMedia", "it has media within; they were not read"},
       {"/XFA", "it is an XFA form, whose fields may not be in the text"}}};
  for (const auto& [name, words] : kActive)
    if (c.bytes.find(name) != c.bytes.npos) c.out.warn("pdf_active", words);
}

}  // namespace mailroom::documents
