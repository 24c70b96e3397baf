// A message as it goes over the wire, all but its last piece, and that piece: the line between what was
// certainly not sent and what nobody knows.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "smtp/proto/dot_stuffing.hpp"
#include "smtp/proto/source.hpp"

namespace mailroom::smtp {

/// By DATA: the message dot-stuffed, and CRLF "." CRLF at the end. By BDAT (RFC 3030): the message as it is,
/// in chunks with their sizes before them, and at the end a LAST chunk. In both forms the message's last CRLF
/// is held back (one that lacks it gets it) and goes out with the last piece, without which a server throws
/// the message away.
class Body {
 public:
  enum class Form { data, chunks };
  static constexpr std::size_t kPiece = 64 * 1024, kChunk = 256 * 1024;  ///< bytes of the message, about

  Body(const Message& message, Form form);
  /// Puts the next piece into `out`: a block of the message, or a whole chunk with its command. False at the
  /// end. Throws what the source throws, and Failure(state) when it gave other than it had said.
  bool next(std::string& out);
  std::string_view last() const { return form_ == Form::data ? "\r\n.\r\n" : "BDAT 2 LAST\r\n\r\n"; }

 private:
  void take(std::string_view block, std::string& out);
  void put(std::string_view bytes, std::string& out);

  MessageSource& source_;
  const std::uint64_t size_;  // what it had when it was looked through
  const Form form_;
  DotStuffer stuffer_;
  std::string_view held_;    // of the end so far: "", CR or CRLF
  std::uint64_t taken_ = 0;  // bytes that came from the source
  bool ended_ = false;
};

}  // namespace mailroom::smtp
