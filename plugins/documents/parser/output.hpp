// What the parsers write to: frames on the pipe, text gathered into larger ones.
#pragma once
#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>

#include "support/json.hpp"
#include "wire/frame.hpp"

namespace mailroom::documents {

/// The document cannot be read, or not on: `code` is for programs ("encrypted", "damaged", "limit",
/// "unsupported"), the rest for a person.
struct Unreadable : std::runtime_error {
  Unreadable(std::string c, const std::string& what, std::string with = {})
      : std::runtime_error(what), code(std::move(c)), cure(std::move(with)) {}
  std::string code, cure;
};

/// Thrown by Output::text() once max_text bytes were written: the end of a parser's work, no failure.
struct Full {};

class Output {
 public:
  Output(int fd, std::size_t max_text) : fd_(fd), room_(max_text) {}

  void hello(const aoh::Json& report) { json(Frame::hello, report); }
  void facts(const aoh::Json& facts) { json(Frame::facts, facts); }
  /// The words of a mark; a line of its own in the text. Cut at 200 bytes.
  void mark(std::string_view words);
  /// Any text; made valid by the reader. Throws Full.
  void text(std::string_view text);
  /// At most kMaxWarnings; a further one with the same code and detail is left out.
  void warn(std::string_view code, std::string_view detail);
  /// A file within, whose bytes follow.
  void member(std::string_view name);
  void member_data(std::string_view bytes);
  void member_end() { frame(Frame::member_end, {}); }
  void raw_text() { frame(Frame::raw_text, {}); }
  void failed(const Unreadable& why);
  void done() { frame(Frame::done, {}); }

 private:
  void json(Frame type, const aoh::Json& value);
  void frame(Frame type, std::string_view payload);
  void flush();
  void send(std::string_view bytes) const;

  int fd_;
  std::size_t room_;     // bytes of text that may still be written
  std::string pending_;  // text that is not sent yet
  std::string warned_;   // what was warned of, for the duplicates
  std::size_t warnings_ = 0;
};

inline constexpr std::size_t kMaxWarnings = 100;

}  // namespace mailroom::documents
