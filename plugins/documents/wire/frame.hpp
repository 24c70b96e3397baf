// What a parser says to the module, over a pipe: frames of one type byte, a length (4 bytes, little endian)
// and that many bytes. The parser may be in a stranger's hands, so the reader takes nothing on trust: a frame
// that breaks a rule ends the conversation.
//
// Pure: no I/O. One thread.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace mailroom::documents {

/// Order: hello first, done or failed last; member_data only between member and member_end.
enum class Frame : char {
  hello = 'H',        ///< JSON: what confines the parser; sent before it looks at the document
  facts = 'K',        ///< JSON: what the document is
  mark = 'P',         ///< a place in the document: "page 3", "sheet Prices"
  text = 'T',         ///< some of its text
  warning = 'W',      ///< JSON: {"code", "detail"}
  member = 'M',       ///< JSON: {"name"}; the bytes of a file within follow
  member_data = 'D',  ///< some of them
  member_end = 'E',
  raw_text = 'R',  ///< all that follows is text, pages ending with a form feed, to the end of the pipe
  failed = 'F',    ///< JSON: {"code", "what", "cure"}: the document cannot be read
  done = 'Z'
};

inline constexpr std::size_t kMaxFrame = 64u << 10;  ///< bytes of one payload

std::string encode(Frame type, std::string_view payload);

/// Takes the bytes apart as they come.
class FrameReader {
 public:
  struct Taken {
    Frame type;
    std::string payload;
  };
  void feed(std::string_view bytes) { buffer_.append(bytes); }
  /// The next whole frame. False: more bytes are needed, or broken(), or all that follows is raw
  /// (take_raw()).
  bool next(Taken& out);
  /// After a raw_text frame: everything that came since, once.
  std::string take_raw();
  bool raw() const { return raw_; }
  /// A rule was broken: why() says which. Nothing more comes.
  bool broken() const { return !why_.empty(); }
  const std::string& why() const { return why_; }
  /// Bytes of a frame that is not whole.
  std::size_t left() const { return buffer_.size(); }
  bool ended() const { return ended_; }

 private:
  bool fail(std::string why);
  std::string buffer_;      // what was not taken yet, less than two reads and one frame
  std::string why_;         // the broken rule
  bool greeted_ = false;    // hello came
  bool in_member_ = false;  // between member and member_end
  bool raw_ = false;
  bool ended_ = false;  // done or failed came
};

}  // namespace mailroom::documents
