#include "triggers/cron_source.hpp"

#include <algorithm>
#include <deque>

#include "triggers/ticks.hpp"

namespace aoh::host {
namespace {

constexpr std::int64_t kLookNs = 60'000'000'000;  // at the latest: the wall may have been set
constexpr std::size_t kMaxWaiting = 1000;         // ticks in memory

aoh_str str(const std::string& s) { return {s.data(), s.size()}; }

/// The one blueprint of the source.
struct Config {
  std::string id;
  Json fields;
  Schedule schedule;
  Missed missed;

  static Config read(std::string_view source_json) {
    const Json b = Json::parse(source_json).path("blueprints.0");
    return {b["id"].str(), b["schedule"], schedule_of(b["schedule"]),
            b["missed"].str() == "skip" ? Missed::skip : Missed::run_once};
  }
};

/// What goes to the store next: a tick or none, and the cursor with it.
struct Waiting {
  std::string key, payload;  // of the event; key is empty: none
  std::int64_t scheduled_ns = 0;
  Json decision;  // null: none
  std::string cursor;
};

// Locks: mutex_, then whatever emit, health and stopped lock; none of them calls back.
class Run : public std::enable_shared_from_this<Run> {
 public:
  explicit Run(Clock& clock) : clock_(clock) {}

  Outcome start(std::string_view source_json, std::string_view cursor, aoh_trigger* trigger) {
    return guarded([&] {
      config_.emplace(Config::read(source_json));
      trigger_ = trigger;
      cursor_ = CronCursor::of(cursor, config_->fields, clock_.wall_ns());
      // Even before the first tick: what comes while the host is down is missed from here on.
      if (cursor_.text() != cursor) checkpoint();
      look();
    });
  }

  Outcome reconfigure(std::string_view source_json) {
    return guarded([&] {
      config_.emplace(Config::read(source_json));
      const auto before =
          std::exchange(cursor_, CronCursor::of(cursor_.text(), config_->fields, clock_.wall_ns()));
      if (before != cursor_) checkpoint();
      look();
    });
  }

  void stop() {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    ++timer_;
    end_if_asked();
  }

 private:
  template <class F>
  Outcome guarded(F&& f) {
    const std::lock_guard lock(mutex_);
    try {
      f();
      return {};
    } catch (const std::exception& e) {
      return {AOH_E_INVALID, e.what(), ""};
    }
  }

  // All below under the mutex.

  /// Notices what is due, sets the next look, offers what there is.
  void look() {
    // In this order: a clock that is moved in between makes the next look come early, never late.
    const auto monotonic = clock_.monotonic_ns(), now = clock_.wall_ns();
    if (waiting_.size() < kMaxWaiting) notice(owed(config_->schedule, config_->missed, cursor_, now), now);
    const auto next = config_->schedule.next(cursor_.settled_ns, cursor_.since_ns);
    auto wait = kLookNs;
    if (next && waiting_.size() < kMaxWaiting) wait = std::clamp<std::int64_t>(*next - now, 0, kLookNs);
    if (next || !waiting_.empty())  // otherwise it has had its last
      clock_.schedule(monotonic + wait, [weak = weak_from_this(), timer = ++timer_] {
        if (const auto me = weak.lock()) me->timer_came(timer);
      });
    offer();
    tell(next);
  }

  void checkpoint() {
    waiting_.emplace_back();
    waiting_.back().cursor = cursor_.text();
  }

  void notice(const Owed& found, std::int64_t now) {
    if (!found.tick && found.left_out == 0) return;
    cursor_.settled_ns = found.upto_ns;
    Waiting w;
    const std::string scheduled = local_text({}, found.upto_ns);
    if (found.tick) {
      w.key = "tick " + scheduled;
      w.payload =
          tick_payload(config_->schedule.zone(), found.tick->scheduled_ns, now, found.tick->missed).dump();
      w.scheduled_ns = found.tick->scheduled_ns;
    }
    if (found.left_out > 0) {
      const std::string count =
          (found.left_out >= kMaxCounted ? "at least " : "") + std::to_string(found.left_out);
      w.decision =
          Json{{"key", "tick " + scheduled},
               {"blueprint", config_->id},
               {"decision", config_->missed == Missed::skip ? "skipped" : "merged"},
               {"why", count + " missed until " + scheduled +
                           (config_->missed == Missed::skip ? " (missed: skip)"
                                                            : "; one stands for all (missed: run_once)")}};
    }
    w.cursor = cursor_.text();
    waiting_.push_back(std::move(w));
  }

