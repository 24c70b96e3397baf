// Text as it comes, in any cuts, into passages for the index: each as long as a person likes to read around
// what was found, and with the place that it came from. Pure.
#pragma once
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace aoh::host {

/// A piece of a document's text, valid UTF-8 without control characters but line ends and tabs.
struct Passage {
  std::string place;  ///< the words of the last mark (aoh/services/knowledge.h); empty: none yet
  std::string text;   ///< 1 to PassageCutter::kMost bytes
};

/// Not thread-safe. Holds at most kMost bytes besides what it is fed.
class PassageCutter {
 public:
  static constexpr std::size_t kMost = 2000;  ///< bytes of a passage
  explicit PassageCutter(std::function<void(Passage)> out) : out_(std::move(out)) {}

  void feed(std::string_view bytes);
  /// What is left. Nothing is fed after it.
  void end();

 private:
  void take(std::string_view text);
  void add(std::string_view run);
  void mark_ended();
  void emit(std::size_t n);
  void flush();

  std::function<void(Passage)> out_;
  std::string held_;  // the beginning of a character whose end is not there yet
  std::string text_, place_, mark_;
  bool in_mark_ = false, line_start_ = true, after_cr_ = false;
};

}  // namespace aoh::host
