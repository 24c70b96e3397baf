// A parser in a stranger's hands, for the tests only: nothing of the product starts it. It is started as a
// parser is, confines itself with the product's own code, and then tries what a stranger would; or, by the
// file name it is given, it misbehaves towards its parent without any confinement.
#include <fcntl.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

#include "sandbox/confine.hpp"
#include "support/json.hpp"
#include "wire/frame.hpp"

extern char** environ;

// In a sanitizer build its runtime would set a limit when the program starts again, confined, and end where
// it may not.
extern "C" __attribute__((visibility("default"))) const char* __asan_default_options() {
  return "disable_coredump=0:detect_leaks=0";
}

using namespace mailroom::documents;

namespace {

void send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(1, bytes.data(), bytes.size());
    if (n <= 0) ::_exit(9);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

// "socket inet: EPERM" or "socket inet: GOT".
void tried(const char* what, long result) {
  const int error = errno;
  send(encode(Frame::text,
              std::string(what) + ": " + (result >= 0 ? "GOT" : ::strerrorname_np(error)) + "\n"));
}

void count_descriptors() {
  int open = 0;
  for (int fd = 3; fd < 1024; ++fd) open += ::fcntl(fd, F_GETFD) >= 0;
  send(encode(Frame::text, "descriptors beyond its own: " + std::to_string(open) + "\n"));
}

void try_files(const aoh::Json& o) {
  tried("read /etc/passwd", ::open("/etc/passwd", O_RDONLY));
  tried("read the open file", ::open(o["open_file"].str().c_str(), O_RDONLY));
  tried("read the key", ::open(o["key"].str().c_str(), O_RDONLY));
  tried("read /proc of the parent",
        ::open(("/proc/" + std::to_string(o["parent"].integer()) + "/environ").c_str(), O_RDONLY));
  tried("read the document anew", ::open("/proc/self/fd/0", O_RDWR));
  tried("openat2", ::syscall(SYS_openat2, AT_FDCWD, "/etc/passwd", "", 24));
  tried("create in its own folder", ::open("made-by-a-stranger", O_WRONLY | O_CREAT, 0600));
  tried("create in /tmp", ::open("/tmp/made-by-a-stranger", O_WRONLY | O_CREAT, 0600));
  tried("unnamed file", ::open("/tmp", O_TMPFILE | O_RDWR, 0600));
  tried("write the open file", ::open(o["open_file"].str().c_str(), O_WRONLY));
  tried("truncate", ::truncate(o["open_file"].str().c_str(), 0));
  tried("truncate the document", ::ftruncate(0, 0));
  tried("chmod the document", ::fchmod(0, 0777));
  tried("unlink", ::unlink(o["open_file"].str().c_str()));
  tried("mkdir", ::mkdir("/tmp/made-by-a-stranger", 0700));
  tried("rename", ::rename(o["open_file"].str().c_str(), "/tmp/moved-by-a-stranger"));
  tried("link", ::link(o["open_file"].str().c_str(), "/tmp/linked-by-a-stranger"));
  tried("symlink", ::symlink("/etc/passwd", "linked-by-a-stranger"));
  tried("memfd", ::syscall(SYS_memfd_create, "x", 0));
  tried("mount", ::mount("none", "/tmp", "tmpfs", 0, ""));
  tried("chroot", ::chroot("/tmp"));
}

void try_network(const aoh::Json& o) {
  tried("socket tcp", ::socket(AF_INET, SOCK_STREAM, 0));
  tried("socket udp", ::socket(AF_INET, SOCK_DGRAM, 0));
  tried("socket tcp6", ::socket(AF_INET6, SOCK_STREAM, 0));
  tried("socket unix", ::socket(AF_UNIX, SOCK_STREAM, 0));
  tried("socket netlink", ::socket(AF_NETLINK, SOCK_RAW, 0));
  int pair[2];
  tried("socketpair", ::socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  sockaddr_in to{
      AF_INET, htons(static_cast<std::uint16_t>(o["port"].integer())), {htonl(INADDR_LOOPBACK)}, {}};
  tried("connect a pipe", ::connect(1, reinterpret_cast<sockaddr*>(&to), sizeof to));
  io_uring_params ring{};
  tried("io_uring", ::syscall(SYS_io_uring_setup, 4, &ring));
}

void try_processes(const aoh::Json& o) {
  const auto parent = static_cast<pid_t>(o["parent"].integer());
  const auto is_child = [](long pid) {
    if (pid == 0) ::_exit(0);
    return pid;
  };
  tried("fork", is_child(::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)));
#ifdef SYS_fork
  tried("fork the old way", is_child(::syscall(SYS_fork)));
#endif
  tried("clone3", is_child(::syscall(SYS_clone3, environ, 64)));
  char* const argv[] = {const_cast<char*>("true"), nullptr};
  tried("execve", ::execve("/bin/true", argv, environ));
  tried("execveat of a path", ::syscall(SYS_execveat, AT_FDCWD, "/bin/true", argv, environ, 0));
  tried("execveat of the document", ::syscall(SYS_execveat, 0, "", argv, environ, AT_EMPTY_PATH));
  tried("execveat of the program again",
        o["again"].boolean() ? ::syscall(SYS_execveat, kProgramFd, "", argv, environ, AT_EMPTY_PATH)
                             : (errno = EPERM, -1));
  tried("a descriptor of that number", ::dup2(0, kProgramFd));
  tried("ptrace me", ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr));
  tried("ptrace the parent", ::ptrace(PTRACE_SEIZE, parent, nullptr, nullptr));
  char there[8];
  const iovec local{there, sizeof there}, remote{reinterpret_cast<void*>(&tried), sizeof there};
  tried("read the parent's memory", ::process_vm_readv(parent, &local, 1, &remote, 1, 0));
  tried("is the parent there", ::kill(parent, 0));
  tried("kill the parent", ::kill(parent, SIGTERM));
  tried("kill everybody", ::kill(-1, SIGTERM));
  tried("tgkill", ::syscall(SYS_tgkill, parent, parent, SIGTERM));
  tried("sigqueue", ::sigqueue(parent, SIGTERM, {}));
  tried("pidfd", ::syscall(SYS_pidfd_open, parent, 0));
  const rlimit more{RLIM_INFINITY, RLIM_INFINITY};
  tried("raise a limit", ::setrlimit(RLIMIT_NOFILE, &more));
  tried("the parent's limits", ::prlimit(parent, RLIMIT_NOFILE, nullptr, const_cast<rlimit*>(&more)));
  tried("become root", ::setuid(0));
  tried("unshare", ::unshare(CLONE_NEWUSER));
  tried("bpf", ::syscall(SYS_bpf, 0, environ, 64));
  tried("keyctl", ::syscall(SYS_keyctl, 0, -3, 0, 0, 0));
  tried("perf_event_open", ::syscall(SYS_perf_event_open, environ, 0, -1, -1, 0));
  tried("userfaultfd", ::syscall(SYS_userfaultfd, 0));
  tried("shmget", ::syscall(SYS_shmget, 0, 4096, 01600));
  tried("prctl", ::prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0));
}

