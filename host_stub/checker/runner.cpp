// Runs each case in a child process and turns whatever happens to the child into a result.
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <stdexcept>

#include "checker/checker.hpp"
#include "checker/context.hpp"

namespace aoh::host::checker {
namespace {

int report_fd = -1;  // the child's end of the pipe; lines: "S step", "P note", "F why"

/// Usable in a signal handler: one write of at most PIPE_BUF bytes.
void tell(char kind, const char* words, std::size_t n) {
  char line[2048];
  n = std::min(n, sizeof line - 3);
  line[0] = kind;
  line[1] = ' ';
  for (std::size_t i = 0; i < n; ++i)
    line[2 + i] = static_cast<unsigned char>(words[i]) < 0x20 ? ' ' : words[i];
  line[2 + n] = '\n';
  if (write(report_fd, line, n + 3) < 0) _exit(98);
}

struct sigaction previous_segv;

void on_bad_address(int, siginfo_t* info, void*) {
  if (const char* words = explain_address(info->si_addr)) {
    tell('F', words, std::strlen(words));
    _exit(0);
  }
  sigaction(SIGSEGV, &previous_segv,
            nullptr);  // and the instruction faults again, for whoever was there before
}

void trapped() {
  const char* words =
      "it called a member that lies beyond version 1.0 of the interface without asking for that version";
  tell('F', words, std::strlen(words));
  _exit(0);
}

[[noreturn]] void child(const Case& c, const std::filesystem::path& library, int report, int errors) {
  report_fd = report;
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);  // else /proc/self shows nothing to anybody but root
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  dup2(null, 0);
  dup2(null, 1);
  dup2(errors, 2);
  close(null);
  signal(SIGPIPE, SIG_IGN);
  struct sigaction action {};
  action.sa_sigaction = on_bad_address;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigaction(SIGSEGV, &action, &previous_segv);
  on_trap = trapped;
  try {
    c.run(library);
  } catch (const std::exception& e) {
    fail(e.what());
  }
  pass();
}

std::string last_words(int errors) {
  std::string text(4096, '\0');
  const ssize_t n = pread(errors, text.data(), text.size(), 0);
  text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  for (const char* key :
       {"terminate called", "ERROR: AddressSanitizer", "runtime error:", "ThreadSanitizer"}) {
    const auto at = text.find(key);
    if (at == std::string::npos) continue;
    std::string words = text.substr(at, 300);
    const auto what = words.find("what():");
    const auto end = words.find('\n', what == std::string::npos ? 0 : what);
    words = words.substr(0, end);
    std::replace(words.begin(), words.end(), '\n', ' ');
    return ": " + valid_utf8(words);
  }
  return {};
}

CaseResult run_case(const Case& c, const std::filesystem::path& library, milliseconds limit) {
  CaseResult r{c.name, c.about, false, {}, 0};
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0)
    throw std::runtime_error(std::string("no pipe for a case: ") + std::strerror(errno));
  const int errors = memfd_create("case-stderr", MFD_CLOEXEC);
  const auto start = std::chrono::steady_clock::now();
  const pid_t pid = fork();
  if (pid < 0) throw std::runtime_error(std::string("no process for a case: ") + std::strerror(errno));
  if (pid == 0) {
    close(fds[0]);
    child(c, library, fds[1], errors);
  }
  close(fds[1]);
  std::string buffer, doing = "starting";
  bool done = false, late = false;
  while (!done) {
    const auto left =
        std::chrono::duration_cast<milliseconds>(start + limit - std::chrono::steady_clock::now()).count();
    pollfd p{fds[0], POLLIN, 0};
    const int ready = left > 0 ? poll(&p, 1, static_cast<int>(left)) : 0;
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) {
      late = true;
      break;
    }
    char bytes[4096];
    const ssize_t n = read(fds[0], bytes, sizeof bytes);
    if (n <= 0) break;
    buffer.append(bytes, static_cast<std::size_t>(n));
    for (std::size_t end; (end = buffer.find('\n')) != std::string::npos; buffer.erase(0, end + 1)) {
      if (end < 2) continue;
      const std::string words = valid_utf8(std::string_view(buffer).substr(2, end - 2));
      if (buffer[0] == 'S') {
        doing = words;
      } else if (!done) {
        done = true;
        r.passed = buffer[0] == 'P';
        r.message = words;
      }
    }
  }
  close(fds[0]);
  if (late || done) kill(pid, SIGKILL);  // it has said its word; what it left running goes with it
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  r.ms = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - start).count();
  if (late)
    r.message = "it hung: no end within " + std::to_string(limit.count() / 1000) + " s while " + doing;
  else if (!done && WIFSIGNALED(status))
    r.message = std::string("it crashed with SIG") + sigabbrev_np(WTERMSIG(status)) + " while " + doing +
                last_words(errors);
  else if (!done)
    r.message = "it ended the process with exit status " + std::to_string(WEXITSTATUS(status)) + " while " +
                doing + last_words(errors);
  close(errors);
  return r;
}

std::vector<Case> all_cases() {
  std::vector<Case> all;
  for (const auto& part : {load_cases(), create_cases(), call_cases(), trigger_cases(), end_cases()})
    all.insert(all.end(), part.begin(), part.end());
  return all;
}

}  // namespace

void step(const std::string& what) { tell('S', what.data(), what.size()); }
void fail(const std::string& why) {
  tell('F', why.data(), why.size());
  _exit(0);
}
void pass(const std::string& note) {
  tell('P', note.data(), note.size());
  _exit(0);
}

std::vector<std::string> case_names() {
  std::vector<std::string> names;
  for (const Case& c : all_cases()) names.emplace_back(c.name);
  return names;
}

Report check(const std::filesystem::path& library, const CheckOptions& options) {
  if (!options.only.empty()) {
    const auto names = case_names();
    if (std::find(names.begin(), names.end(), options.only) == names.end()) {
      const std::string near = nearest(options.only, names);
      throw std::invalid_argument("no case \"" + options.only + "\"" +
                                  (near.empty() ? "" : "; did you mean \"" + near + "\"?"));
    }
  }
  Report report{std::filesystem::weakly_canonical(library), {}};
  bool loads = true;
  for (const Case& c : all_cases()) {
    if (!options.only.empty() && options.only != c.name) continue;
    if (!loads && options.only.empty()) {
      report.cases.push_back({c.name, c.about, false, "not run: the module does not load", 0});
      continue;
    }
    report.cases.push_back(run_case(c, report.library, options.case_limit));
    if (std::string_view(c.name) == "load" && !report.cases.back().passed) loads = false;
  }
  return report;
}

bool Report::passed() const {
  return std::all_of(cases.begin(), cases.end(), [](const CaseResult& c) { return c.passed; });
}

std::string Report::text() const {
  std::string out;
  std::size_t failed = 0;
  for (const CaseResult& c : cases) {
    failed += c.passed ? 0 : 1;
    out += (c.passed ? "pass  " : "FAIL  ") + c.name + (c.message.empty() ? "" : " - " + c.message) + "\n";
  }
  out += library.string() + ": " + std::to_string(cases.size() - failed) + " of " +
         std::to_string(cases.size()) + " cases pass\n";
  return out;
}

Json Report::json() const {
  Json list = Json::array();
  for (const CaseResult& c : cases)
    list.push(Json{
        {"name", c.name}, {"about", c.about}, {"passed", c.passed}, {"message", c.message}, {"ms", c.ms}});
  return Json{{"module", library.string()}, {"passed", passed()}, {"cases", list}};
}

}  // namespace aoh::host::checker
