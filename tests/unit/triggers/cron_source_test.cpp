// Source cron: what a blueprint may say, what is owed after a time away, and its ticks through the supervisor
// on a virtual clock.
#include "triggers/cron_source.hpp"

#include "fixture.hpp"
#include "triggers/blueprint_store.hpp"
#include "triggers/cron_blueprint.hpp"
#include "triggers/ticks.hpp"

namespace aoh::host {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::int64_t utc(std::string_view text) { return *Schedule::at(text, {}).next(-1, 0); }

Catalog catalog() {
  Catalog c;
  FinishAction reply;
  reply.name = "reply_email";
  reply.trigger_arguments = {{"uid", "email.uid"}};
  c.finish_actions = {reply};
  return c;
}

Blueprint parsed(const std::string& when, const std::string& rest = "") {
  return parse_blueprint("trigger:\n  source: cron\n  " + when + "\n  action: {agent_id: a}\n" + rest, "b",
                         "b.yaml", catalog());
}
std::string error_of(const std::string& when, const std::string& rest = "") {
  try {
    parsed(when, rest);
  } catch (const DocumentError& e) {
    return e.what();
  }
  return "no error";
}

TEST(CronBlueprint, Fields) {
  const auto b = parsed(
      "cron: \"30 9 * * mon-fri\"\n  timezone: Europe/Berlin\n  missed: skip\n  conflict: skip\n  "
      "max_parallel: 2");
  EXPECT_EQ(b.schedule, (Json{{"timezone", "Europe/Berlin"}, {"cron", "30 9 * * mon-fri"}}));
  EXPECT_EQ(b.missed, Missed::skip);
  EXPECT_EQ(b.source_key, (Json{{"blueprint", "b"}}));
  EXPECT_EQ(b.conflict, Conflict::skip);
  EXPECT_EQ(parsed("every: 15m").missed, Missed::run_once);
  EXPECT_EQ(b.for_module()["missed"].str(), "skip");
  EXPECT_THAT(
      next_times(b, "b.yaml", utc("2027-03-26T12:00Z")),
      ElementsAre("2027-03-29T09:30:00+02:00", "2027-03-30T09:30:00+02:00", "2027-03-31T09:30:00+02:00"));
  EXPECT_THAT(next_times(parsed("every: 36h"), "b.yaml", utc("2027-03-26T12:00Z")),
              ElementsAre("2027-03-28T00:00:00Z", "2027-03-29T12:00:00Z", "2027-03-31T00:00:00Z"));
  EXPECT_THROW(next_times(parsed("at: 2027-01-31T09:00:00Z"), "b.yaml", utc("2027-01-31T09:00Z")),
               DocumentError);
}

TEST(CronBlueprint, MistakesHaveTheirPlaceAndACure) {
  struct Case {
    const char *when, *error;
  };
  for (const auto& c : {
           Case{"corn: 0 9 * * *", "b.yaml:3:3: unknown field \"corn\" in trigger; did you mean \"cron\"?"},
           {"conflict: skip", "b.yaml:2:3: trigger of source cron needs one of at, cron and every"},
           {"cron: 0 9 * * *\n  every: 1h", "b.yaml:4:3: trigger has more than one of at, cron and every"},
           {"cron: 0 25 * * *", "b.yaml:3:9: trigger.cron: hour \"25\": 25 is not within 0 to 23"},
           {"cron: 0 9 * * thr", "did you mean \"thu\"?"},
           {"cron: 9", "b.yaml:3:9: trigger.cron must be text"},
           {"every: 15", "b.yaml:3:10: trigger.every must be text"},
           {"every: 15x", "b.yaml:3:10: trigger.every: must be a duration of 1s or more"},
           {"every: 0s", "must be a duration of 1s or more"},
           {"every: 400d", "must be a duration of 1s or more"},
           {"at: tomorrow", "b.yaml:3:7: trigger.at: \"tomorrow\" is no time"},
           {"every: 1h\n  timezone: Europe/Berln",
            "b.yaml:4:13: trigger.timezone: there is no time zone \"Europe/Berln\"; did you mean "
            "\"Europe/Berlin\"?"},
           {"every: 1h\n  missed: run-once",
            "b.yaml:4:11: trigger.missed must be one of run_once, skip; here is \"run-once\", did you mean "
            "\"run_once\"?"},
           {"every: 1h\n  start_from: all", "unknown field \"start_from\" in trigger"},
           {"every: 1h\n  match: {}", "unknown field \"match\" in trigger"},
       }) {
    EXPECT_THAT(error_of(c.when), HasSubstr(c.error)) << c.when;
  }
  EXPECT_THAT(error_of("every: 1h", "on_finish:\n  reply_email: {}\n"),
              HasSubstr("b.yaml:6:3: on_finish.reply_email answers what has triggered"));
  const char* const per_sender =
      "trigger: {source: cron, every: 1h, action: {agent_id: a, session_template: per-sender}}";
  EXPECT_THROW(
      {
        try {
          parse_blueprint(per_sender, "b", "b.yaml", catalog());
        } catch (const DocumentError& e) {
          EXPECT_THAT(
              e.what(),
              HasSubstr(
                  "b.yaml:1:76: trigger.action.session_template: a tick has neither thread nor sender"));
          throw;
        }
      },
      DocumentError);
}

TEST(Ticks, OwedAfterATimeAway) {
  const Json fields{{"cron", "0 9 * * *"}};
  const auto schedule = schedule_of(fields);
  const CronCursor cursor{fields, utc("2027-01-01T00:00Z"), utc("2027-01-10T09:00Z")};
  const auto at = [&](Missed missed, std::string_view now) {
    return owed(schedule, missed, cursor, utc(now));
  };
  for (const auto missed : {Missed::run_once, Missed::skip}) {
    EXPECT_FALSE(at(missed, "2027-01-11T08:59:59Z").tick);
    EXPECT_FALSE(at(missed, "2027-01-05T09:00Z").tick);  // the clock went back
    const auto late = at(missed, "2027-01-11T09:01Z");
    EXPECT_EQ(late.tick->scheduled_ns, utc("2027-01-11T09:00Z"));
    EXPECT_EQ(late.left_out, 0);
    EXPECT_EQ(at(missed, "2027-01-13T09:00Z").tick->missed, 2);
  }
  const auto once = at(Missed::run_once, "2027-01-13T12:00Z"),
             skipped = at(Missed::skip, "2027-01-13T12:00Z");
  EXPECT_EQ(once.tick->scheduled_ns, utc("2027-01-13T09:00Z"));
  EXPECT_EQ(once.tick->missed, 2);
  EXPECT_FALSE(skipped.tick);
  EXPECT_EQ(skipped.left_out, 3);
  EXPECT_EQ(skipped.upto_ns, utc("2027-01-13T09:00Z"));
  EXPECT_EQ(at(Missed::run_once, "2037-01-13T12:00Z").tick->missed, kMaxCounted);
}

TEST(Ticks, AnotherScheduleOwesNothingOfThePast) {
  const Json daily{{"cron", "0 9 * * *"}}, hourly{{"cron", "0 * * * *"}};
  const CronCursor stored{daily, 5, 7};
  EXPECT_EQ(CronCursor::of(stored.text(), daily, 100), stored);
  EXPECT_EQ(CronCursor::of(stored.text(), hourly, 100), (CronCursor{hourly, 100, 100}));
  for (const char* broken : {"", "[]", "{", R"({"schedule": {"cron": "0 9 * * *"}, "since_ns": "5"})"})
    EXPECT_EQ(CronCursor::of(broken, daily, 100), (CronCursor{daily, 100, 100})) << broken;
}

class CronSource : public TriggerTest {
 protected:
  CronSource() {
    ports_.now_ns = [this] { return clock_.wall_ns(); };
  }
  ~CronSource() override { clock_.stop(); }

