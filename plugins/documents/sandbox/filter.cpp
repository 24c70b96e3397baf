// The seccomp filter: a list of what a parser needs; every other system call answers EPERM, and one of
// another architecture kills. No socket, no file to open, no process to make, to trace or to signal is on the
// list.
#include <fcntl.h>
#include <seccomp.h>
#include <sys/mman.h>

#include <array>
#include <cerrno>
#include <memory>
#include <stdexcept>

#include "sandbox/confine.hpp"

namespace mailroom::documents {
namespace {

// Computing, memory, and the descriptors that are there.
constexpr int kAlways[] = {SCMP_SYS(read),
                           SCMP_SYS(readv),
                           SCMP_SYS(pread64),
                           SCMP_SYS(write),
                           SCMP_SYS(writev),
                           SCMP_SYS(lseek),
                           SCMP_SYS(fstat),
                           SCMP_SYS(close),
                           SCMP_SYS(munmap),
                           SCMP_SYS(mremap),
                           SCMP_SYS(brk),
                           SCMP_SYS(madvise),
                           SCMP_SYS(futex),
                           SCMP_SYS(rt_sigaction),
                           SCMP_SYS(rt_sigprocmask),
                           SCMP_SYS(rt_sigreturn),
                           SCMP_SYS(sigaltstack),
                           SCMP_SYS(getrandom),
                           SCMP_SYS(clock_gettime),
                           SCMP_SYS(clock_getres),
                           SCMP_SYS(gettimeofday),
                           SCMP_SYS(time),
                           SCMP_SYS(clock_nanosleep),
                           SCMP_SYS(nanosleep),
                           SCMP_SYS(restart_syscall),
                           SCMP_SYS(exit),
                           SCMP_SYS(exit_group),
                           SCMP_SYS(getpid),
                           SCMP_SYS(gettid),
                           SCMP_SYS(getrlimit),
                           SCMP_SYS(sched_yield),
                           SCMP_SYS(sched_getaffinity)};

// What a dynamically linked program needs on top, to be loaded and to read its tables.
constexpr int kProgram[] = {
    SCMP_SYS(access),          SCMP_SYS(faccessat),       SCMP_SYS(faccessat2), SCMP_SYS(stat),
    SCMP_SYS(lstat),           SCMP_SYS(newfstatat),      SCMP_SYS(statx),      SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),      SCMP_SYS(getdents64),      SCMP_SYS(getcwd),     SCMP_SYS(arch_prctl),
    SCMP_SYS(set_tid_address), SCMP_SYS(set_robust_list), SCMP_SYS(rseq),       SCMP_SYS(uname),
    SCMP_SYS(getuid),          SCMP_SYS(geteuid),         SCMP_SYS(getgid),     SCMP_SYS(getegid),
    SCMP_SYS(sysinfo),         SCMP_SYS(statfs),          SCMP_SYS(fstatfs)};

void must(int result) {
  if (result < 0) throw std::runtime_error("the seccomp filter cannot be built");
}

}  // namespace

void apply_filter(const Confinement& c) {
  const std::unique_ptr<void, decltype(&seccomp_release)> filter(seccomp_init(SCMP_ACT_ERRNO(EPERM)),
                                                                 &seccomp_release);
  if (!filter) throw std::runtime_error("there is no seccomp");
  scmp_filter_ctx f = filter.get();
  must(seccomp_attr_set(f, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS));
  for (const int call : kAlways) must(seccomp_rule_add(f, SCMP_ACT_ALLOW, call, 0));
  if (kSanitized)
    for (const int call : {SCMP_SYS(pipe), SCMP_SYS(pipe2)})
      must(seccomp_rule_add(f, SCMP_ACT_ALLOW, call, 0));
  // Limits may be read, not set.
  must(seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 2, SCMP_A0(SCMP_CMP_EQ, 0),
                        SCMP_A2(SCMP_CMP_EQ, 0)));
  // Flags of a descriptor; no duplicate, no owner that is sent signals.
  for (const unsigned what : {F_GETFD, F_SETFD, F_GETFL})
    must(seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, SCMP_A1(SCMP_CMP_EQ, what)));
  if (c.program < 0) {
    // No memory becomes code.
    must(seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)));
    must(seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                          SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)));
  } else {
    must(seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 0));
    must(seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 0));
    for (const int call : kProgram) must(seccomp_rule_add(f, SCMP_ACT_ALLOW, call, 0));
    // Opening is reading: none of the flags that write, make or cut a file.
    constexpr unsigned kWrites =
        O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND | (O_TMPFILE & ~O_DIRECTORY);
    must(seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, kWrites, 0)));
    must(seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(open), 1, SCMP_A1(SCMP_CMP_MASKED_EQ, kWrites, 0)));
    must(seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(execveat), 2,
                          SCMP_A0(SCMP_CMP_EQ, static_cast<unsigned>(c.program)),
                          SCMP_A4(SCMP_CMP_EQ, AT_EMPTY_PATH)));
  }
  if (const int error = seccomp_load(f); error != 0)
    throw std::runtime_error("the kernel takes no seccomp filter (error " + std::to_string(-error) + ")");
}

}  // namespace mailroom::documents
