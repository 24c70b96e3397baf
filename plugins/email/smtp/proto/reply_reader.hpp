// Replies out of bytes (RFC 5321 §4.2).
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "smtp/proto/types.hpp"

namespace mailroom::smtp {

/// Takes bytes in pieces of any size and gives whole replies. Limits: 4,096 bytes a line (RFC 5321 §4.5.3.1.5
/// says 512), 256 lines and 64 KB a reply. Throws Failure(protocol) for what is no reply, Failure(limit)
/// beyond a limit; then it is of no further use.
class ReplyReader {
 public:
  void feed(std::string_view bytes) { buffer_.append(bytes); }
  /// The next whole reply, if there is one. `enhanced`: the server announced ENHANCEDSTATUSCODES, so that
  /// what looks like one is one (RFC 2034 §3) and not the beginning of the words.
  std::optional<Reply> take(bool enhanced);
  /// True when bytes are left that are not part of a taken reply.
  bool has_rest() const { return pos_ < buffer_.size() || partial_.code != 0; }
  /// Gives the buffer's memory back if it is empty.
  void trim();

 private:
  bool take_line(std::string_view line, bool enhanced);  // true when it ended a reply

  std::string buffer_;     // what has come
  std::size_t pos_ = 0;    // how much of it has been read?
  Reply partial_;          // the reply whose lines are still coming; code 0: none
  std::size_t bytes_ = 0;  // how large is it so far?
};

}  // namespace mailroom::smtp
