#include "loader/trust.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>

#include "support/json.hpp"

namespace aoh::host {
namespace fs = std::filesystem;

std::string sha256_file(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw std::runtime_error(file.string() + " cannot be read: " + std::strerror(errno));
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> ctx(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  if (!ctx || EVP_DigestInit_ex(ctx.get(), EVP_sha256(), nullptr) != 1)
    throw std::runtime_error("SHA-256 is not available");
  std::array<char, 65536> buffer;
  while (in.read(buffer.data(), buffer.size()) || in.gcount() > 0)
    EVP_DigestUpdate(ctx.get(), buffer.data(), static_cast<std::size_t>(in.gcount()));
  if (in.bad()) throw std::runtime_error(file.string() + " cannot be read to its end");
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned n = 0;
  EVP_DigestFinal_ex(ctx.get(), digest.data(), &n);
  std::string hex;
  for (unsigned i = 0; i < n; ++i) {
    hex += "0123456789abcdef"[digest[i] >> 4u];
    hex += "0123456789abcdef"[digest[i] & 15u];
  }
  return hex;
}

TrustTable::TrustTable(fs::path file) : file_(std::move(file)) {
  std::ifstream in(file_, std::ios::binary);
  if (!in) return;
  const std::string text(std::istreambuf_iterator<char>(in), {});
  try {
    const Json json = Json::parse(text);
    if (!json["modules"].is_array()) throw JsonError("\"modules\" is missing");
    for (const Json& m : json["modules"].items())
      entries_.push_back({m["id"].str(), m["library_sha256"].str(), m["manifest_sha256"].str(),
                          m["library"].str(), m["when_unix_ns"].integer()});
  } catch (const JsonError& e) {
    throw std::runtime_error("the table of trusted modules " + file_.string() + " is damaged (" + e.what() +
                             "); remove it and run `host-stub plugins trust` for each module again");
  }
}

TrustTable::Entry TrustTable::trust(const std::string& id, const fs::path& library,
                                    const fs::path& manifest) {
  Entry e{id, sha256_file(library), sha256_file(manifest), fs::weakly_canonical(library).string(),
          std::chrono::duration_cast<std::chrono::nanoseconds>(
              std::chrono::system_clock::now().time_since_epoch())
              .count()};
  std::erase_if(entries_, [&](const Entry& old) { return old.id == id; });
  entries_.push_back(e);
  save();
  return e;
}

bool TrustTable::forget(const std::string& id) {
  if (std::erase_if(entries_, [&](const Entry& e) { return e.id == id; }) == 0) return false;
  save();
  return true;
}

const TrustTable::Entry* TrustTable::find(const std::string& id) const {
  for (const Entry& e : entries_)
    if (e.id == id) return &e;
  return nullptr;
}

void TrustTable::save() const {
  Json modules = Json::array();
  for (const Entry& e : entries_)
    modules.push(Json{{"id", e.id},
                      {"library_sha256", e.library_sha256},
                      {"manifest_sha256", e.manifest_sha256},
                      {"library", e.library},
                      {"when_unix_ns", e.when_unix_ns}});
  const std::string text = Json{{"modules", modules}}.dump(true) + "\n";
  const fs::path next = file_.string() + ".new";
  const auto fail = [&](const char* what) {
    const std::string why = std::strerror(errno);
    ::unlink(next.c_str());
    throw std::runtime_error(std::string(what) + " " + next.string() + " failed: " + why);
  };
  const int fd = ::open(next.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) fail("opening");
  const bool written =
      ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0;
  if (::close(fd) != 0 || !written) fail("writing");
  if (::rename(next.c_str(), file_.c_str()) != 0) fail("renaming");
  const int dir = ::open(file_.parent_path().empty() ? "." : file_.parent_path().c_str(),
                         O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (dir >= 0) {
    ::fsync(dir);
    ::close(dir);
  }
}

namespace {
fs::path build_folder() {
  std::error_code ec;
  const fs::path exe = fs::read_symlink("/proc/self/exe", ec);
  return ec ? fs::path() : exe.parent_path().parent_path();
}
}  // namespace

std::optional<fs::path> development_modules() {
  const fs::path build = build_folder();
  std::error_code ec;
  if (build.empty() || !fs::exists(build / "development-build", ec)) return std::nullopt;
  return build / "modules";
}

fs::path default_modules() { return build_folder() / "modules"; }

}  // namespace aoh::host
