#include "watch/measures.hpp"

#include "base/error.hpp"
#include "support/json.hpp"

namespace mailroom::watch {
namespace {

constexpr std::size_t kMailboxShown = 100;  // bytes

}  // namespace

Measures::Measures(const aoh_host* host) : metrics_(host) {
  metrics_.histogram("email_hand_over_seconds",
                     "From the server's word of a message to the host's record of it",
                     {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 300});
  constexpr auto kCollected = AOH_METRIC_COLLECTED;
  metrics_.gauge("email_watcher_alive",
                 "1 while its connection has proved alive; the label says what it does", kCollected);
  metrics_.gauge("email_watcher_silent_seconds", "Since the server was heard", kCollected);
  metrics_.gauge("email_watcher_lag_seconds", "Of the last event: from the server's INTERNALDATE to the host",
                 kCollected);
  metrics_.counter("email_watcher_handed_over_total", "Events since it was started", kCollected);
  metrics_.counter("email_watcher_parked_total", "Messages given up since it was started", kCollected);
  metrics_.counter("email_watcher_reconnects_total", "Connections after the first", kCollected);
}

void Measures::handed_over(std::int64_t took_ns) const noexcept {
  metrics_.observe("email_hand_over_seconds", {}, static_cast<double>(took_ns) / 1e9);
}

void Measures::watcher(const Watched& w) const noexcept {
  std::string mailbox, credential;
  try {
    mailbox = aoh::utf8_prefix(printable(w.mailbox, kMailboxShown), kMailboxShown);
    credential = aoh::utf8_prefix(w.credential_id, AOH_METRICS_MAX_VALUE);
  } catch (...) {  // out of memory
    return;
  }
  const auto set = [&](std::string_view name, double value) {
    metrics_.set(name, {{"credential_id", credential}, {"mailbox", mailbox}}, value);
  };
  metrics_.set("email_watcher_alive",
               {{"credential_id", credential}, {"mailbox", mailbox}, {"state", w.state}}, w.alive ? 1 : 0);
  if (w.silent_ns) set("email_watcher_silent_seconds", static_cast<double>(*w.silent_ns) / 1e9);
  set("email_watcher_lag_seconds", static_cast<double>(w.lag_ms) / 1e3);
  set("email_watcher_handed_over_total", static_cast<double>(w.handed_over));
  set("email_watcher_parked_total", static_cast<double>(w.parked));
  set("email_watcher_reconnects_total", static_cast<double>(w.reconnects));
}

}  // namespace mailroom::watch