void try_rest(const aoh::Json& o) {
  send(encode(Frame::text,
              std::string("environment: ") + (environ && environ[0] ? environ[0] : "empty") + "\n"));
  if (!o["again"].boolean()) {
    void* const code =
        ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    tried("memory that is code", code == MAP_FAILED ? -1 : 0);
  }
  void* const much = ::mmap(nullptr, 8ull << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  tried("8 GiB of memory", much == MAP_FAILED ? -1 : 0);
}

// Options are read once; the second start, after the exec, gets them as its argument.
int try_all(const aoh::Json& o) {
  count_descriptors();  // before any attempt adds to them
  try_files(o);
  try_network(o);
  try_processes(o);
  try_rest(o);
  send(encode(Frame::done, ""));
  ::_exit(0);
}

// A kernel without Landlock, in a container that lets nobody make a namespace.
void make_poor() {
  scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
  seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), 444, 0);
  seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(unshare), 0);
  if (seccomp_load(f) != 0) ::_exit(7);
  seccomp_release(f);
}

int confined(aoh::Json o, const char* self) {
  Confinement c;
  c.data_bytes = 256u << 20;
  c.parent = static_cast<int>(o["parent"].integer());
  if (o["program"].boolean()) {
    c.program = ::dup3(::open(self, O_RDONLY | O_CLOEXEC), kProgramFd, O_CLOEXEC);
    c.readable = {"/usr/lib", "/lib", "/lib64", "/etc/ld.so.cache"};
  }
  if (o["poor"].boolean()) make_poor();
  if (o["plain_user"].boolean() && ::geteuid() == 0 && ::setresuid(12345, 12345, 12345) != 0) ::_exit(6);
  const Report r = confine(c);
  send(encode(Frame::hello, aoh::Json{{"landlock", r.landlock},
                                      {"own_network", r.own_network},
                                      {"user", r.user},
                                      {"memory_limits", r.memory_limits}}
                                .dump()));
  if (c.program < 0) return try_all(o);
  const std::string text = o.set("again", true).dump();
  const char* argv[] = {"again", text.c_str(), nullptr};
  ::fexecve(kProgramFd, const_cast<char* const*>(argv), environ);
  ::_exit(8);
}

