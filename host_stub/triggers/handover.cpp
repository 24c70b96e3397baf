#include "triggers/handover.hpp"

#include <limits>

#include "aoh/services/log.h"
#include "services/faults.hpp"
#include "support/template.hpp"

namespace aoh::host {
namespace {

constexpr std::int64_t kHour = 3600'000'000'000;
constexpr std::int64_t kMaxMerged = 50;  // events in one hand-over; the rest makes the next

}  // namespace

std::int64_t Handover::next_due() {
  Rows rows = sql_.query("SELECT MIN(due_ns) FROM events WHERE state='pending' AND blueprint<>''");
  return rows.next() && !rows.null(0) ? rows.integer(0) : std::numeric_limits<std::int64_t>::max();
}

std::optional<Handover::Event> Handover::due_event() {
  Rows rows = sql_.query(
      "SELECT id, attempts, blueprint, dedupe_key, session_key, payload FROM events WHERE state='pending' "
      "AND blueprint<>'' AND due_ns<=? "
      "ORDER BY due_ns, id LIMIT 1",
      ports_.now_ns());
  if (!rows.next()) return std::nullopt;
  Event event{rows.integer(0), rows.integer(1), rows.text(2), rows.text(3), rows.text(4), {}, {}};
  try {
    event.payload = Json::parse(rows.text(5));
  } catch (const JsonError& e) {
    event.unreadable = e.what();
  }
  return event;
}

bool Handover::hand_over_one() {
  const auto event = due_event();
  if (!event) return false;
  try {
    const auto blueprint = find_(event->blueprint);
    if (!event->unreadable.empty()) {
      park(*event, "its payload cannot be read: " + event->unreadable);
    } else if (!blueprint) {
      park(*event,
           "the blueprint \"" + event->blueprint + "\" is not there; add it again, then: parked retry");
    } else if (agent_exists_ && !agent_exists_(blueprint->agent_id)) {
      park(*event, "there is no agent \"" + blueprint->agent_id + "\"; add its file, then: parked retry");
    } else {
      hand_over(*event, *blueprint);
      faults::point("handover", event->dedupe_key);
    }
  } catch (const tmpl::TemplateError& e) {
    park(*event, std::string("inputs: ") + e.what());
  } catch (const std::exception& e) {
    later(*event, e.what());
  }
  return true;
}

NewInput Handover::make_input(const Blueprint& blueprint, const Event& event, const Json& payload) const {
  NewInput input;
  input.blueprint = blueprint.id;
  input.agent_id = blueprint.agent_id;
  input.key = event.session_key;
  input.idle_ns = blueprint.session_idle_ns;
  input.max_parallel = blueprint.max_parallel;
  input.event_id = event.id;
  input.payload = payload;
  input.credential_id = blueprint.credential_id;
  Json scope = payload;
  scope.set("trigger", payload);
  tmpl::Options absent;
  absent.absent_is_null = true;  // a mail without a subject is handed over, too
  input.inputs = tmpl::render_all(blueprint.inputs, scope, absent);
  // The session keeps on_finish as it is now, mapped to tools, so that it needs neither blueprint nor
  // manifest later.
  input.on_finish = Json::array();
  for (const auto& entry : blueprint.on_finish) {
    const auto* action = catalog_.finish_action(entry.action);
    if (action == nullptr) continue;
    Json arguments = Json::object(), trigger = Json::object();
    for (const auto& [argument, field] : action->arguments) arguments.set(argument, field);
    for (const auto& [argument, path] : action->trigger_arguments) trigger.set(argument, payload.path(path));
    input.on_finish.push(Json{{"action", entry.action},
                              {"tool", action->tool},
                              {"fields", entry.fields},
                              {"arguments", arguments},
                              {"trigger", trigger}});
  }
  return input;
}

void Handover::hand_over(const Event& event, const Blueprint& blueprint) {
  sql_.write("handover", [&] {
    const auto now = ports_.now_ns();
    std::string existing =
        session_to_continue(sql_, now, blueprint.id, event.session_key, blueprint.session_idle_ns);
    bool fresh = false;
    if (!existing.empty() && blueprint.conflict != Conflict::queue && session_busy(sql_, existing)) {
      if (blueprint.conflict == Conflict::skip) {
        sql_.run(
            "UPDATE events SET state='skipped', session_id=?, error='its session was busy (conflict: skip)' "
            "WHERE id=?",
            existing, event.id);
        return;
      }
      fresh = true;
      existing.clear();
    }
    if (existing.empty() && blueprint.max_sessions_per_hour > 0) {
      // The N-th newest session of the last hour says when there is room again; those of a clock that was
      // set back since then do not count.
      Rows rows = sql_.query(
          "SELECT created_ns FROM sessions WHERE blueprint=? AND created_ns>? AND created_ns<=? ORDER BY "
          "created_ns DESC LIMIT 1 OFFSET ?",
          blueprint.id, now - kHour, now, blueprint.max_sessions_per_hour - 1);
      if (rows.next()) {
        const std::string why = "waits: " + std::to_string(blueprint.max_sessions_per_hour) +
                                " sessions were opened within the hour (max_sessions_per_hour)";
        sql_.run("UPDATE events SET due_ns=?, error=? WHERE id=?", rows.integer(0) + kHour, why, event.id);
        if (ports_.log) ports_.log(AOH_LOG_INFO, "blueprint " + blueprint.id + " " + why);
        return;
      }
    }
    Event newest = event;
    Json payload = event.payload;
    std::vector<std::int64_t> merged;
    if (blueprint.debounce_ns > 0) {
      Json others = Json::array();
      Rows rows = sql_.query(
          "SELECT id, dedupe_key, payload FROM events WHERE blueprint=? AND session_key=? AND "
          "state='pending' AND id<>? ORDER BY id LIMIT ?",
          event.blueprint, event.session_key, event.id, kMaxMerged);
      while (rows.next()) {
        merged.push_back(newest.id);
        others.push(std::move(payload));
        newest.id = rows.integer(0);
        newest.dedupe_key = rows.text(1);
        payload = Json::parse(rows.text(2));
      }
      if (!merged.empty()) payload.set("merged", std::move(others));
    }
    auto input = make_input(blueprint, newest, payload);
    input.fresh = fresh;
    const auto session = add_input(sql_, now, input);
    sql_.run("UPDATE events SET state='handed', session_id=?, error='' WHERE id=?", session, newest.id);
    for (const auto id : merged) {
      sql_.run(
          "UPDATE events SET state='merged', session_id=?, error='merged with a later one (debounce)' WHERE "
          "id=?",
          session, id);
    }
    faults::point("session.spawn", newest.dedupe_key);
  });
}

void Handover::park(const Event& event, std::string_view why) {
  sql_.write("park",
             [&] { sql_.run("UPDATE events SET state='parked', error=? WHERE id=?", why, event.id); });
  if (ports_.log)
    ports_.log(AOH_LOG_WARN, "an event of blueprint " + event.blueprint + " is parked: " + std::string(why));
}

void Handover::later(const Event& event, std::string_view why) {
  const auto delay = retry_delay_ns(event.attempts);
  if (delay < 0)
    return park(event,
                "given up after " + std::to_string(event.attempts + 1) + " attempts: " + std::string(why));
  if (ports_.log)
    ports_.log(AOH_LOG_WARN, "a hand-over for blueprint " + event.blueprint + " failed, again in " +
                                 std::to_string(delay / 1'000'000'000) + " s: " + std::string(why));
  sql_.write("handover.later", [&] {
    sql_.run("UPDATE events SET due_ns=?, attempts=attempts+1, error=? WHERE id=? AND state='pending'",
             ports_.now_ns() + delay, why, event.id);
  });
}

}  // namespace aoh::host
