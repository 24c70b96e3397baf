// What a document is, by its own bytes, and what its label (name, media type) says it is.
//
// Pure: no I/O. Any thread.
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace mailroom::documents {

/// Who reads it. The family decides the parser's means before anything is parsed.
enum class Family { pdf, zip, archive, picture, html, eml, text, office97, none };

struct Kind {
  std::string_view name;  ///< "pdf", "docx" ...: stable, for programs
  Family family;
  std::string_view mime_type;
  std::string_view extensions;  ///< ".docx.docm"
};

inline constexpr std::size_t kSniffBytes = 4096;  ///< of the beginning that sniff() looks at

/// By name; the kind "unknown" for one that is not in the table.
const Kind& kind(std::string_view name);

/// By the beginning of the bytes. What is neither known nor text is "unknown"; text is told apart further by
/// its label: nothing in its bytes says that it is CSV.
const Kind& sniff(std::string_view head, std::string_view filename, std::string_view mime_type);

/// What the label says, nullptr when it says nothing that we know. The extension counts first.
const Kind* labelled(std::string_view filename, std::string_view mime_type);

/// Why label and content contradict each other, for a person; nullopt where they do not.
std::optional<std::string> contradiction(const Kind& content, std::string_view filename,
                                         std::string_view mime_type);

/// The second kind that the same bytes would be read as by another program; "" where there is none. `tail`:
/// the last 64 KiB or more of the document.
std::string_view polyglot(const Kind& content, std::string_view head, std::string_view tail);

}  // namespace mailroom::documents
