// A transfer encoding (RFC 2045 §6) undone while the part is still coming. Pure.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace mailroom::read {

/// Takes a part in pieces of any size and gives its content in pieces of at most kPiece bytes or so. Reads
/// what mime::decode_body() reads of the whole, with memory for one piece; only uuencode, which nothing
/// announces by MIME's rules, is held whole, up to kMostHeld.
class PartDecoder {
 public:
  using Out = std::function<void(std::string_view)>;
  static constexpr std::size_t kPiece = 64u << 10;
  static constexpr std::size_t kMostHeld = 16u << 20;

  /// `encoding`: the value of Content-Transfer-Encoding, or what BODYSTRUCTURE says.
  PartDecoder(std::string_view encoding, Out out);
  /// Throws Failure(limit) for a uuencoded part of more than kMostHeld, and what `out` throws.
  void add(std::string_view piece);
  void finish();
  /// The encoding was damaged, or is none that is known; what could be read was given.
  bool broken() const { return broken_; }

 private:
  enum class Kind { plain, base64, quoted_printable, held };
  std::size_t whole() const;  // how much of held_ can be decoded by itself?
  void decode(std::size_t n);

  const std::string encoding_;
  const Out out_;
  Kind kind_;
  std::string held_;     // what has come and is not decoded yet
  bool padded_ = false;  // base64: has a '=' been seen? What follows is another encoding glued to it
  bool broken_ = false;
};

}  // namespace mailroom::read
