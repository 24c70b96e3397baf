// The IMAP framer: the same frames and the same end however the bytes are cut, and every limit kept.
// Input: a byte that seeds the cuts, a byte that chooses the limits, then what the server says.
#include "imap/proto/framer.hpp"

#include "fuzz.hpp"

namespace mailroom::fuzz {
namespace {

using namespace imap;

struct Taken {
  std::string frames;  // all of them, written so that different frames look different
  Errc error = Errc::ok;
  bool rest = false;
  friend bool operator==(const Taken&, const Taken&) = default;
};

void note(const Frame& f, const Limits& limits, Taken& out) {
  must(f.line.size() <= limits.line, "a line is within its limit");
  must(f.line.find('\n') == std::string::npos, "a line ends at its line end");
  must(f.literals.size() <= limits.literals, "literals are counted");
  must(std::count(f.line.begin(), f.line.end(), '\0') == static_cast<std::ptrdiff_t>(f.literals.size()),
       "a NUL stands for a literal and for nothing else");
  std::uint64_t kept = 0;
  out.frames += std::to_string(f.line.size()) + ':' + f.line;
  for (const Frame::Literal& l : f.literals) {
    must(l.bytes.size() == (l.skipped || l.streamed ? 0 : l.announced), "a literal is as long as announced");
    must(l.bytes.size() <= limits.literal, "a literal is within its limit");
    kept += l.bytes.size();
    out.frames += (l.skipped ? "|skipped " : "|") + std::to_string(l.announced) + ':' + l.bytes;
  }
  must(kept <= limits.response, "a response is within its limit");
}

/// Takes literals of 8 bytes and more, in the place of the frame.
struct Sink final : LiteralSink {
  bool begin(std::string_view line, std::uint64_t size) override {
    must(left == 0, "one literal at a time");
    if (size < 8) return false;
    left = size;
    taken += "[" + std::string(line) + "]";
    return true;
  }
  void bytes(std::string_view piece) override {
    must(!piece.empty() && piece.size() <= left, "a literal is as long as announced");
    left -= piece.size();
    taken += piece;
  }
  std::uint64_t left = 0;
  std::string taken;
};

Taken take_all(std::string_view bytes, const Limits& limits, std::uint32_t seed, bool streams) {
  Taken out;
  Framer framer(limits);
  Sink sink;
  if (streams) framer.stream_to(&sink);
  Pieces pieces(bytes, seed);
  try {
    if (seed == 0) {
      framer.feed(bytes);
      while (const auto f = framer.take()) note(*f, limits, out);
    }
    while (seed != 0 && !pieces.end()) {
      framer.feed(pieces.next());
      while (const auto f = framer.take()) note(*f, limits, out);
      framer.trim();
    }
    out.rest = framer.has_rest();
  } catch (const Failure& f) {
    out.error = f.error.code;
    must(out.error == Errc::limit, "a framer fails at a limit only");
  }
  out.frames += sink.taken;
  return out;
}

}  // namespace

FUZZ_TARGET(imap_framer) {
  Input in(data);
  const std::uint32_t seed = 1u + in.byte();
  Limits limits;
  const std::uint8_t how = in.byte();
  switch (how % 3) {
    case 0:
      break;
    case 1:
      limits.line = 64;
      limits.literal = 16;
      limits.response = 40;
      limits.literals = 3;
      limits.skip = 200;
      break;
    default:
      limits.line = 1000;
      limits.literal = 100;
      limits.response = 200;
      limits.literals = 20;
      limits.skip = 1000;
  }
  const bool streams = how >= 128;
  const Taken whole = take_all(in.rest(), limits, 0, streams);
  must(whole == take_all(in.rest(), limits, seed, streams), "frames are the same however they are cut");
}

}  // namespace mailroom::fuzz
