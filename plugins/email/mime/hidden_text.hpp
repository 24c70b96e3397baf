// What a message holds that a person does not see: collected while it is read, told as warnings (SPEC §6;
// internal to mime/).
//
// Codes are stable; docs/hidden-text.md lists them. A warning's detail is one sentence with a sample of at
// most 100 bytes of what was hidden: the sender's words, not ours.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "mime/message.hpp"

namespace mailroom::mime {

class HiddenLog {
 public:
  /// `text` is kept out; `how` says by what ("display:none"). White space and punctuation alone are not told.
  /// At most 40 pairs of code and how; further ones count for the last.
  void add(std::string_view code, std::string_view how, std::string_view text);
  /// Characters that draw nothing: "hidden_characters".
  void characters(std::string_view kind, std::size_t count, std::string_view sample);
  /// The inside of a comment: words of templates ("BEGIN footer", "[if mso]") are not told.
  void comment(std::string_view inside);
  /// Something to say once that hides no text of its own.
  void note(std::string_view code, std::string_view detail);

  bool empty() const { return entries_.empty() && notes_.empty(); }
  std::size_t hidden_characters() const { return all_; }  ///< so far; for telling whether something was added
  std::vector<Warning> warnings() const;

 private:
  struct Entry {
    std::string code, how, sample;
    std::size_t characters = 0;
    bool words = false;  // letters or digits among them
  };
  std::vector<Entry> entries_;
  std::vector<Warning> notes_;
  std::size_t all_ = 0;
};

/// Text of its own, not a label of a word or two: at least four words or 25 bytes.
bool is_prose(std::string_view text);

}  // namespace mailroom::mime
