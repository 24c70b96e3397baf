// What a module may call on its trigger. Nothing here blocks on the disk, and nothing thrown leaves it.
#include "triggers/supervisor_trigger.hpp"

#include "aoh/services/log.h"
#include "services/faults.hpp"

namespace aoh::host {
namespace {

constexpr std::size_t kMaxDedupeKey = 512;

struct Refused {
  aoh_status status;
  std::string why;
};

Json json_of(aoh_str text, const char* what, bool object) {
  if (text.len == 0) return object ? Json::object() : Json::array();
  if (text.len > AOH_MAX_JSON)
    throw Refused{AOH_E_INVALID, std::string(what) + " is larger than AOH_MAX_JSON"};
  try {
    Json value = Json::parse(view(text));
    if (object ? !value.is_object() : !value.is_array())
      throw JsonError(object ? "not an object" : "not an array");
    return value;
  } catch (const JsonError& e) {
    throw Refused{AOH_E_INVALID, std::string(what) + ": " + e.what()};
  }
}

std::vector<StoredEvent> copy_events(const aoh_event* events, std::size_t n) {
  if (n > AOH_MAX_EVENTS)
    throw Refused{AOH_E_INVALID, "a batch of " + std::to_string(n) + " events; AOH_MAX_EVENTS is " +
                                     std::to_string(AOH_MAX_EVENTS)};
  if (n > 0 && events == nullptr) throw Refused{AOH_E_INVALID, "events is NULL"};
  std::vector<StoredEvent> out;
  const char* at = reinterpret_cast<const char*>(events);
  // A newer module's events are longer: its own struct_size is the stride.
  const std::size_t stride = n > 0 ? events->struct_size : 0;
  if (n > 0 && (stride < sizeof(aoh_event) || stride > 4096 || stride % alignof(aoh_event) != 0)) {
    throw Refused{AOH_E_INVALID, "aoh_event.struct_size is " + std::to_string(stride)};
  }
  for (std::size_t i = 0; i < n; ++i, at += stride) {
    const auto& event = *reinterpret_cast<const aoh_event*>(at);
    StoredEvent copy;
    copy.occurred_ns = event.occurred_unix_ns;
    copy.type = view(event.type);
    copy.blueprint = view(event.blueprint);
    copy.dedupe_key = view(event.dedupe_key);
    if (copy.dedupe_key.empty() || copy.dedupe_key.size() > kMaxDedupeKey)
      throw Refused{AOH_E_INVALID, "dedupe_key must have 1 to 512 bytes"};
    copy.value = json_of(event.payload_json, "payload_json", true);
    copy.payload = copy.value.dump();
    out.push_back(std::move(copy));
  }
  return out;
}

}  // namespace

void Supervisor::Trigger::misuse(const std::string& what) const {
  if (breach) breach("trigger " + key + ": " + what);
}

namespace {

using Trigger = Supervisor::Trigger;

Trigger& mine(const aoh_trigger* t) { return *reinterpret_cast<const Trigger::Table*>(t)->self; }

/// Runs f for a function of the table; a rule that was broken is counted against the module.
template <class F>
aoh_status guarded(Trigger& me, const char* function, F&& f) noexcept {
  try {
    f();
    return AOH_OK;
  } catch (const Refused& refused) {
    if (refused.status != AOH_E_BUSY) me.misuse(std::string(function) + ": " + refused.why);
    return refused.status;
  } catch (...) {
    return AOH_E_INTERNAL;
  }
}

void take(Trigger& me, const aoh_event* events, std::size_t n, aoh_str decisions, aoh_str cursor,
          void (*done)(void*, aoh_status), void* arg) {
  const auto shared = me.home.lock();
  if (!shared) throw Refused{AOH_E_STATE, "after the host's end"};
  if (done == nullptr) throw Refused{AOH_E_INVALID, "done is NULL"};
  if (cursor.len > shared->limits.cursor_bytes) {
    throw Refused{AOH_E_INVALID, "a cursor of " + std::to_string(cursor.len) + " bytes; at most " +
                                     std::to_string(shared->limits.cursor_bytes)};
  }
  Batch batch;
  batch.events = copy_events(events, n);
  batch.decisions = json_of(decisions, "decisions_json", false);
  if (batch.decisions.size() > AOH_MAX_DECISIONS)
    throw Refused{AOH_E_INVALID, "a batch of " + std::to_string(batch.decisions.size()) +
                                     " decisions; AOH_MAX_DECISIONS is " + std::to_string(AOH_MAX_DECISIONS)};
  batch.trigger = me.shared_from_this();
  batch.cursor = view(cursor);
  batch.done = done;
  batch.arg = arg;
  {
    const std::lock_guard lock(me.mutex);
    if (me.stopped) throw Refused{AOH_E_STATE, "after stopped()"};
    if (me.outstanding) throw Refused{AOH_E_STATE, "while another one is outstanding"};
    // A checkpoint adds no work, so it is taken at any time.
    if (n > 0 && shared->backlog >= shared->limits.backlog) {
      me.busy = true;
      throw Refused{AOH_E_BUSY, ""};
    }
    me.outstanding = true;
  }
  {
    const std::lock_guard lock(shared->mutex);
    shared->batches.push_back(std::move(batch));
  }
  shared->wake_writer.notify_all();
}

void keep_health(Trigger& me, aoh_str state_json) {
  if (state_json.len > (64u << 10)) throw Refused{AOH_E_INVALID, "a state of more than 64 KiB"};
  const Json state = json_of(state_json, "state_json", true);
  faults::point("trigger.health", state["state"].str());
  const auto shared = me.home.lock();
  {
    const std::lock_guard lock(me.mutex);
    if (me.stopped) throw Refused{AOH_E_STATE, "after stopped()"};
    me.health = state.dump();
    if (me.health_dirty || !shared) return;
    me.health_dirty = true;
  }
  {
    const std::lock_guard lock(shared->mutex);
    shared->dirty.push_back(me.shared_from_this());
  }
  shared->wake_writer.notify_all();
}

void end(Trigger& me, aoh_status status, aoh_str why) {
  bool early = false;
  {
    const std::lock_guard lock(me.mutex);
    if (me.stopped) throw Refused{AOH_E_STATE, "called twice"};
    early = me.outstanding;
    me.stopped = true;
    me.end_status = status;
    me.end_why = utf8_prefix(valid_utf8(view(why)), 1000);
    me.ready = nullptr;
  }
  if (early) me.misuse("stopped: an emit is outstanding");
  if (const auto shared = me.home.lock()) shared->poke();
}

void when_ready(Trigger& me, void (*fn)(void*), void* arg) {
  {
    const std::lock_guard lock(me.mutex);
    if (me.stopped) throw Refused{AOH_E_STATE, "after stopped()"};
    me.ready = fn;
    me.ready_arg = arg;
  }
  if (const auto shared = me.home.lock()) shared->poke();  // there may be room already
}

}  // namespace

void Supervisor::Trigger::fill_table() {
  aoh_trigger& abi = table.abi;
  table.self = this;
  abi.struct_size = sizeof(aoh_trigger);
  abi.emit = [](aoh_trigger* t, const aoh_event* events, std::size_t n, aoh_str decisions, aoh_str cursor,
                void (*done)(void*, aoh_status), void* arg) {
    return guarded(mine(t), "emit", [&] { take(mine(t), events, n, decisions, cursor, done, arg); });
  };
  abi.on_ready = [](aoh_trigger* t, void (*fn)(void*), void* arg) {
    guarded(mine(t), "on_ready", [&] { when_ready(mine(t), fn, arg); });
  };
  abi.health = [](aoh_trigger* t, aoh_str state) {
    guarded(mine(t), "health", [&] { keep_health(mine(t), state); });
  };
  abi.stopping = [](const aoh_trigger* t) -> int { return mine(t).stopping ? 1 : 0; };
  abi.stopped = [](aoh_trigger* t, aoh_status status, aoh_str why) {
    guarded(mine(t), "stopped", [&] { end(mine(t), status, why); });
  };
}

void Supervisor::Shared::poke() {
  {
    const std::lock_guard lock(mutex);
    ++pokes;
  }
  wake_manager.notify_all();
  wake_writer.notify_all();
}

}  // namespace aoh::host
