#include "services/blobs.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "services/faults.hpp"

namespace aoh::host {
namespace {

std::string hex(const unsigned char* bytes, std::size_t n) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < n; ++i) {
    out += kDigits[bytes[i] >> 4];
    out += kDigits[bytes[i] & 15];
  }
  return out;
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

// Ids come from outside too; only what create() makes names a file.
bool well_formed(std::string_view id) {
  return id.size() == 34 && id.substr(0, 2) == "b-" &&
         id.find_first_not_of("0123456789abcdef", 2) == std::string_view::npos;
}

}  // namespace

struct Blobs::Open {
  std::string module;
  int fd = -1;
  std::uint64_t size = 0;
  bool broken = false;  // a write failed half-way
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> hash{EVP_MD_CTX_new(), &EVP_MD_CTX_free};
  ~Open() {
    if (fd >= 0) ::close(fd);
  }
};

Json Blobs::Info::json() const {
  Json out{{"id", id}, {"size", size}, {"sha256", sha256}};
  out.set_if(!mime_type.empty(), "mime_type", mime_type).set_if(!filename.empty(), "filename", filename);
  return out;
}

Blobs::Blobs(Db& db, std::filesystem::path folder, std::uint64_t quota)
    : db_(db), folder_(std::move(folder)), quota_(quota) {
  db_.exec(
      "CREATE TABLE IF NOT EXISTS blobs(id TEXT PRIMARY KEY, module TEXT, session TEXT, mime_type TEXT, "
      "filename TEXT, sha256 TEXT,"
      " size INTEGER NOT NULL DEFAULT 0, sealed INTEGER NOT NULL DEFAULT 0, created INTEGER) WITHOUT ROWID;");
  {
    Statement s(db_, "SELECT id FROM blobs WHERE sealed=0");
    while (s.step()) ::unlink((folder_ / s.text(0)).c_str());
  }
  {
    Statement s(db_, "SELECT 1 FROM blobs WHERE sealed=0 LIMIT 1");
    if (s.step()) db_.exec("DELETE FROM blobs WHERE sealed=0");
  }
  Statement s(db_, "SELECT coalesce(sum(size),0) FROM blobs");
  if (s.step()) used_ = static_cast<std::uint64_t>(s.integer(0));
}

Blobs::~Blobs() = default;

std::string Blobs::create(std::string_view module, std::string_view session, std::string_view mime_type,
                          std::string_view filename, std::int64_t now) {
  std::array<unsigned char, 16> random{};
  if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1)
    throw StoreError(StoreError::Kind::other, "no random bytes for a blob's id");
  const std::string id = "b-" + hex(random.data(), random.size());
  auto open = std::make_unique<Open>();
  open->module = module;
  open->fd = ::open((folder_ / id).c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (open->fd < 0 || EVP_DigestInit_ex(open->hash.get(), EVP_sha256(), nullptr) != 1)
    throw StoreError(errno == ENOSPC ? StoreError::Kind::disk_full : StoreError::Kind::other,
                     "a blob cannot be made in " + folder_.string() + ": is the disk full?");
  {
    Statement s(db_,
                "INSERT INTO blobs(id, module, session, mime_type, filename, created) VALUES(?,?,?,?,?,?)");
    s.with(id, module, session, mime_type, filename, now).run();
  }
  const std::lock_guard lock(mutex_);
  open_.emplace(id, std::move(open));
  return id;
}

Blobs::Fault Blobs::write(std::string_view module, std::string_view id, std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  const auto it = open_.find(id);
  if (it == open_.end() || it->second->module != module) return Fault::not_found;
  if (bytes.size() > quota_ - std::min(quota_, used_)) return Fault::quota;
  if (it->second->broken) return Fault::io;
  if (!write_all(it->second->fd, bytes)) {
    it->second->broken = true;  // how much of it is in the file is not known
    return Fault::io;
  }
  EVP_DigestUpdate(it->second->hash.get(), bytes.data(), bytes.size());
  it->second->size += bytes.size();
  used_ += bytes.size();
  return Fault::none;
}

Blobs::Fault Blobs::seal(std::string_view module, std::string_view id) {
  faults::point("blob.seal", id);
  const std::lock_guard lock(mutex_);
  const auto it = open_.find(id);
  if (it == open_.end() || it->second->module != module) return Fault::not_found;
  Open& open = *it->second;
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  // Nobody writes to it again, not through a descriptor that was handed out either.
  if (open.broken || ::fchmod(open.fd, 0400) != 0 || ::fsync(open.fd) != 0 ||
      EVP_DigestFinal_ex(open.hash.get(), digest, &length) != 1)
    return Fault::io;
  const int dir = ::open(folder_.c_str(),
                         O_RDONLY | O_DIRECTORY | O_CLOEXEC);  // the name must be as durable as the bytes
  if (dir >= 0) {
    ::fsync(dir);
    ::close(dir);
  }
  {
    Statement s(db_, "UPDATE blobs SET sealed=1, size=?, sha256=? WHERE id=?");
    s.with(static_cast<std::int64_t>(open.size), hex(digest, length), id).run();
  }
  open_.erase(it);
  return Fault::none;
}

std::optional<Blobs::Info> Blobs::find(std::string_view id) const {
  Statement s(db_,
              "SELECT id, module, session, mime_type, filename, sha256, size, sealed FROM blobs WHERE id=?");
  if (!s.with(id).step()) return std::nullopt;
  return Info{s.text(0),
              s.text(1),
              s.text(2),
              s.text(3),
              s.text(4),
              s.text(5),
              static_cast<std::uint64_t>(s.integer(6)),
              s.integer(7) != 0};
}

Blobs::Fault Blobs::read(std::string_view id, std::uint64_t offset, std::size_t n, std::string& out) const {
  const auto info = find(id);
  if (!info || !well_formed(id)) return Fault::not_found;
  if (!info->sealed) return Fault::state;
  out.clear();
  if (offset >= info->size) return Fault::none;
  out.resize(static_cast<std::size_t>(std::min<std::uint64_t>(n, info->size - offset)));
  const int fd = ::open((folder_ / id).c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Fault::io;
  std::size_t got = 0;
  while (got < out.size()) {
    const ssize_t r = ::pread(fd, out.data() + got, out.size() - got, static_cast<off_t>(offset + got));
    if (r < 0 && errno == EINTR) continue;
    if (r <= 0) break;
    got += static_cast<std::size_t>(r);
  }
  ::close(fd);
  if (got != out.size()) return Fault::io;
  return Fault::none;
}

Blobs::Fault Blobs::open(std::string_view id, int& fd) const {
  const auto info = find(id);
  if (!info || !well_formed(id)) return Fault::not_found;
  if (!info->sealed) return Fault::state;
  fd = ::open((folder_ / id).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  return fd < 0 ? Fault::io : Fault::none;
}

Blobs::Fault Blobs::remove(std::string_view module, std::string_view id) {
  const auto info = find(id);
  if (!info || info->module != module || !well_formed(id)) return Fault::not_found;
  const std::lock_guard lock(mutex_);
  if (const auto it = open_.find(id); it != open_.end()) {
    used_ -= it->second->size;
    open_.erase(it);
  } else {
    used_ -= std::min(used_, info->size);
  }
  Statement s(db_, "DELETE FROM blobs WHERE id=?");
  s.with(id).run();
  ::unlink((folder_ / id).c_str());
  return Fault::none;
}

}  // namespace aoh::host