  void offer() {
    if (outstanding_ > 0 || busy_ || stopping_ || waiting_.empty()) return;
    const auto n = std::min<std::size_t>(waiting_.size(), AOH_MAX_EVENTS);
    std::vector<aoh_event> events;
    Json decisions = Json::array();
    const std::string type = "cron.tick";
    for (std::size_t i = 0; i < n; ++i) {
      const auto& w = waiting_[i];
      if (!w.key.empty())
        events.push_back(
            {sizeof(aoh_event), 0, w.scheduled_ns, str(type), str(config_->id), str(w.key), str(w.payload)});
      if (!w.decision.is_null()) decisions.push(w.decision);
    }
    const std::string decided = decisions.dump();
    auto self = std::make_unique<std::shared_ptr<Run>>(shared_from_this());
    outstanding_ = n;
    const auto status = trigger_->emit(
        trigger_, events.data(), events.size(), str(decided), str(waiting_[n - 1].cursor),
        [](void* arg, aoh_status result) {
          const std::unique_ptr<std::shared_ptr<Run>> me(static_cast<std::shared_ptr<Run>*>(arg));
          (*me)->stored(result);
        },
        self.get());
    if (status == AOH_OK) {
      self.release();  // NOLINT(bugprone-unused-return-value): done() has it
      return;
    }
    outstanding_ = 0;
    busy_ = status == AOH_E_BUSY;  // anything else: the next look offers it again
    if (busy_)
      trigger_->on_ready(
          trigger_, [](void* arg) { static_cast<Run*>(arg)->room(); }, this);
  }

  void tell(std::optional<std::int64_t> next) {
    if (stopping_) return;
    Json state{{"state", next || !waiting_.empty() ? "idle" : "done"}};
    state.set_if(next.has_value(), "next", next ? local_text(config_->schedule.zone(), *next) : "");
    if (state == told_) return;
    const std::string text = state.dump();
    told_ = std::move(state);
    trigger_->health(trigger_, str(text));
  }

  void end_if_asked() {
    if (!stopping_ || outstanding_ > 0 || ended_ || trigger_ == nullptr) return;
    ended_ = true;
    trigger_->stopped(trigger_, AOH_OK, {});
  }

  // What others call.

  void timer_came(std::uint64_t timer) {
    const std::lock_guard lock(mutex_);
    if (timer == timer_ && !stopping_) look();
  }
  void stored(aoh_status status) {
    const std::lock_guard lock(mutex_);
    if (status == AOH_OK)
      waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(outstanding_));
    outstanding_ = 0;
    if (status == AOH_OK) {  // after a failure the next look offers it again
      offer();
      tell(config_->schedule.next(cursor_.settled_ns, cursor_.since_ns));
    }
    end_if_asked();
  }
  void room() {
    const std::lock_guard lock(mutex_);
    busy_ = false;
    offer();
  }

  Clock& clock_;
  std::mutex mutex_;
  aoh_trigger* trigger_ = nullptr;
  std::optional<Config> config_;
  CronCursor cursor_;            // with what waits
  std::deque<Waiting> waiting_;  // noticed, not durable yet
  std::size_t outstanding_ = 0;  // of them, on their way to the store
  std::uint64_t timer_ = 0;      // the one that counts
  bool busy_ = false, stopping_ = false, ended_ = false;
  Json told_;
};

}  // namespace

Json tick_payload(const Zone& zone, std::int64_t scheduled_ns, std::int64_t fired_ns, std::int64_t missed) {
  return Json{{"cron", Json{{"scheduled", local_text({}, scheduled_ns)},
                            {"local", local_text(zone, scheduled_ns)},
                            {"timezone", zone.name()},
                            {"fired", local_text({}, fired_ns)},
                            {"missed", missed}}}};
}

SourceModule cron_source(Clock& clock) {
  auto run = std::make_shared<Run>(clock);
  SourceModule out;
  out.module = "host";
  out.pin = run;
  out.start = [me = run.get()](std::string_view json, std::string_view cursor, aoh_trigger* t) {
    return me->start(json, cursor, t);
  };
  out.reconfigure = [me = run.get()](aoh_trigger*, std::string_view json) { return me->reconfigure(json); };
  out.stop = [me = run.get()](aoh_trigger*) { me->stop(); };
  return out;
}

}  // namespace aoh::host