  std::unique_ptr<Supervisor> supervisor(SupervisorLimits limits = {}) {
    SupervisorPorts outside;
    outside.module = [this](std::string_view source) {
      return source == kCronSource ? cron_source(clock_) : SourceModule{};
    };
    return std::make_unique<Supervisor>(sql_, ports_, std::move(outside), limits);
  }
  static std::shared_ptr<const Blueprint> cron(const std::string& when) {
    return std::make_shared<const Blueprint>(parsed(when));
  }
  void add(const std::string& when) { add_blueprint(sql_, catalog(), parsed(when), "", clock_.wall_ns()); }
  std::vector<std::string> ticks() const {
    std::vector<std::string> out;
    Rows rows = sql_.query("SELECT dedupe_key FROM events ORDER BY id");
    while (rows.next()) out.push_back(rows.text(0).substr(5));
    return out;
  }
  std::string cursor() const {
    Rows rows = sql_.query("SELECT cursor FROM sources");
    return rows.next() ? rows.text(0) : "";
  }
  std::string health() const {
    Rows rows = sql_.query("SELECT health FROM sources");
    return rows.next() ? rows.text(0) : "";
  }
  static bool stop(Supervisor& s) {
    return s.stop(std::chrono::steady_clock::now() + std::chrono::seconds(10));
  }

