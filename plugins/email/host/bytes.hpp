// The bytes of a blob or a file, for reading: held when few, mapped when many.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "host/services.hpp"

namespace mailroom::host {

/// Read-only bytes that stay where they are as long as this lives. Movable; any thread reads them.
class Bytes {
 public:
  Bytes() = default;
  explicit Bytes(std::string held) : held_(std::move(held)) {}
  /// Maps the `size` bytes of `fd`, which is taken and closed; it must be a file that nobody shortens: a
  /// sealed blob's. Throws Failure(internal).
  Bytes(int fd, std::size_t size);
  Bytes(Bytes&& other) noexcept;
  Bytes& operator=(Bytes&& other) noexcept;
  ~Bytes();

  std::string_view view() const {
    return mapped_ ? std::string_view(static_cast<const char*>(mapped_), size_) : std::string_view(held_);
  }

 private:
  std::string held_;
  void* mapped_ = nullptr;
  std::size_t size_ = 0;
};

/// A sealed blob's bytes; what is larger than 1 MB is mapped from the host's own file, where it gives one,
/// and takes no memory that the kernel cannot take back. Throws Failure: not_found, refused, limit (more than
/// `max_bytes`).
Bytes open_blob(const Services& services, std::string_view id, std::string_view bearer,
                std::size_t max_bytes);

/// A file's bytes, resolved and refused as by read_file(). What is larger than 1 MB is copied into a blob of
/// the module's first, piece by piece, and that is mapped: a file that others may shorten must not be. The
/// blob is removed at once; its bytes live as long as the result.
Bytes open_file(const Services& services, std::string_view path, std::string_view root,
                std::size_t max_bytes);

}  // namespace mailroom::host
