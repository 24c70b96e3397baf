#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <iostream>

#include "calls/check.hpp"
#include "cli/io.hpp"
#include "loader/manifest.hpp"
#include "loader/trust.hpp"

namespace aoh::host {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kMaxSecret = 64u << 10, kMaxDocument = 16u << 20;

std::string read_fd(int fd, const std::string& what, std::size_t max_bytes) {
  std::string out;
  char buffer[65536];
  for (;;) {
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw CliError(what + " cannot be read: " + std::strerror(errno));
    if (n == 0) return out;
    out.append(buffer, static_cast<std::size_t>(n));
    if (out.size() > max_bytes)
      throw CliError(what + " has more than " + std::to_string(max_bytes) + " bytes, which is the limit");
  }
}

Secret without_line_end(std::string text) {
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  return Secret(std::move(text));
}

volatile std::sig_atomic_t g_interrupted = 0;

/// While it lives, the signals that end a program end a read() instead; then they are given again. Else
/// Ctrl-C at a password would leave a terminal without echo behind.
class HeldSignals {
 public:
  HeldSignals() {
    g_interrupted = 0;
    struct sigaction hold {};
    hold.sa_handler = [](int number) { g_interrupted = number; };
    for (std::size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &hold, &before_[i]);
  }
  ~HeldSignals() {
    for (std::size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &before_[i], nullptr);
    if (g_interrupted) ::raise(g_interrupted);
  }
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;

 private:
  static constexpr std::array kSignals{SIGINT, SIGTERM, SIGHUP, SIGQUIT};
  std::array<struct sigaction, kSignals.size()> before_{};
};

/// Asks on the terminal itself, without echo, whatever stdin and stdout are.
Secret ask(const std::string& question) {
  const HeldSignals held;
  const int fd = ::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return {};
  termios before{};
  const bool known = ::tcgetattr(fd, &before) == 0;
  if (known) {
    termios quiet = before;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(fd, TCSAFLUSH, &quiet);
  }
  (void)!::write(fd, question.data(), question.size());
  std::string answer;
  for (char c = 0; answer.size() < kMaxSecret && ::read(fd, &c, 1) == 1 && c != '\n';) answer += c;
  if (known) ::tcsetattr(fd, TCSAFLUSH, &before);
  (void)!::write(fd, "\n", 1);
  ::close(fd);
  if (g_interrupted) wipe(answer);
  return Secret(std::move(answer));
}

/// Secret fields of a credential type, from the manifests in the folders that this command sees.
std::vector<std::string> secret_fields(const Command& c, const std::string& type) {
  std::vector<fs::path> folders = c.modules;
  folders.push_back(default_modules());
  for (const fs::path& folder : folders) {
    std::error_code ec;
    for (const auto& entry : fs::directory_iterator(folder, ec)) {
      if (entry.path().extension() != ".json") continue;
      try {
        const Manifest m = Manifest::load(entry.path());
        if (const CredentialType* t = m.credential_type(type)) return t->secret_fields;
      } catch (const std::exception&) {  // another verb says what is wrong with it
      }
    }
  }
  return {};
}

}  // namespace

std::string error_line(std::string_view what) {
  while (what.ends_with('\n')) what.remove_suffix(1);
  std::string line = "host-stub: ";
  for (;;) {
    const auto end = what.find('\n');
    line += without_controls(what.substr(0, end));
    if (end == std::string_view::npos) return line + "\n";
    line += "; ";
    what.remove_prefix(end + 1);
  }
}

std::string read_file(const fs::path& file, std::size_t max_bytes) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) throw CliError(file.string() + " cannot be read: " + std::strerror(errno));
  struct stat st {};
  try {
    if (::fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
      throw CliError(file.string() + " is a folder; name a file");
    std::string text = read_fd(fd, file.string(), max_bytes);
    ::close(fd);
    return text;
  } catch (...) {
    ::close(fd);
    throw;
  }
}

Inputs gather(const Command& c) {
  Inputs in;
  in.terminal = ::isatty(STDERR_FILENO) == 1;
  if (c.verb == "call") {
    if (c.text == "-")
      in.document = read_fd(STDIN_FILENO, "standard input", kMaxDocument);
    else if (c.text.starts_with('@'))
      in.document = read_file(c.text.substr(1), kMaxDocument);
    else
      in.document = c.text.empty() ? "{}" : c.text;
  }
  if (c.verb != "credential add") return in;
  std::string type = c.type;
  if (!c.file.empty()) {
    in.document = read_file(c.file, 1u << 20);
    try {
      if (type.empty()) type = Json::parse(*in.document)["type"].str();
    } catch (const JsonError&) {  // the verb says it
    }
  }
  for (const auto& [field, from] : c.secrets)
    in.secrets[field] = without_line_end(from == "-" ? read_fd(STDIN_FILENO, "standard input", kMaxSecret)
                                                     : read_file(from, kMaxSecret));
  if (in.secrets.empty() && ::isatty(STDIN_FILENO) == 1)
    for (const std::string& field : secret_fields(c, type))
      if (Secret s = ask(field + " (not shown, empty: none): "); !s.empty()) in.secrets[field] = std::move(s);
  return in;
}

}  // namespace aoh::host