  VirtualClock clock_{utc("2027-03-27T22:30Z")};
};

TEST_F(CronSource, EachTickIsStoredOnceWithItsCursorAndPayload) {
  auto s = supervisor();
  s->apply({cron("cron: \"0 */6 * * *\"\n  timezone: Europe/Berlin")});
  ASSERT_TRUE(eventually([&] { return !cursor().empty(); }));
  clock_.advance(26 * 3600 * kSecond);
  ASSERT_TRUE(eventually([&] { return ticks().size() == 5; }));
  EXPECT_THAT(ticks(), ElementsAre("2027-03-27T23:00:00Z", "2027-03-28T04:00:00Z", "2027-03-28T10:00:00Z",
                                   "2027-03-28T16:00:00Z", "2027-03-28T22:00:00Z"));
  {
    Rows rows = sql_.query("SELECT payload, occurred_ns FROM events ORDER BY id LIMIT 1 OFFSET 1");
    ASSERT_TRUE(rows.next());
    EXPECT_EQ(Json::parse(rows.text(0)), (Json{{"cron", Json{{"scheduled", "2027-03-28T04:00:00Z"},
                                                             {"local", "2027-03-28T06:00:00+02:00"},
                                                             {"timezone", "Europe/Berlin"},
                                                             {"fired", "2027-03-28T04:00:00Z"},
                                                             {"missed", 0}}}}));
    EXPECT_EQ(rows.integer(1), utc("2027-03-28T04:00Z"));
  }
  EXPECT_TRUE(eventually([&] { return health().find("2027-03-29T06:00:00+02:00") != std::string::npos; }))
      << health();
  EXPECT_TRUE(stop(*s));
  s = supervisor();  // nothing is owed again
  s->apply({cron("cron: \"0 */6 * * *\"\n  timezone: Europe/Berlin")});
  ASSERT_TRUE(eventually([&] { return s->status()[0].state == "running"; }));
  EXPECT_TRUE(stop(*s));
  EXPECT_EQ(ticks().size(), 5u);
  EXPECT_EQ(count("decisions"), 0);
}

TEST_F(CronSource, OneMomentHasOneTick) {
  auto s = supervisor();
  s->apply({cron("at: 2027-03-28T02:30\n  timezone: Europe/Berlin")});  // in the gap
  ASSERT_TRUE(eventually([&] { return !cursor().empty(); }));
  clock_.advance(100 * 3600 * kSecond);
  ASSERT_TRUE(eventually([&] { return health().find("done") != std::string::npos; }));
  EXPECT_THAT(ticks(), ElementsAre("2027-03-28T01:00:00Z"));
  EXPECT_TRUE(stop(*s));
}

TEST_F(CronSource, WhatCameWhileDownRunsOnceOrIsSkippedOnRecord) {
  struct Case {
    const char *missed, *decision;
    std::size_t ticks;
  };
  for (const auto& c : {Case{"run_once", "merged", 1}, Case{"skip", "skipped", 0}}) {
    sql_.run("DELETE FROM events");
    sql_.run("DELETE FROM decisions");
    remove_blueprint(sql_, "b");
    const std::string when = std::string("cron: 0 9 * * *\n  missed: ") + c.missed;
    add(when);  // no host runs: what comes from now on is owed
    clock_.advance(75 * 3600 * kSecond);
    auto s = supervisor();
    s->apply({cron(when)});
    ASSERT_TRUE(eventually([&] { return count("decisions") == 1; }));
    EXPECT_TRUE(stop(*s));
    EXPECT_EQ(ticks().size(), c.ticks) << c.missed;
    EXPECT_EQ(count("decisions WHERE decision='" + std::string(c.decision) + "'"), 1) << c.missed;
  }
}

TEST_F(CronSource, AddingItAgainKeepsTheCursorUnlessTheScheduleChanges) {
  add("cron: 0 9 * * *");
  const auto before = cursor();
  clock_.advance(50 * 3600 * kSecond);
  add("cron: 0 9 * * *\n  conflict: skip");
  EXPECT_EQ(cursor(), before);
  add("cron: 0 10 * * *");
  EXPECT_NE(cursor(), before);
  EXPECT_THAT(cursor(), HasSubstr("\"settled_ns\":" + std::to_string(clock_.wall_ns())));
}

TEST_F(CronSource, AnEditWhileItRunsCountsFromThen) {
  auto s = supervisor();
  s->apply({cron("cron: 0 23 * * *")});
  ASSERT_TRUE(eventually([&] { return !cursor().empty(); }));
  clock_.advance(3600 * kSecond);
  ASSERT_TRUE(eventually([&] { return ticks().size() == 1; }));
  s->apply({cron("cron: 15 23 * * *")});  // it is 23:30
  ASSERT_TRUE(eventually([&] { return cursor().find("15 23") != std::string::npos; }));
  clock_.advance(24 * 3600 * kSecond);
  ASSERT_TRUE(eventually([&] { return ticks().size() == 2; }));
  EXPECT_THAT(ticks(), ElementsAre("2027-03-27T23:00:00Z", "2027-03-28T23:15:00Z"));
  EXPECT_TRUE(stop(*s));
}

TEST_F(CronSource, TicksWaitWhileTheHostIsBusyAndWhenTheStoreFails) {
  SupervisorLimits limits;
  limits.backlog = 2;
  auto s = supervisor(limits);
  s->apply({cron("every: 1h")});
  ASSERT_TRUE(eventually([&] { return !cursor().empty(); }));
  clock_.advance(3600 * kSecond);
  ASSERT_TRUE(eventually([&] { return ticks().size() == 1; }));
  faults::configure("store.commit~emit@1=fail");
  clock_.advance(3600 * kSecond);
  ASSERT_TRUE(eventually([&] { return log().find("could not be stored") != std::string::npos; }));
  ASSERT_TRUE(eventually([&] {
    clock_.advance(kSecond);  // the next look, within a minute, offers it again
    return ticks().size() == 2;
  }));
  clock_.advance(5 * 3600 * kSecond);  // five or six more are due, and two are not done
  s->poke();
  EXPECT_EQ(ticks().size(), 2u);
  sql_.run("UPDATE events SET state='handed'");
  ASSERT_TRUE(eventually([&] {
    s->poke();
    sql_.run("UPDATE events SET state='handed'");
    return ticks().size() >= 7;
  }));
  const auto all = ticks();
  for (std::size_t i = 1; i < all.size(); ++i) EXPECT_EQ(utc(all[i]) - utc(all[i - 1]), 3600 * kSecond);
  EXPECT_EQ(count("decisions"), 0);  // none was missed
  EXPECT_TRUE(stop(*s));
}

}  // namespace
}  // namespace aoh::host
