// winmail.dat: Outlook's container (MS-OXTNEF), internal to mime/. Reads what it needs and skips the rest.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mailroom::mime {

struct TnefFile {
  std::string filename;   ///< UTF-8; the long name where there is one
  std::string mime_type;  ///< lower case; empty when absent
  std::string content_id;
  std::string_view bytes;   ///< within the container
  bool is_message = false;  ///< an embedded message: `bytes` are a container of its own
};

struct Tnef {
  std::optional<std::string> text;  ///< the plain body, else what the RTF body says; UTF-8
  std::optional<std::string> html;
  std::vector<TnefFile> files;  ///< at most 200
  bool damaged = false;         ///< it ends early or a length is wrong; what came before is given
};

/// nullopt when it is none. Linear in its size; a body is read up to `max_text` bytes.
std::optional<Tnef> parse_tnef(std::string_view bytes, std::size_t max_text);

/// Compressed RTF (MS-OXRTFCP) as RTF, at most `max_bytes` of it; nullopt when it is none.
std::optional<std::string> decompress_rtf(std::string_view bytes, std::size_t max_bytes);
/// What a person reads in RTF: no styles, fonts, pictures, and no HTML that is kept within. UTF-8.
std::string rtf_to_text(std::string_view rtf, std::size_t max_bytes);

}  // namespace mailroom::mime
