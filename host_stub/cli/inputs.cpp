#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "calls/check.hpp"
#include "cli/io.hpp"

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
  if (c.verb != "credential add" && c.verb != "credential edit" && c.verb != "credential rotate") return in;
  if (!c.file.empty()) in.document = read_file(c.file, 1u << 20);
  for (const auto& [field, from] : c.secrets)
    in.secrets[field] = without_line_end(from == "-" ? read_fd(STDIN_FILENO, "standard input", kMaxSecret)
                                                     : read_file(from, kMaxSecret));
  return in;
}

}  // namespace aoh::host
