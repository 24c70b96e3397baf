#include "read/part_decoder.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "mime/ascii.hpp"
#include "mime/parse.hpp"

namespace mailroom::read {
namespace {

bool is_base64(char c) { return mime::is_alpha(c) || mime::is_digit(c) || c == '+' || c == '/'; }

std::string lower_name(std::string_view encoding) {
  std::string name;
  for (const char c : mime::trim(encoding.substr(0, encoding.find_first_of(";(,"))))
    if (c != '"' && c != '\'') name += mime::lower(c);
  return name;
}

/// Up to the end of the last whole group of four.
std::size_t whole_base64(std::string_view s) {
  std::size_t in_group = 0, end = 0;
  for (std::size_t i = 0; i < s.size(); ++i) {
    if (is_base64(s[i]))
      in_group = (in_group + 1) % 4;
    else if (s[i] == '=')
      in_group = 0;
    if (in_group == 0) end = i + 1;
  }
  return end;
}

/// Up to the end of the last line; within a line without end, to where no escape and no blank is cut.
std::size_t whole_quoted_printable(std::string_view s) {
  if (const std::size_t line = s.rfind('\n'); line != s.npos) return line + 1;
  for (std::size_t end = s.size(); end > 2; --end) {
    const char last = s[end - 1];
    if (last != ' ' && last != '\t' && last != '\r' && last != '=' && s[end - 2] != '=') return end;
  }
  return s.size();
}

}  // namespace

PartDecoder::PartDecoder(std::string_view encoding, Out out)
    : encoding_(lower_name(encoding)), out_(std::move(out)), kind_(Kind::plain) {
  if (encoding_ == "base64" || encoding_ == "base-64" || encoding_ == "b")
    kind_ = Kind::base64;
  else if (encoding_ == "quoted-printable" || encoding_ == "quotedprintable" || encoding_ == "q")
    kind_ = Kind::quoted_printable;
  else if (encoding_.find("uu") != std::string::npos)
    kind_ = Kind::held;
  else
    broken_ = mime::decode_body("x", encoding_).broken;
}

void PartDecoder::add(std::string_view piece) {
  if (kind_ == Kind::plain) {
    if (!piece.empty()) out_(piece);
    return;
  }
  while (!piece.empty()) {
    const std::size_t n = kind_ == Kind::held ? piece.size() : std::min(piece.size(), kPiece - held_.size());
    held_ += piece.substr(0, n);
    piece.remove_prefix(n);
    if (kind_ == Kind::held) {
      if (held_.size() > kMostHeld)
        throw Failure(Errc::limit, "a uuencoded part has more than " + std::to_string(kMostHeld) + " bytes");
    } else if (held_.size() >= kPiece) {
      decode(whole());
    }
  }
}

void PartDecoder::finish() { decode(held_.size()); }

std::size_t PartDecoder::whole() const {
  const std::size_t n = kind_ == Kind::base64 ? whole_base64(held_) : whole_quoted_printable(held_);
  return n > 0 ? n : held_.size();
}

void PartDecoder::decode(std::size_t n) {
  const std::string_view text = std::string_view(held_).substr(0, n);
  if (kind_ == Kind::base64) {
    if (padded_ && std::any_of(text.begin(), text.end(), is_base64)) broken_ = true;
    padded_ = padded_ || text.find('=') != text.npos;
  }
  const mime::DecodedPart part = mime::decode_body(text, encoding_);
  broken_ = broken_ || part.broken;
  if (!part.bytes.empty()) out_(part.bytes);
  held_.erase(0, n);
}

}  // namespace mailroom::read
