// Undoing transfer encodings (RFC 2045 §6) block by block: an attachment of any size needs one block of
// memory (internal to mime/).
#pragma once
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace mailroom::mime {

inline constexpr std::size_t kDecodeBlock = 64u << 10;

/// Where decoded bytes go: all into one string, or in blocks of about kDecodeBlock to `sink`.
class DecodedBytes {
 public:
  using Sink = std::function<void(std::string_view)>;

  explicit DecodedBytes(std::string& whole) : buffer_(whole) {}
  DecodedBytes(std::string& scratch, Sink sink) : buffer_(scratch), sink_(std::move(sink)) {}

  void put(char c) {
    buffer_ += c;
    if (sink_ && buffer_.size() >= kDecodeBlock) flush();
  }
  void append(std::string_view piece);
  /// Room for `most` bytes that the caller writes; keep() says where it stopped.
  char* room(std::size_t most);
  void keep(const char* end);
  /// What is left goes to the sink.
  void flush();

 private:
  std::string& buffer_;
  Sink sink_;
};

/// What a Content-Transfer-Encoding field means.
enum class Transfer { identity, base64, quoted_printable, uuencode, unknown };
Transfer transfer_of(std::string_view encoding);

/// Each sets `broken` (never clears it) where the input was damaged, and gives what can be read.
void decode_base64(std::string_view text, DecodedBytes& out, bool& broken);
/// Line ends stay as they are in `text`.
void decode_quoted_printable(std::string_view text, DecodedBytes& out, bool& broken);
/// From the line "begin" to the line "end"; what stands around is left out. No "begin": the text itself.
void decode_uuencode(std::string_view text, DecodedBytes& out, bool& broken);
void decode_transfer(std::string_view text, Transfer encoding, DecodedBytes& out, bool& broken);

}  // namespace mailroom::mime
