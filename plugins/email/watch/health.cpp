// How a watcher is, for those who ask from other threads.
#include <ctime>

#include "watch/watcher.hpp"

namespace mailroom::watch {
namespace {

std::string rfc3339(std::int64_t unix_ns) {
  const std::time_t s = static_cast<std::time_t>(unix_ns / 1'000'000'000);
  std::tm tm{};
  gmtime_r(&s, &tm);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm)};
}

bool is_alive(std::string_view state) {
  return state == "idle" || state == "polling" || state == "fetching" || state == "catching_up";
}

}  // namespace

// What was said last counts only until the server was to be asked again: a strand that hangs, and a server
// that is gone, must not look well.
std::string Watcher::state_now() const {
  return runtime_.clock().now_ns() >= health_.probe_ns ? "probing" : health_.state;
}

aoh::Json Watcher::status() const {
  const std::lock_guard lock(mutex_);
  aoh::Json j{{"credential_id", credential_id_}, {"mailbox", mailbox_}, {"state", state_now()}};
  j.set_if(health_.last_contact_ns, "last_contact", rfc3339(health_.last_contact_ns));
  j.set_if(health_.heard_ns, "silent_s", (runtime_.clock().now_ns() - health_.heard_ns) / 1'000'000'000);
  j.set_if(health_.last_event_ns, "last_event", rfc3339(health_.last_event_ns));
  j.set_if(!health_.last_error.empty(), "last_error", health_.last_error);
  j.set_if(!health_.cure.empty(), "cure", health_.cure);
  j.set_if(health_.retry_at_ns, "retry_at", rfc3339(health_.retry_at_ns));
  j.set("lag_ms", health_.lag_ms).set("handed_over", health_.handed_over).set("parked", health_.parked);
  if (health_.hand_over_ms) j.set("hand_over_ms", *health_.hand_over_ms);
  return j.set("reconnects", health_.connections > 0 ? health_.connections - 1 : 0);
}

void Watcher::measure(const Measures& measures) const {
  Measures::Watched w;
  std::string state;
  {
    const std::lock_guard lock(mutex_);
    state = state_now();
    w.credential_id = credential_id_;
    w.mailbox = mailbox_;
    w.alive = is_alive(state);
    if (health_.heard_ns) w.silent_ns = runtime_.clock().now_ns() - health_.heard_ns;
    w.lag_ms = health_.lag_ms;
    w.handed_over = health_.handed_over;
    w.parked = health_.parked;
    w.reconnects = health_.connections > 0 ? health_.connections - 1 : 0;
  }
  w.state = state;
  measures.watcher(w);
}

}  // namespace mailroom::watch