// What the file name says, towards the parent. Endless ones end by the parent's hand.
int misbehave(const std::string& how) {
  const std::string hello = encode(Frame::hello, "{}");
  const auto forever = [] {
    while (true) ::pause();
  };
  for (const int s : {SIGSEGV, SIGBUS}) ::signal(s, SIG_DFL);  // a sanitizer takes them
  if (how == "crash") ::kill(::getpid(), SIGSEGV);
  if (how == "killed") ::kill(::getpid(), SIGKILL);
  if (how == "hang") forever();
  if (how == "silent") ::_exit(0);
  if (how == "exit_one") ::_exit(1);
  if (how == "noise") {
    std::string noise;
    unsigned x = 7;
    for (int i = 0; i < 200'000; ++i) noise += static_cast<char>((x = x * 1664525 + 1013904223) >> 24);
    send(noise);
    ::_exit(0);
  }
  send(hello);
  if (how == "half") send(encode(Frame::text, "half of it")), ::_exit(0);
  if (how == "half_then_crash") send(encode(Frame::text, "half of it")), ::kill(::getpid(), SIGBUS);
  if (how == "long_frame") send(std::string("T\xff\xff\xff\x7f", 5) + std::string(100, 'x'));
  if (how == "cut_frame") send(encode(Frame::text, "cut here").substr(0, 7)), ::_exit(0);
  if (how == "two_hellos") send(hello);
  if (how == "no_json") send(encode(Frame::facts, "{\"kind\":"));
  if (how == "deep_json") send(encode(Frame::facts, std::string(20'000, '[') + std::string(20'000, ']')));
  if (how == "stray_member") send(encode(Frame::member_data, "x"));
  if (how == "open_member")
    send(encode(Frame::member, "{\"name\":\"a.txt\"}") + encode(Frame::member_data, "x")), ::_exit(0);
  if (how == "text_in_member") send(encode(Frame::member, "{\"name\":\"a.txt\"}") + encode(Frame::text, "x"));
  if (how == "after_done") send(encode(Frame::done, "") + encode(Frame::text, "more"));
  if (how == "odd_facts")
    send(encode(Frame::facts, R"({"kind":{"a":1},"pages":"many"})") + encode(Frame::warning, "[1,2]") +
         encode(Frame::done, "")),
        ::_exit(0);
  if (how == "odd_text")
    send(encode(Frame::mark, "a\n\fpage 9\x1b[2J") + encode(Frame::text, "\xff\xfe\x1b[31m\fa\r\nb\xf0\x9f") +
         encode(Frame::done, "")),
        ::_exit(0);
  if (how == "complains") {
    const std::string noise(100'000, 'e');
    for (int i = 0; i < 50; ++i) (void)!::write(2, noise.data(), noise.size());
    send(encode(Frame::done, ""));
    ::_exit(0);
  }
  if (how == "closes") {
    ::close(1);
    ::close(2);
    forever();
  }
  if (how == "leaves_a_child") {
    // It holds the pipes open and ignores what can be ignored.
    if (::fork() == 0) {
      ::signal(SIGTERM, SIG_IGN);
      ::signal(SIGHUP, SIG_IGN);
      forever();
    }
    send(encode(Frame::done, ""));
    ::_exit(0);
  }
  if (how == "warns")
    for (;;) send(encode(Frame::warning, R"({"code":"x","detail":"y"})"));
  if (how == "flood")
    for (const std::string text = encode(Frame::text, std::string(60'000, 'x'));;) send(text);
  forever();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[0], "again") == 0) return try_all(aoh::Json::parse(argv[1]));
  std::string text(64u << 10, '\0');
  const ssize_t n = ::read(3, text.data(), text.size());
  ::close(3);
  text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  const aoh::Json o = aoh::Json::parse(text);
  try {
    if (o.has("parent")) return confined(o, o["self"].str().c_str());
  } catch (const std::exception& e) {
    send(encode(Frame::hello, "{}") +
         encode(Frame::failed, aoh::Json{{"code", "sandbox"}, {"what", e.what()}}.dump()));
    ::_exit(0);
  }
  const std::string name = o["filename"].str();
  return misbehave(name.substr(0, name.find('.')));
}
