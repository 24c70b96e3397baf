// What lies within a part: an attached message, winmail.dat, an opaque signature (internal to mime/).
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "mime/part_info.hpp"
#include "mime/warnings.hpp"

namespace mailroom::mime {

inline constexpr std::size_t kMaxInnerBytes = 32u << 20;  ///< of a part, encoded, that is looked into
inline constexpr std::size_t kMaxContents = 200;          ///< of Attachment::contents

/// A part's bytes after decoding: a view where nothing had to be undone.
class PartBytes {
 public:
  PartBytes(std::string_view body, Transfer encoding);
  std::string_view view() const { return view_; }
  bool broken() const { return broken_; }

 private:
  std::string held_;
  std::string_view view_;
  bool broken_ = false;
};

/// A body that was found within a part: shown where the message has none of its own.
struct InnerBody {
  std::optional<std::string> text, html;
};

/// Where an attachment is looked into, and how far.
struct Looking {
  const ParseLimits& limits;
  Warnings& warnings;
  std::size_t most;  ///< contents that may be listed; never more than kMaxContents
  int level;         ///< of opaque signatures within each other
};

/// Sets `message`, `contents` and, where only the bytes tell, `kind` of an attachment whose `part` and `kind`
/// are set. Reads one level.
InnerBody read_inner(std::string_view body, Transfer encoding, const Looking& at, Attachment& a);

/// parse() for content that was found `level` containers deep.
Message parse_at(std::string_view raw, const ParseLimits& limits, int level);

}  // namespace mailroom::mime
