#include "smtp/proto/body.hpp"

#include "base/error.hpp"

namespace mailroom::smtp {
namespace {

constexpr std::string_view kCrlf = "\r\n";

}  // namespace

Body::Body(const Message& message, Form form)
    : source_(message.source()), size_(message.facts().size), form_(form) {
  source_.rewind();
}

void Body::put(std::string_view bytes, std::string& out) {
  if (form_ == Form::data)
    stuffer_.feed(bytes, out);
  else
    out.append(bytes);
}

void Body::take(std::string_view block, std::string& out) {
  taken_ += block.size();
  if (held_.size() == 1) {  // a CR at a block's end: its LF is here
    block.remove_prefix(1);
    held_ = kCrlf;
  }
  if (block.empty()) return;
  put(held_, out);
  const std::size_t held = block.ends_with(kCrlf) ? 2 : block.ends_with('\r') ? 1 : 0;
  held_ = kCrlf.substr(0, held);
  put(block.substr(0, block.size() - held), out);
}

bool Body::next(std::string& out) {
  out.clear();
  const std::size_t enough = form_ == Form::data ? kPiece : kChunk;
  out.reserve(std::min<std::uint64_t>(enough, size_) + 512);
  while (!ended_ && out.size() < enough) {
    const std::string_view block = source_.next();
    ended_ = block.empty();
    if (!ended_) take(block, out);
    if (ended_ ? taken_ != size_ : taken_ > size_)
      throw Failure(Errc::state, "the message changed while it was being sent", {},
                    "Nothing was sent; send it again.");
  }
  if (out.empty()) return false;
  if (form_ == Form::chunks) out.insert(0, "BDAT " + std::to_string(out.size()) + "\r\n");
  return true;
}

}  // namespace mailroom::smtp
