#include "services/faults.hpp"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <chrono>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace aoh::host::faults {
namespace {

struct Rule {
  std::string point, substring;
  unsigned nth = 1, every = 0, ms = 0;
  enum { kill, fail, delay } action = kill;
  unsigned hits = 0;
};

std::atomic<bool> g_any{false};
std::mutex g_mutex;
std::vector<Rule> g_rules;

[[noreturn]] void refuse(std::string_view rule, const std::string& why) {
  throw std::invalid_argument("fault rule '" + std::string(rule) + "': " + why +
                              ". A rule is POINT[~SUBSTRING][@N|/K][+MS]=kill|fail|delay");
}

unsigned number(std::string_view rule, std::string_view text) {
  unsigned n = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (ec != std::errc{} || end != text.data() + text.size())
    refuse(rule, "'" + std::string(text) + "' is not a number");
  return n;
}

Rule parse(std::string_view text) {
  Rule r;
  const std::size_t equals = text.rfind('=');
  if (equals == std::string_view::npos) refuse(text, "no '='");
  const std::string_view action = text.substr(equals + 1);
  if (action == "kill")
    r.action = Rule::kill;
  else if (action == "fail")
    r.action = Rule::fail;
  else if (action == "delay")
    r.action = Rule::delay;
  else
    refuse(text, "'" + std::string(action) + "' is not kill, fail or delay");
  std::string_view rest = text.substr(0, equals);
  const std::size_t tilde = rest.find('~');
  const auto take = [&](char mark) -> std::optional<std::string_view> {
    const std::size_t at = rest.rfind(mark);
    if (at == std::string_view::npos) return std::nullopt;
    // A substring may hold the marks: "outbox/7:committing" ends in none.
    if (tilde != std::string_view::npos &&
        (at < tilde || at + 1 == rest.size() ||
         rest.find_first_not_of("0123456789", at + 1) != std::string_view::npos))
      return std::nullopt;
    const std::string_view value = rest.substr(at + 1);
    rest = rest.substr(0, at);
    return value;
  };
  if (const auto v = take('+')) r.ms = number(text, *v);
  if (const auto v = take('@')) r.nth = number(text, *v);
  if (const auto v = take('/')) {
    r.every = number(text, *v);
    if (r.every == 0) refuse(text, "every 0th hit is none");
  }
  r.point = rest.substr(0, tilde);
  if (tilde != std::string_view::npos) r.substring = rest.substr(tilde + 1);
  if (r.point.empty()) refuse(text, "no point is named");
  if (r.nth == 0) refuse(text, "hits are counted from 1");
  return r;
}

void die_after(unsigned ms) {
  if (ms == 0) {
    ::kill(::getpid(), SIGKILL);
    return;
  }
  std::thread([ms] {
    std::this_thread::sleep_for(std::chrono::milliseconds(ms));
    ::kill(::getpid(), SIGKILL);
  }).detach();
}

}  // namespace

void configure(std::string_view specification) {
  std::vector<Rule> rules;
  while (!specification.empty()) {
    const std::size_t end = specification.find(';');
    if (const auto rule = specification.substr(0, end); !rule.empty()) rules.push_back(parse(rule));
    specification = end == std::string_view::npos ? std::string_view{} : specification.substr(end + 1);
  }
  const std::lock_guard lock(g_mutex);
  g_rules = std::move(rules);
  g_any = !g_rules.empty();
}

void point(std::string_view name, std::string_view detail) {
  if (!g_any.load(std::memory_order_relaxed)) return;
  unsigned sleep_ms = 0;
  bool fail = false;
  {
    const std::lock_guard lock(g_mutex);
    for (Rule& r : g_rules) {
      if (r.point != name || (!r.substring.empty() && detail.find(r.substring) == std::string_view::npos))
        continue;
      ++r.hits;
      if (r.every ? r.hits % r.every != 0 : r.hits != r.nth) continue;
      if (r.action == Rule::kill) die_after(r.ms);
      if (r.action == Rule::delay) sleep_ms += r.ms;
      fail = fail || r.action == Rule::fail;
    }
  }
  if (sleep_ms) std::this_thread::sleep_for(std::chrono::milliseconds(sleep_ms));
  if (fail) throw Injected("injected fault at " + std::string(name));
}

}  // namespace aoh::host::faults
