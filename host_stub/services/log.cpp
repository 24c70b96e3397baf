#include "services/log.hpp"

#include <openssl/evp.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <mutex>
#include <vector>

#include "support/secret.hpp"

namespace aoh::host {
namespace {
constexpr std::size_t kMaxLine = 8 << 10;
constexpr std::size_t kShortestSecret = 6;

std::shared_ptr<spdlog::logger> logger(spdlog::sink_ptr sink, const char* pattern) {
  auto made = std::make_shared<spdlog::logger>("host-stub", std::move(sink));
  made->set_pattern(pattern);
  made->set_level(spdlog::level::debug);
  made->flush_on(spdlog::level::debug);
  // Once is enough: a full disk would say it at every line.
  made->set_error_handler([told = std::make_shared<std::once_flag>()](const std::string& why) {
    std::call_once(*told,
                   [&] { std::fprintf(stderr, "warning: the log cannot be written: %s\n", why.c_str()); });
  });
  return made;
}
spdlog::logger* as_logger(const std::shared_ptr<void>& p) { return static_cast<spdlog::logger*>(p.get()); }

/// The secret as it stands in the base64 of a longer text, `ahead` (modulo 3) bytes into it: without the
/// digits that hold a neighbour's bits. A server quotes a sign-in that it does not understand.
std::string base64_after(std::size_t ahead, std::string_view secret) {
  std::string text = std::string(ahead, '\0') + std::string(secret);
  std::string out(4 * (text.size() / 3 + 1) + 1, '\0');
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                  reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  const std::size_t first = (ahead * 8 + 5) / 6, last = text.size() * 8 / 6;
  std::string form = out.substr(first, last - first);
  wipe(text);
  wipe(out);
  return form;
}
}  // namespace

Redactor::~Redactor() {
  for (std::string& s : secrets_) wipe(s);
}

void Redactor::add(std::string_view secret) {
  if (secret.size() < kShortestSecret) return;
  std::string escaped = Json(secret).dump();  // as it stands in a log line's fields
  escaped = escaped.substr(1, escaped.size() - 2);
  std::vector<std::string> forms{std::string(secret), std::move(escaped)};
  for (std::size_t ahead = 0; ahead < 3; ++ahead) forms.push_back(base64_after(ahead, secret));
  const std::lock_guard lock(mutex_);
  for (std::string& form : forms) {
    if (std::find(secrets_.begin(), secrets_.end(), form) != secrets_.end()) {
      wipe(form);
      continue;
    }
    // Longest first: one that begins another must not leave that one's end behind.
    const auto at =
        std::find_if(secrets_.begin(), secrets_.end(), [&](const auto& s) { return s.size() < form.size(); });
    secrets_.insert(at, std::move(form));
  }
}

std::string Redactor::operator()(std::string text) const {
  static constexpr std::string_view kMask = "[secret]";
  const std::lock_guard lock(mutex_);
  for (const std::string& s : secrets_) {
    for (std::size_t at = text.find(s); at != std::string::npos; at = text.find(s, at)) {
      if (at > 0 &&
          text.compare(at - 1, kMask.size(), kMask) == 0) {  // the secret "secret" within an earlier mask
        at += kMask.size() - 1;
        continue;
      }
      text.replace(at, s.size(), kMask);
      at += kMask.size();
    }
  }
  return text;
}

void Log::to_file(const std::filesystem::path& file) {
  file_ = logger(std::make_shared<spdlog::sinks::rotating_file_sink_mt>(file.string(), 10 << 20, 3),
                 "%Y-%m-%dT%H:%M:%S.%eZ %l %v");
}
void Log::trace_to(const std::filesystem::path& file) {
  trace_ = logger(std::make_shared<spdlog::sinks::basic_file_sink_mt>(file.string(), true),
                  "%Y-%m-%dT%H:%M:%S.%e %v");
}

void Log::write(int level, std::string_view who, std::string_view message, const Json& fields) {
  static constexpr const char* kNames[] = {"debug", "info", "warning", "error", "breach"};
  const int at = std::clamp(level, 0, 4);
  if (fields.has("wire")) {
    if (trace_) as_logger(trace_)->info("{}", utf8_prefix(redactor_(fields["wire"].str()), kMaxLine));
    return;
  }
  std::string line = "[" + std::string(who) + "] " + std::string(message);
  if (!fields.empty()) line += " " + fields.dump();
  line = std::string(
      utf8_prefix(redactor_(std::move(line)), kMaxLine));  // masked, then cut: a half secret is not found
  for (char& c : line)
    if (c == '\n' || c == '\r') c = ' ';
  if (file_)
    as_logger(file_)->log(at >= 3 ? spdlog::level::err : static_cast<spdlog::level::level_enum>(at + 1), "{}",
                          line);
  if (at >= stderr_level_) {
    line = std::string(kNames[at]) + ": " + line + "\n";
    [[maybe_unused]] const auto n = ::write(2, line.data(), line.size());  // a log has nowhere to complain to
  }
}

}  // namespace aoh::host
