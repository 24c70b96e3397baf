// The host's log, for itself and for modules. What it knows to be secret never reaches it.
#pragma once
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "support/json.hpp"

namespace aoh::host {

/// Replaces secrets that the host has handled in this process by "[secret]". Secrets shorter than 6 bytes are
/// not looked for: they would mask ordinary words. Thread-safe.
class Redactor {
 public:
  ~Redactor();
  void add(std::string_view secret);
  std::string operator()(std::string text) const;

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> secrets_;
};

/// Lines to a file (rotated: 3 of 10 MiB) and, from `stderr_level` on, to stderr. Thread-safe.
class Log {
 public:
  /// level: AOH_LOG_*.
  explicit Log(const Redactor& redactor) : redactor_(redactor) {}
  void to_file(const std::filesystem::path& file);
  void to_stderr(int from_level) { stderr_level_ = from_level; }
  /// Lines whose fields have the member "wire" go here instead (--trace).
  void trace_to(const std::filesystem::path& file);
  /// who: "host", or a module's id. Longer than 8 KiB is cut.
  void write(int level, std::string_view who, std::string_view message, const Json& fields = {});
  void info(std::string_view message, const Json& fields = {}) { write(1, "host", message, fields); }
  void warn(std::string_view message, const Json& fields = {}) { write(2, "host", message, fields); }
  void error(std::string_view message, const Json& fields = {}) { write(3, "host", message, fields); }

 private:
  const Redactor& redactor_;
  std::shared_ptr<void> file_, trace_;  // spdlog loggers; their headers stay in log.cpp
  int stderr_level_ = 4;
};

}  // namespace aoh::host
