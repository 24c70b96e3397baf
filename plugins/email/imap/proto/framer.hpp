// Whole responses out of bytes: lines with their literals.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "imap/proto/literal_sink.hpp"
#include "imap/proto/types.hpp"

namespace mailroom::imap {

/// One response: its line, with each literal replaced by a NUL byte (which no line contains otherwise), and
/// the literals in order.
struct Frame {
  struct Literal {
    std::string bytes;
    std::uint64_t announced = 0;
    bool skipped = false;   ///< over Limits::literal: bytes is empty
    bool streamed = false;  ///< its bytes went to the sink: bytes is empty
  };
  std::string line;  ///< without CRLF
  std::vector<Literal> literals;
};

/// Takes bytes in pieces of any size and gives whole frames. Throws Failure(limit); then the connection
/// cannot be used any more. Within a literal the bytes fed go straight to their place: into the frame, or to
/// the sink, which then bounds the memory that a response takes.
class Framer {
 public:
  explicit Framer(const Limits& limits = {}) : limits_(limits) {}
  void feed(std::string_view bytes);
  std::optional<Frame> take();
  /// From now on large literals are offered to `sink`, which must outlive that; null: all are kept.
  void stream_to(LiteralSink* sink) { sink_ = sink; }
  /// What has come and is in no frame yet, taken out: the start of another encoding (RFC 4978 §3). Only
  /// between responses.
  std::string take_rest();
  /// True when bytes have come that no taken frame contains.
  bool has_rest() const { return pos_ < buffer_.size() || in_frame_; }
  /// Gives memory back when nothing is pending.
  void trim();

 private:
  bool line_continues(std::uint64_t& literal) const;  // does the line so far end in a literal's announcement?
  void begin_literal(std::uint64_t size);
  void put(std::string_view bytes);  // into the current literal

  Limits limits_;
  std::string buffer_;              // what has come
  std::size_t pos_ = 0;             // how much of it has been read?
  Frame frame_;                     // the response being put together
  std::size_t scanned_ = 0;         // how far has it been searched for a line end?
  std::uint64_t kept_ = 0;          // bytes of literals kept in it
  std::uint64_t literal_left_ = 0;  // bytes still to come of the current literal
  bool in_frame_ = false;           // has anything of a response been read?
  bool in_literal_ = false;
  LiteralSink* sink_ = nullptr;
};

}  // namespace mailroom::imap
