#include "host/bytes.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "base/error.hpp"
#include "host/files.hpp"

namespace mailroom::host {
namespace {

constexpr std::size_t kHeld = 1u << 20;  // up to here a copy is cheaper than a mapping
constexpr std::size_t kPiece = 1u << 20;

/// The blob of a copy: gone, by name, when this is.
struct Temporary {
  const aoh::Blobs& blobs;
  std::string id;
  ~Temporary() {
    try {
      blobs.remove(id);
    } catch (const std::exception&) {
      // the quota counts it until the operator purges
    }
  }
};

}  // namespace

Bytes::Bytes(int fd, std::size_t size) : size_(size) {
  void* const at = size > 0 ? ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0) : nullptr;
  const int error = errno;
  ::close(fd);
  if (at == MAP_FAILED)
    throw Failure(Errc::internal, "bytes could not be mapped: " + std::generic_category().message(error));
  mapped_ = at;
  if (at != nullptr) ::madvise(at, size, MADV_SEQUENTIAL);
}

Bytes::Bytes(Bytes&& other) noexcept
    : held_(std::move(other.held_)),
      mapped_(std::exchange(other.mapped_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

Bytes& Bytes::operator=(Bytes&& other) noexcept {
  std::swap(held_, other.held_);
  std::swap(mapped_, other.mapped_);
  std::swap(size_, other.size_);
  return *this;
}

Bytes::~Bytes() {
  if (mapped_ != nullptr) ::munmap(mapped_, size_);
}

Bytes open_blob(const Services& services, std::string_view id, std::string_view bearer,
                std::size_t max_bytes) {
  const std::string where = "blob " + printable(id, 200);
  try {
    const std::int64_t size = services.blobs.stat(id, bearer)["size"].integer();
    if (size > static_cast<std::int64_t>(kHeld) && static_cast<std::uint64_t>(size) <= max_bytes)
      if (const int fd = services.blobs.descriptor(id, bearer); fd >= 0)
        return Bytes(fd, static_cast<std::size_t>(size));
  } catch (const aoh::StatusError& e) {
    throw blob_failure(e.status, where);
  }
  return Bytes(services.blob(id, bearer, max_bytes));
}

Bytes open_file(const Services& services, std::string_view path, std::string_view root,
                std::size_t max_bytes) {
  const OpenFile file(path, root);
  if (file.size() <= kHeld || file.size() > max_bytes) return Bytes(read_file(path, root, max_bytes));
  try {
    const Temporary copy{services.blobs, services.blobs.create("")};
    for (std::uint64_t at = 0; at < file.size();) {
      const std::string piece = file.read(at, kPiece);
      if (piece.empty()) break;
      services.blobs.write(copy.id, piece);
      at += piece.size();
    }
    const std::int64_t size = services.blobs.seal(copy.id)["size"].integer();
    if (const int fd = services.blobs.descriptor(copy.id, ""); fd >= 0)
      return Bytes(fd, static_cast<std::size_t>(size));
  } catch (const aoh::StatusError& e) {
    if (e.status != AOH_E_UNSUPPORTED)
      throw Failure(from_status(e.status, "the file could not be copied", printable(path, 300)));
  }
  return Bytes(read_file(path, root, max_bytes));
}

}  // namespace mailroom::host
