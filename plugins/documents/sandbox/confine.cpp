#include "sandbox/confine.hpp"

#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <stdexcept>

namespace mailroom::documents {
namespace {

constexpr uid_t kNobody = 65534;

// Never above what this process may have already: without rights, nobody can raise that.
void limit(int what, std::uint64_t value) {
  rlimit both{};
  if (::getrlimit(static_cast<__rlimit_resource>(what), &both) == 0 && both.rlim_max < value)
    value = both.rlim_max;
  both = {value, value};
  if (::setrlimit(static_cast<__rlimit_resource>(what), &both) != 0)
    throw std::runtime_error("a resource limit cannot be set (error " + std::to_string(errno) + ")");
}

// A user without rights of its own, where we may choose one.
std::int64_t drop_user() {
  if (::geteuid() != 0) return -1;
  if (::setgroups(0, nullptr) != 0) return -1;
  if (::setresgid(kNobody, kNobody, kNobody) != 0 || ::setresuid(kNobody, kNobody, kNobody) != 0) return -1;
  if (::setuid(0) == 0) throw std::runtime_error("the user could be taken back");
  return kNobody;
}

// Also what a user namespace gave.
void drop_capabilities() {
  for (int cap = 0; cap < 64; ++cap)
    ::prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);  // refused without CAP_SETPCAP: none to drop
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  __user_cap_header_struct head{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[2]{};
  ::syscall(SYS_capset, &head, none);
}

}  // namespace

Report confine(const Confinement& c) {
  Report report;
  // The network first: it may need the rights that go next.
  report.own_network = ::unshare(CLONE_NEWNET | CLONE_NEWIPC) == 0;
  report.user = drop_user();
  if (!report.own_network) report.own_network = ::unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWIPC) == 0;
  drop_capabilities();

  // After the change of user, which forgets it.
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
    throw std::runtime_error("no signal at the parent's death");
  if (c.parent > 1 && ::getppid() != c.parent) throw std::runtime_error("the parent has gone");
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) throw std::runtime_error("no_new_privs is refused");
  if (c.program < 0) ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);

  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_FSIZE, 0);
  limit(RLIMIT_NPROC, 0);
  limit(RLIMIT_CPU, c.cpu_seconds);
  limit(RLIMIT_MEMLOCK, 0);
  limit(RLIMIT_MSGQUEUE, 0);
  report.memory_limits = !kSanitized;
  if (!kSanitized) {
    limit(RLIMIT_DATA, c.data_bytes);
    limit(RLIMIT_AS, c.address_bytes);
  }
  report.landlock = apply_landlock(c);
  if (c.program >= 0 && report.landlock == 0 && report.user < 0)
    throw std::runtime_error(
        "there is neither Landlock nor another user to run as, so the program could read what the host's "
        "user can "
        "(run the host as root, which gives parsers the user nobody, or on Linux 5.13 or later with "
        "Landlock)");
  limit(RLIMIT_NOFILE, kMaxOpenFiles);
  apply_filter(c);

  if (report.landlock == 0)
    report.missing.push_back(c.program < 0
                                 ? "no Landlock in this kernel: the system-call filter alone keeps files away"
                                 : "no Landlock in this kernel: files that everybody may read can be read, "
                                   "though not sent anywhere");
  if (!report.own_network)
    report.missing.push_back(
        "no network namespace may be made here: the system-call filter alone keeps the network away");
  if (report.user < 0) report.missing.push_back("not started as root: the parser has the host's user");
  if (!report.memory_limits) report.missing.push_back("a sanitizer build: no memory limits");
  return report;
}

}  // namespace mailroom::documents
