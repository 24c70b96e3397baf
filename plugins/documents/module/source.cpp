#include "module/source.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

#include "base/error.hpp"
#include "module/hash.hpp"

namespace mailroom::documents {
namespace {

constexpr std::size_t kPiece = 256u << 10;

// Where the host gives no descriptor: a copy on the disk, removed before anything is written to it.
int copy_of(const aoh::Blobs& blobs, const std::string& id, std::string_view bearer, std::uint64_t size,
            const std::string& folder) {
  std::string path = folder + "/mailroom-document-XXXXXX";
  const int fd = ::mkostemp(path.data(), O_CLOEXEC);
  if (fd < 0)
    throw Failure(Errc::internal, "no temporary file can be made", folder,
                  "Set work_folder to a folder with room");
  ::unlink(path.c_str());
  try {
    for (std::uint64_t at = 0; at < size;) {
      const std::string piece = blobs.read(id, bearer, at, kPiece);
      if (piece.empty()) throw Failure(Errc::internal, "the blob ended early", id);
      for (std::size_t done = 0; done < piece.size();) {
        const ssize_t n = ::write(fd, piece.data() + done, piece.size() - done);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0)
          throw Failure(Errc::internal, "the document cannot be copied: the disk is full", folder,
                        "Make room");
        done += static_cast<std::size_t>(n);
      }
      at += piece.size();
    }
  } catch (...) {
    ::close(fd);
    throw;
  }
  ::lseek(fd, 0, SEEK_SET);
  return fd;
}

}  // namespace

Source Source::blob(const aoh_host* host, const std::string& blob, std::string_view bearer,
                    const std::string& work_folder) {
  const aoh::Blobs blobs(host);
  const aoh::Json info = blobs.stat(blob, bearer);
  Source out;
  out.document.size = static_cast<std::uint64_t>(info["size"].integer());
  out.document.filename = info["filename"].str();
  out.document.mime_type = info["mime_type"].str();
  out.sha256 = info["sha256"].str();
  if (out.document.size > kMaxUnpacked)
    throw Failure(Errc::limit, "the document has more than " + std::to_string(kMaxUnpacked >> 20) + " MiB",
                  "blob", "Split it");
  out.document.fd = blobs.descriptor(blob, bearer);
  if (out.document.fd < 0) out.document.fd = copy_of(blobs, blob, bearer, out.document.size, work_folder);
  return out;
}

Source Source::path(const std::string& path) {
  const std::string where = printable(path, 300);
  if (path.empty() || path.find('\0') != path.npos)
    throw Failure(Errc::invalid, "the path is empty or has a NUL", where);
  Source out;
  // O_NONBLOCK: a FIFO must not hold the thread; it is refused below.
  out.document.fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  struct stat st {};
  if (out.document.fd < 0 || ::fstat(out.document.fd, &st) != 0)
    throw Failure(errno == ENOENT ? Errc::not_found : Errc::refused, "the file cannot be opened", where,
                  "Check the path");
  if (!S_ISREG(st.st_mode)) throw Failure(Errc::refused, "this is not a regular file", where, "Name a file");
  out.document.size = static_cast<std::uint64_t>(st.st_size);
  out.document.filename = path.substr(path.rfind('/') + 1);
  out.sha256 = sha256_of(out.document.fd);
  return out;
}

Source::Source(Source&& o) noexcept : document(std::move(o.document)), sha256(std::move(o.sha256)) {
  o.document.fd = -1;
}

Source::~Source() {
  if (document.fd >= 0) ::close(document.fd);
}

}  // namespace mailroom::documents
