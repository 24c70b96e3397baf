// One document to text, by parsers in processes of their own: which means each is given, what comes out of
// them, and the files within an archive, one after another.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "module/text_to.hpp"
#include "sandbox/child.hpp"
#include "support/json.hpp"
#include "wire/kind.hpp"

namespace mailroom::documents {

/// What a parser may use, by what it reads. All finite; from the configuration.
struct Means {
  std::string parser;     ///< absolute path of documents-parser
  std::string pdftotext;  ///< absolute path
  std::string work_folder;
  std::uint64_t memory_text = 48, memory_mail = 96, memory_html = 256, memory_office = 512,
                memory_archive = 160,
                memory_pdf = 512;                                                         ///< MiB
  std::uint64_t max_document = 256u << 20, max_pdf = 64u << 20, max_office = 128u << 20;  ///< bytes
  unsigned cpu_seconds = 60;                                                              ///< of one parser
  std::chrono::milliseconds wall{120'000};  ///< of one document with all that is in it
};

/// What an archive with all that is in it may come to.
inline constexpr std::uint64_t kMaxUnpacked = 256u << 20;  ///< bytes, all depths together
inline constexpr int kMaxArchiveDepth = 3;                 ///< archives within archives
inline constexpr std::size_t kMaxMembers = 200;            ///< files whose text is read, all depths together
inline constexpr std::size_t kMaxText = 256u << 20;        ///< bytes of text of one document

struct Document {
  int fd = -1;  ///< a regular file, at its beginning, of this reader alone; stays the caller's
  std::uint64_t size = 0;
  std::string filename, mime_type;  ///< a stranger's claims
  std::size_t max_pages = 0;        ///< 0: all
};

struct Failed {
  std::string code, what, cure;  ///< as the parser said it: "encrypted", "damaged", "limit", "unsupported",
                                 ///< "sandbox"; or ours: "crashed", "timeout"
};

struct Extracted {
  std::string kind = "unknown";
  aoh::Json facts = aoh::Json::object();    ///< kind, pages, sheets, files ...
  aoh::Json warnings = aoh::Json::array();  ///< {"code", "detail"}
  aoh::Json sandbox = aoh::Json::object();  ///< what confined the parser
  std::optional<Failed> failed;             ///< it could not be read, or not to its end
  std::uint64_t text_bytes = 0;             ///< of the document's own text, marks not counted
  bool stopped = false;                     ///< the text was not taken to its end
  bool cancelled = false;
};

/// Never throws for what the document or its parser does. `stop`: asked often; true ends it as cancelled. Any
/// thread, several at once.
Extracted extract(const Means& means, const Document& document, TextTo& to,
                  const std::function<bool()>& stop);

/// Starts a parser that only confines itself and says how. `pdf`: as one that reads PDF is confined.
Extracted probe(const Means& means, bool pdf);

}  // namespace mailroom::documents
