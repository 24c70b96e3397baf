// What a parser process does to itself before it looks at one byte of a document: afterwards it can compute,
// read what it was given and write to its pipe, and nothing else.
//
// Called at the start of main(), while the process has one thread. What must hold on every kernel: the
// limits, no new privileges, no core, the seccomp filter; where one of them cannot be had, confine() throws
// and nothing is parsed. What a kernel or a container may lack: Landlock, a network of its own (the filter
// refuses sockets all the same), another user. The report says which of them are there.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace mailroom::documents {

struct Confinement {
  std::uint64_t data_bytes = 48u << 20;    ///< heap and private memory (RLIMIT_DATA)
  std::uint64_t address_bytes = 1u << 30;  ///< all memory, the mapped document included (RLIMIT_AS)
  unsigned cpu_seconds = 30;
  /// A program that may be executed once, open as kProgramFd; -1: none. With it files below `readable` may be
  /// opened for reading, which a dynamically linked program needs; without it no file at all.
  int program = -1;
  std::vector<std::string> readable;
  int parent = 0;  ///< process id of the parent: when it has gone already, confine() throws
};

/// The program's descriptor. It lies above RLIMIT_NOFILE and is closed by the exec, so no descriptor has this
/// number ever again: the filter allows execveat on it, and by that one exec.
inline constexpr int kProgramFd = 63;
inline constexpr unsigned kMaxOpenFiles = 16;

/// What is in force, for people and tests.
struct Report {
  int landlock = 0;                  ///< ABI version of the kernel's Landlock that is in force; 0: none
  bool own_network = false;          ///< a network namespace with nothing in it
  std::int64_t user = -1;            ///< the unprivileged user taken; -1: still the host's
  bool memory_limits = true;         ///< false in a sanitizer build, which needs its shadow
  std::vector<std::string> missing;  ///< one sentence for each means that is not there
};

/// Throws std::runtime_error where what must hold cannot be had; so, too, where a program may open files and
/// there is neither Landlock nor another user to keep the host's own from it.
Report confine(const Confinement& c);

/// \internal A sanitizer needs more memory than any limit, and pipes to look at an address with.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

/// \internal Parts, each in its own file.
int apply_landlock(const Confinement& c);  ///< landlock.cpp; the ABI version, 0: the kernel has none
void apply_filter(const Confinement& c);   ///< filter.cpp; throws

}  // namespace mailroom::documents
