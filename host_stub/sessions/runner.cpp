#include "sessions/runner.hpp"

#include <algorithm>
#include <array>
#include <chrono>

#include "aoh/services/log.h"
#include "sessions/turn.hpp"

namespace aoh::host {

std::int64_t retry_delay_ns(std::int64_t attempts) {
  constexpr std::array<std::int64_t, 5> kSeconds = {30, 60, 300, 900, 3600};
  if (attempts < 0 || attempts >= static_cast<std::int64_t>(kSeconds.size())) return -1;
  return kSeconds[static_cast<std::size_t>(attempts)] * 1'000'000'000;
}

void Runner::start(unsigned workers) {
  sql_.write("sessions.requeue", [&] { requeue_running(sql_, ports_.now_ns()); });
  stopping_ = false;
  halt_ = std::stop_source();
  for (unsigned i = 0; i < workers; ++i) {
    threads_.emplace_back([this](const std::stop_token& token) { work(token); });
  }
}

void Runner::begin_stop() {
  stopping_ = true;
  halt_.request_stop();
  poke();
}

void Runner::stop() {
  stopping_ = true;
  halt_.request_stop();
  for (auto& thread : threads_) thread.request_stop();
  poke();
  threads_.clear();
}

void Runner::poke() {
  {
    const std::lock_guard lock(mutex_);
    ++pokes_;
  }
  wake_.notify_all();
}

void Runner::work(const std::stop_token& token) {
  while (!token.stop_requested()) {
    std::uint64_t seen = 0;
    {
      const std::lock_guard lock(mutex_);
      seen = pokes_;
    }
    bool worked = false;
    try {
      worked = run_one();
    } catch (const std::exception& e) {
      if (ports_.log) ports_.log(AOH_LOG_ERROR, std::string("sessions: ") + e.what());
    }
    if (worked) continue;
    // A second at most, whatever the clock says: due times are on the wall clock, which may jump, and other
    // processes write here too.
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, token, std::chrono::seconds(1), [&] { return pokes_ != seen; });
  }
}

bool Runner::run_one() {
  if (stopping_) return false;
  // Looking first costs no transaction, which would be a write to the disk a second.
  if (next_session_due(sql_) > ports_.now_ns()) return false;
  const auto session = sql_.write("session.claim", [&] { return claim_session(sql_, ports_.now_ns()); });
  if (!session) return false;
  ++running_;
  try {
    run_session(*session);
  } catch (const std::exception& e) {
    // The store failed in the middle: nothing is marked done that is not, so the session may simply go on
    // later.
    --running_;
    if (ports_.log) ports_.log(AOH_LOG_ERROR, "session " + session->id + ": " + e.what());
    try {
      sql_.write("session.release", [&] {
        const auto now = ports_.now_ns();
        const auto delay = std::max<std::int64_t>(retry_delay_ns(session->attempts), 30'000'000'000);
        set_session(sql_, session->id, "waiting", now + delay, session->attempts + 1, e.what(), now);
      });
    } catch (const std::exception& again) {
      if (ports_.log)
        ports_.log(AOH_LOG_ERROR,
                   "session " + session->id + " goes on after the next start: " + again.what());
    }
    return true;
  }
  --running_;
  return true;
}

void Runner::run_session(const Claimed& session) {
  std::int64_t attempts = session.attempts;
  while (true) {
    // Asking and closing in one transaction: an input that is added now is either seen here or opens the
    // session again.
    const auto input = sql_.write("session.next", [&]() -> std::optional<Input> {
      auto next = next_input(sql_, session.id);
      if (!next) close_session(sql_, session.id, ports_.now_ns());
      return next;
    });
    if (!input) return;
    TurnResult turn;
    try {
      const Agent agent = agents_.load(session.agent_id);
      turn = run_turn(sql_, ports_, agent, session.id, *input, halt_.get_token());
    } catch (const DocumentError& e) {
      turn = {TurnEnd::failed, e.what(), 0};
    }
    const auto now = ports_.now_ns();
    if (turn.end == TurnEnd::stopped && !stopping_) turn = {TurnEnd::later, "the call was cancelled", 0};
    if (turn.end == TurnEnd::stopped) {
      sql_.write("session.stopped", [&] { set_session(sql_, session.id, "queued", now, attempts, "", now); });
      return;
    }
    if (turn.end == TurnEnd::later) {
      const auto delay = retry_delay_ns(attempts);
      if (delay >= 0) {
        sql_.write("session.wait", [&] {
          set_session(sql_, session.id, "waiting", now + std::max(delay, turn.delay_ns), attempts + 1,
                      turn.error, now);
        });
        return;
      }
      turn.end = TurnEnd::failed;
      turn.error = "given up after " + std::to_string(attempts + 1) + " attempts: " + turn.error;
    }
    const char* state = turn.end == TurnEnd::done        ? "done"
                        : turn.end == TurnEnd::uncertain ? "uncertain"
                                                         : "failed";
    if (turn.end != TurnEnd::done && ports_.log) {
      ports_.log(AOH_LOG_WARN, "session " + session.id + ", input " + std::to_string(input->seq) + " " +
                                   state + ": " + turn.error);
    }
    sql_.write("session.turn", [&] { finish_input(sql_, session.id, input->seq, state, turn.error); });
    attempts = 0;
  }
}

}  // namespace aoh::host
