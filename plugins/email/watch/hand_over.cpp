#include <boost/asio/post.hpp>

#include <algorithm>

#include "watch/watcher.hpp"

namespace mailroom::watch {

// Events, decisions and cursor go together; only when the host has them on disk is the cursor ours.
net::Task<void> Watcher::hand_over(std::vector<aoh::Event> events, aoh::Json decisions, Cursor next) {
  struct Answer {
    std::optional<aoh_status> status;
    bool ready = false;
  };
  const std::string text = next.text();
  for (;;) {
    auto answer = std::make_shared<Answer>();
    // The host answers from any thread, perhaps before emit returns.
    const bool taken =
        trigger_->emit(events, decisions, text, [self = shared_from_this(), answer](aoh_status status) {
          boost::asio::post(self->executor_, [self, answer, status] {
            answer->status = status;
            self->host_alarm_.poke();
          });
        });
    if (taken) {
      // Also while stopping: no hand-over may be outstanding when the end is told.
      while (!answer->status) co_await host_alarm_.wait_until(INT64_MAX);
      if (*answer->status != AOH_OK)
        throw Failure(
            Errc::temporary,
            "the host could not store what was handed over (status " + std::to_string(*answer->status) + ")",
            "", "The host's log says why; a full disk is the usual cause");
      break;
    }
    trigger_->on_ready([weak = weak_from_this(), answer] {
      if (const auto w = weak.lock())
        boost::asio::post(w->executor_, [w, answer] {
          answer->ready = true;
          w->host_alarm_.poke();
        });
    });
    while (!answer->ready && !stopping_) co_await host_alarm_.wait_until(INT64_MAX);
    if (stopping_) throw Failure(Errc::cancelled, "stopped while the host was busy");
  }
  cursor_ = std::move(next);
  if (!events.empty()) {
    const std::lock_guard lock(mutex_);
    health_.last_event_ns = runtime_.services().clock.wall_ns();
    health_.lag_ms =
        std::max<std::int64_t>(0, (health_.last_event_ns - events.back().occurred_unix_ns) / 1'000'000);
    // What rules do with messages is none of them.
    const auto handed = static_cast<std::uint64_t>(std::count_if(
        events.begin(), events.end(), [](const aoh::Event& e) { return !e.blueprint.empty(); }));
    health_.handed_over += handed;
    if (news_ns_ != 0) {
      const std::int64_t took = runtime_.clock().now_ns() - news_ns_;
      health_.hand_over_ms = took / 1'000'000;
      if (measures_)
        for (std::uint64_t i = 0; i < handed; ++i) measures_->handed_over(took);
    }
  }
}

}  // namespace mailroom::watch
