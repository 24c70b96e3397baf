// The tags of an HTML document where they stand in it, read as HTML's tokenizer does (WHATWG HTML §13.2.5;
// internal to mime/). For changing an attribute in place; nothing is built, nothing is copied. Linear.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mailroom::mime {

struct HtmlAttribute {
  std::string_view name;   ///< as written
  std::string_view value;  ///< as written, within its quotes; points into the document; empty when absent
};

class HtmlTags {
 public:
  explicit HtmlTags(std::string_view html) : s_(html) {}

  /// Goes to the next start tag; false at the end. Comments are skipped, save the opening of a conditional
  /// one ("<!--[if mso]>"), whose content Outlook reads; the text of script, style, title and the like is
  /// skipped.
  bool next();
  std::string_view name() const { return name_; }
  /// At most 200; the others are left out.
  const std::vector<HtmlAttribute>& attributes() const { return attributes_; }
  /// The text of the element, when it is a style element.
  std::string_view style() const { return style_; }

 private:
  void read_tag(std::size_t at);
  void skip_markup();
  void skip_raw_text();

  std::string_view s_;
  std::size_t at_ = 0;
  std::string_view name_, style_;
  std::vector<HtmlAttribute> attributes_;
};

/// An attribute's value with its character references undone: the numeric ones, and the named ones that
/// stand for ASCII.
std::string without_references(std::string_view value);

}  // namespace mailroom::mime
