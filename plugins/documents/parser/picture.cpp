// Pictures are said, not read: kind and size from the header; nothing is decoded.
#include "parser/parsers.hpp"

namespace mailroom::documents {
namespace {

struct Size {
  std::uint64_t width = 0, height = 0;
};

class Bytes {
 public:
  explicit Bytes(std::string_view s) : s_(s) {}
  std::uint64_t be(std::size_t at, std::size_t n) const {
    std::uint64_t v = 0;
    for (std::size_t i = 0; i < n; ++i) v = v << 8 | byte(at + i);
    return v;
  }
  std::uint64_t le(std::size_t at, std::size_t n) const {
    std::uint64_t v = 0;
    for (std::size_t i = n; i-- > 0;) v = v << 8 | byte(at + i);
    return v;
  }

 private:
  unsigned byte(std::size_t at) const { return at < s_.size() ? static_cast<unsigned char>(s_[at]) : 0; }
  std::string_view s_;
};

// The first frame header (ITU T.81 §B.2.2): SOF0 to SOF15 without DHT, JPG, DAC. At most 1,000 segments.
Size jpeg(const Bytes& b, std::size_t size) {
  std::size_t at = 2;
  for (int i = 0; i < 1000 && at + 9 < size; ++i) {
    if (b.be(at, 1) != 0xff) break;
    const auto type = b.be(at + 1, 1);
    if (type >= 0xc0 && type <= 0xcf && type != 0xc4 && type != 0xc8 && type != 0xcc)
      return {b.be(at + 7, 2), b.be(at + 5, 2)};
    at += 2 + b.be(at + 2, 2);
  }
  return {};
}

// Tags 256 and 257 of the first directory (TIFF 6.0 §8).
Size tiff(std::string_view bytes) {
  const Bytes b(bytes);
  const bool little = bytes.starts_with('I');
  const auto get = [&](std::size_t at, std::size_t n) { return little ? b.le(at, n) : b.be(at, n); };
  const auto at = get(4, 4);
  Size s;
  for (std::size_t i = 0; i < get(at, 2) && i < 200; ++i) {
    const std::size_t entry = at + 2 + 12 * i;
    const auto value = get(entry + 8, get(entry + 2, 2) == 3 ? 2 : 4);
    if (get(entry, 2) == 256) s.width = value;
    if (get(entry, 2) == 257) s.height = value;
  }
  return s;
}

Size webp(const Bytes& b) {
  switch (b.be(12, 4)) {
    case 0x56503858:
      return {b.le(24, 3) + 1, b.le(27, 3) + 1};  // VP8X
    case 0x56503820:
      return {b.le(26, 2) & 0x3fff, b.le(28, 2) & 0x3fff};  // VP8
    case 0x5650384c:
      return {(b.le(21, 4) & 0x3fff) + 1, ((b.le(21, 4) >> 14) & 0x3fff) + 1};  // VP8L
    default:
      return {};
  }
}

Size size_of(std::string_view bytes, std::string_view kind) {
  const Bytes b(bytes);
  if (kind == "png") return {b.be(16, 4), b.be(20, 4)};
  if (kind == "gif") return {b.le(6, 2), b.le(8, 2)};
  if (kind == "bmp") return {b.le(18, 4), b.le(22, 4)};
  if (kind == "jpeg") return jpeg(b, bytes.size());
  if (kind == "tiff") return tiff(bytes);
  return webp(b);
}

}  // namespace

void parse_picture(const Context& c, const Kind& kind) {
  const Size s = size_of(c.bytes, kind.name);
  c.out.facts(aoh::Json{{"kind", kind.name}, {"width", s.width}, {"height", s.height}});
  c.out.warn("no_text", "a picture; what is written in it is not read");
  if (s.width > 0 && s.height > 100'000'000 / s.width)
    c.out.warn("picture_giant", "it says that it is " + std::to_string(s.width) + " by " +
                                    std::to_string(s.height) + " pixels");
}

}  // namespace mailroom::documents
