// Quoted text folded away, so that a conversation is read once. Pure.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace mailroom::read {

struct Folded {
  std::string text;
  std::size_t lines = 0;  ///< left out; in their place stands "[12 quoted lines]"
};

/// Leaves out runs of at least three quoted lines ("> ..."), with the line that says who wrote them, and what
/// mail programs put below an answer without marking each line ("-----Original Message-----", or a block of
/// From, Sent, To, Subject, in the usual languages), to the end. Shorter quotations stay: an answer stands
/// between them. A message that is nothing but a quotation stays as it is, and so does what is forwarded.
Folded fold_quotes(std::string_view text, std::string_view subject = {});

}  // namespace mailroom::read
