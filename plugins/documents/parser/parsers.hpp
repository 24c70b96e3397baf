// One function for each kind of document. Each takes the whole document as it lies in memory (a mapped file:
// pages that are read come and go) and writes its text. They throw Unreadable; what else they throw is a
// defect or a lack of memory, and ends the process, which is what a parser's process is for.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

#include "parser/output.hpp"
#include "support/json.hpp"
#include "wire/kind.hpp"

namespace mailroom::documents {

/// All finite; what lies beyond one is left out with a warning "limit_...", or the document is refused.
struct Limits {
  std::size_t max_xml = 32u << 20;        ///< bytes of one XML part of an Office document, unpacked
  std::size_t max_unpacked = 256u << 20;  ///< bytes unpacked from one document in all
  std::size_t max_entries = 10'000;       ///< files in an archive, or parts of an Office document
  std::size_t max_members = 200;          ///< files of an archive whose text is read
  std::size_t max_sheets = 500;           ///< sheets, and slides
  std::size_t max_cells = 5'000'000;      ///< of a workbook
  std::size_t max_nesting = 256;          ///< open elements of an XML part
  std::size_t max_pages = 0;              ///< pages of a PDF; 0: no limit of its own
};

struct Context {
  std::string_view bytes;           ///< the document
  std::string filename, mime_type;  ///< the label, a stranger's
  Limits limits;
  bool members = true;  ///< files of an archive may be handed on
  Output& out;
};

void parse_text(const Context& c, const Kind& kind);
void parse_html(const Context& c);
void parse_eml(const Context& c);
void parse_picture(const Context& c, const Kind& kind);
void parse_office97(const Context& c);
/// A ZIP file: an Office document or an archive. Returns what it is.
const Kind& parse_zip(const Context& c);
void parse_archive(const Context& c, const Kind& kind);
/// Warns of what a PDF does on its own. The text is pdftotext's.
void look_at_pdf(const Context& c);

}  // namespace mailroom::documents
