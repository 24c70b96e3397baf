// Header fields as they are sent: encoded (RFC 2047, 2231) and folded at 78 (internal to mime/). Values come
// checked by slot_problem().
//
// Ours, since mimetic folds a folded field again and then writes an empty line, which ends the header.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "mime/message.hpp"

namespace mailroom::mime {

inline constexpr std::size_t kMaxToken = 900;  ///< a line may have 998 characters: room for the name

/// One field under construction. Tokens are never broken; a line is broken before one that does not fit.
class FieldWriter {
 public:
  explicit FieldWriter(std::string_view name);
  /// After a space, or on a new line when it does not fit any more. A comma or semicolon is part of it.
  FieldWriter& token(std::string_view text);
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
/// Content-Disposition with `filename`: as it is where it is ASCII that fits; else by RFC 2231, and behind it
/// in ASCII for readers that know no better. In this order, since of two values some readers take the first.
std::string disposition_field(std::string_view disposition, std::string_view filename);
/// Content-Type with the name as old readers want it: as it is, or in encoded words (RFC 2047 §5 forbids them
/// within quotes, Outlook and others have always read and written them there).
/// `charset` is a token or empty.
std::string type_field(std::string_view type, std::string_view charset, std::string_view filename);

/// Encoded words (RFC 2047 §2) of `text`; the first one at most `first` characters long, the others 75. A
/// word ends between characters, and where a word can hold them, between letters with all their marks,
/// joiners and modifiers.
std::vector<std::string> encoded_words(std::string_view text, std::size_t first);

}  // namespace mailroom::mime
