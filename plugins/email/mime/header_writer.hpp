// Header fields as they are sent: encoded (RFC 2047, 2231) and folded at 78 (internal to mime/). Values come
// checked by slot_problem().
//
// Ours, since mimetic folds a folded field again and then writes an empty line, which ends the header.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "mime/message.hpp"

namespace mailroom::mime {

/// One field under construction. Tokens are never broken; a line is broken before one that does not fit.
class FieldWriter {
 public:
  explicit FieldWriter(std::string_view name);
  /// After a space, or on a new line when it does not fit any more.
  FieldWriter& token(std::string_view text);
  /// Right behind what stands there (a comma, a semicolon).
  FieldWriter& glue(std::string_view text);
  std::size_t column() const { return column_; }
  /// With CRLF at its end.
  std::string take();

 private:
  std::string out_;
  std::size_t column_ = 0;
};

/// Unstructured text: as it is where it is plain ASCII that folds, else encoded words that split between
/// characters.
std::string text_field(std::string_view name, std::string_view value);
/// A list of mailboxes; addresses are written as they are (checked, domain in ASCII).
std::string address_field(std::string_view name, const std::vector<Address>& list);
/// Message ids in angle brackets.
std::string ids_field(std::string_view name, const std::vector<std::string>& ids);
/// "value; name=..." with RFC 2231 for what is not ASCII or too long for a line, beside an ASCII fallback.
std::string parameter_field(std::string_view name, std::string_view value, std::string_view parameter,
                            std::string_view text);

/// Encoded words (RFC 2047 §2) of `text`; the first one at most `first` characters long, the others 75.
std::vector<std::string> encoded_words(std::string_view text, std::size_t first);

}  // namespace mailroom::mime
