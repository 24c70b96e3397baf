#include "net/deflate.hpp"

#define ZLIB_CONST
#include <zlib.h>

#include <algorithm>

#include "base/error.hpp"

namespace mailroom::net {
namespace {

constexpr std::size_t kIn = 16u << 10;
constexpr int kWindow = -15;  // raw, without zlib's header (RFC 4978 §3); a server may use all of 32 KB
// What we send are commands: a window of 1 KB serves, and costs 5 KB instead of 256.
constexpr int kOutWindow = -10, kOutMemory = 1;

const Bytef* bytes_of(std::string_view s) { return reinterpret_cast<const Bytef*>(s.data()); }

}  // namespace

struct Deflate::Streams {
  z_stream in{}, out{};
  bool in_made = false, out_made = false;
  ~Streams() {
    if (in_made) inflateEnd(&in);
    if (out_made) deflateEnd(&out);
  }
};

Deflate::Deflate() : z_(std::make_unique<Streams>()) {
  z_->in_made = inflateInit2(&z_->in, kWindow) == Z_OK;
  z_->out_made =
      deflateInit2(&z_->out, Z_BEST_SPEED, Z_DEFLATED, kOutWindow, kOutMemory, Z_DEFAULT_STRATEGY) == Z_OK;
  if (!z_->in_made || !z_->out_made) throw Failure(Errc::internal, "compression could not be started");
}
Deflate::~Deflate() = default;

void Deflate::put_back(std::string_view bytes) {
  std::string all(reinterpret_cast<const char*>(z_->in.next_in), z_->in.avail_in);
  all += bytes;
  in_ = std::move(all);
  z_->in.next_in = bytes_of(in_);
  z_->in.avail_in = static_cast<uInt>(in_.size());
}

bool Deflate::has_rest() const { return z_->in.avail_in > 0; }

std::size_t Deflate::read(std::span<char> into, const Source& source) {
  z_stream& z = z_->in;
  for (;;) {
    z.next_out = reinterpret_cast<Bytef*>(into.data());
    z.avail_out = static_cast<uInt>(std::min<std::size_t>(into.size(), 1u << 30));
    const uInt room = z.avail_out;
    const int end = inflate(&z, Z_SYNC_FLUSH);
    const std::size_t n = room - z.avail_out;
    if (n > 0) return n;  // an error behind it shows at the next read
    if (end == Z_STREAM_END)
      throw Failure(Errc::protocol, "the server ended its compressed stream", {}, "Connect again.");
    if (end != Z_OK && end != Z_BUF_ERROR)
      throw Failure(Errc::protocol, "what the server sent is not compressed as agreed", {}, "Connect again.");
    if (z.avail_in > 0) continue;
    in_.resize(kIn);
    const std::size_t got = source({in_.data(), in_.size()});
    z.next_in = bytes_of(in_);
    z.avail_in = static_cast<uInt>(got);
    if (got == 0) return 0;
  }
}

std::string Deflate::pack(std::string_view bytes) {
  z_stream& z = z_->out;
  std::string out;
  z.next_in = bytes_of(bytes);
  z.avail_in = static_cast<uInt>(bytes.size());
  char buffer[4096];
  do {
    z.next_out = reinterpret_cast<Bytef*>(buffer);
    z.avail_out = sizeof buffer;
    if (deflate(&z, Z_SYNC_FLUSH) == Z_STREAM_ERROR) throw Failure(Errc::internal, "compression failed");
    out.append(buffer, sizeof buffer - z.avail_out);
  } while (z.avail_out == 0);
  return out;
}

}  // namespace mailroom::net
