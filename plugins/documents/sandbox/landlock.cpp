// Landlock (Linux 5.13 and later): files and, from 6.7, TCP ports by rules that no later call can loosen.
// Numbers stand here since the build's kernel headers may be older than the kernel.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <stdexcept>

#include "sandbox/confine.hpp"

namespace mailroom::documents {
namespace {

constexpr long kCreate = 444, kAdd = 445, kRestrict = 446;  // the same on every architecture
constexpr std::uint64_t kExecute = 1, kReadFile = 4, kReadDir = 8;

struct RulesetAttr {
  std::uint64_t files, net, scoped;
};
struct __attribute__((packed)) BeneathAttr {
  std::uint64_t allowed;
  std::int32_t parent;
};

// All rights on files that a version of the interface knows: 13 at first, then refer, truncate, ioctl.
std::uint64_t all_files(int abi) {
  const unsigned bits = abi >= 5 ? 16 : abi >= 3 ? 15 : abi >= 2 ? 14 : 13;
  return (1ull << bits) - 1;
}

void allow(int ruleset, int fd, std::uint64_t rights) {
  struct stat st {};
  if (fd < 0 || ::fstat(fd, &st) != 0) return;
  if (!S_ISDIR(st.st_mode)) rights &= kExecute | kReadFile;
  BeneathAttr rule{rights, fd};
  if (::syscall(kAdd, ruleset, 1, &rule, 0) != 0) throw std::runtime_error("a Landlock rule was refused");
}

}  // namespace

int apply_landlock(const Confinement& c) {
  const long abi = ::syscall(kCreate, nullptr, 0, 1u);
  if (abi < 1) return 0;
  RulesetAttr attr{all_files(static_cast<int>(abi)), abi >= 4 ? 3u : 0u, abi >= 6 ? 3u : 0u};
  // An older kernel knows a shorter struct.
  const std::size_t size = abi >= 6 ? sizeof attr : abi >= 4 ? 16 : 8;
  const int ruleset = static_cast<int>(::syscall(kCreate, &attr, size, 0u));
  if (ruleset < 0) return 0;
  if (c.program >= 0) {
    for (const std::string& path : c.readable) {
      const int fd = ::open(path.c_str(), O_PATH | O_CLOEXEC);
      if (fd < 0) continue;  // not every system has every folder
      allow(ruleset, fd, kReadFile | kReadDir);
      ::close(fd);
    }
    allow(ruleset, c.program, kReadFile | kExecute);
    // The program's loader is a file that the kernel executes, too.
    for (const char* loader :
         {"/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1", "/lib/ld-linux-armhf.so.3"}) {
      const int fd = ::open(loader, O_PATH | O_CLOEXEC);
      if (fd < 0) continue;
      allow(ruleset, fd, kReadFile | kExecute);
      ::close(fd);
    }
  }
  const long restricted = ::syscall(kRestrict, ruleset, 0);
  ::close(ruleset);
  return restricted == 0 ? static_cast<int>(abi) : 0;
}

}  // namespace mailroom::documents
