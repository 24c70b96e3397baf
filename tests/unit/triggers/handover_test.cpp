// Events to sessions: once each, whatever fails or dies; and what debounce, conflict and limits make of it.
#include "triggers/handover.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <sstream>

#include "fixture.hpp"
#include "triggers/admin.hpp"
#include "triggers/set_back.hpp"

namespace aoh::host {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class HandoverTest : public TriggerTest {
 protected:
  HandoverTest() { b_ = blueprint("b"); }
  void event(const std::string& key, const std::string& from = "a@x.example",
             const std::string& subject = "s") {
    const Json payload{{"email", Json{{"subject", subject},
                                      {"from", Json::array({Json{{"address", from}}})},
                                      {"uid", 7},
                                      {"mailbox", "INBOX"}}}};
    const bool waits = b_->session_template != SessionTemplate::per_message;
    sql_.run(
        "INSERT INTO events(source_key, blueprint, dedupe_key, type, occurred_ns, received_ns, payload, "
        "session_key, state, due_ns) "
        "VALUES('k','b',?,'t',0,?,?,?,'pending',?)",
        key, now_.load(), payload.dump(), session_key(*b_, payload, key),
        now_ + (waits ? b_->debounce_ns : 0));
  }
  Handover handover() {
    FinishAction reply;
    reply.name = "reply_email";
    reply.tool = "email_reply";
    reply.arguments = {{"html", "body_html"}};
    reply.trigger_arguments = {
        {"uid", "email.uid"}, {"mailbox", "email.mailbox"}, {"nothing", "email.nothing"}};
    Catalog catalog;
    catalog.finish_actions.push_back(reply);
    return {sql_, ports_, catalog, [this](std::string_view) { return b_; },
            [this](std::string_view id) { return id == "a"; }};
  }
  void damage(const std::string& key) { sql_.run("UPDATE events SET payload='{' WHERE dedupe_key=?", key); }
  void all(Handover& h) {
    while (h.hand_over_one()) {
    }
  }
  std::string event_state(const std::string& key) {
    Rows rows = sql_.query("SELECT state FROM events WHERE dedupe_key=?", key);
    return rows.next() ? rows.text(0) : "none";
  }
  std::string event_error(const std::string& key) {
    Rows rows = sql_.query("SELECT error FROM events WHERE dedupe_key=?", key);
    return rows.next() ? rows.text(0) : "none";
  }
  std::shared_ptr<Blueprint> b_;
};

TEST_F(HandoverTest, WhatAModuleParkedIsListedWithItsReason) {
  for (const char* decision : {"parked", "ignored"})
    sql_.run(
        "INSERT INTO decisions(source_key, key, blueprint, decision, why, at_ns) "
        "VALUES('k',?,'b',?,'poison',1)",
        std::string(decision) + "-one", decision);
  std::ostringstream text, json;
  parked_list(sql_, {text, false});
  parked_list(sql_, {json, true});
  EXPECT_THAT(text.str(), AllOf(HasSubstr("parked-one"), HasSubstr("poison"), Not(HasSubstr("ignored-one"))));
  EXPECT_EQ(Json::parse(json.str())["parked"].size(), 1u);
}

TEST_F(HandoverTest, AClockThatWasSetBackHoldsNothingBack) {
  constexpr std::int64_t kDay = 86'400'000'000'000;
  const std::int64_t right = now_;
  SetBack set_back(sql_, ports_);
  EXPECT_FALSE(set_back.look());
  b_->max_sessions_per_hour = 1;
  now_ = right + kDay;
  EXPECT_FALSE(set_back.look());
  auto h = handover();
  event("m1");
  all(h);
  event("m2");
  all(h);  // waits for the hour
  EXPECT_EQ(event_state("m2"), "pending");
  now_ = right;
  event("m3");
  EXPECT_TRUE(set_back.look());
  EXPECT_FALSE(set_back.look());
  all(h);
  EXPECT_EQ(event_state("m2"), "handed");
  EXPECT_EQ(event_state("m3"), "pending");  // the hour's one was m2
  EXPECT_TRUE(claim_session(sql_, now_).has_value());
  // Over a restart as well.
  now_ = right - kDay;
  EXPECT_TRUE(SetBack(sql_, ports_).look());
  EXPECT_LE(h.next_due(), now_);
}

TEST_F(HandoverTest, AnEventThatCannotBeReadIsParkedAndTheOthersPass) {
  event("m1");
  event("m2");
  damage("m1");
  auto h = handover();
  all(h);
  EXPECT_EQ(event_state("m1"), "parked");
  EXPECT_EQ(event_state("m2"), "handed");
}

TEST_F(HandoverTest, RendersInputsAndMapsOnFinish) {
  b_->inputs = Json::parse(
      R"({"s": "{{ email.subject }}", "from": "{{ trigger.email.from }}", "none": "{{ email.nothing }}"})");
  b_->on_finish.push_back({"reply_email", Json{{"body_html", "{{ agent.output_html }}"}}});
  event("1");
  auto h = handover();
  all(h);
  Rows rows = sql_.query("SELECT inputs, on_finish, credential_id, state FROM inputs");
  ASSERT_TRUE(rows.next());
  EXPECT_EQ(Json::parse(rows.text(0)),
            Json::parse(R"({"s": "s", "from": [{"address": "a@x.example"}], "none": null})"));
  EXPECT_EQ(
      Json::parse(rows.text(1)),
      Json::parse(
          R"([{"action": "reply_email", "tool": "email_reply", "fields": {"body_html": "{{ agent.output_html }}"},
    "arguments": {"html": "body_html"}, "trigger": {"uid": 7, "mailbox": "INBOX", "nothing": null}}])"));
  EXPECT_EQ(rows.text(2), "inbox");
  EXPECT_EQ(event_state("1"), "handed");
}

TEST_F(HandoverTest, SessionTemplates) {
  for (const auto& [how, sessions] : {std::pair{SessionTemplate::per_message, 3},
                                      {SessionTemplate::per_sender, 2},
                                      {SessionTemplate::shared, 1}}) {
    sql_.run("DELETE FROM events");
    sql_.run("DELETE FROM sessions");
    sql_.run("DELETE FROM inputs");
    b_->session_template = how;
    event("1", "a@x"), event("2", "b@x"), event("3", "A@X");
    auto h = handover();
    all(h);
    EXPECT_EQ(count("sessions"), sessions);
    EXPECT_EQ(count("inputs"), 3);
  }
}

TEST_F(HandoverTest, DebounceMergesWhatArrivesForOneSession) {
  b_->session_template = SessionTemplate::per_sender;
  b_->debounce_ns = 30 * kSecond;
  event("1", "a@x", "first");
  now_ += 10 * kSecond;
  event("2", "a@x", "second");
  event("3", "b@x", "other");
  auto h = handover();
  all(h);
  EXPECT_EQ(count("sessions"), 0);
  now_ += 20 * kSecond;
  all(h);
  EXPECT_EQ(count("sessions"), 1);
  EXPECT_EQ(event_state("1"), "merged");
  EXPECT_EQ(event_state("2"), "handed");
  EXPECT_EQ(event_state("3"), "pending");
  Rows rows = sql_.query("SELECT payload FROM inputs");
  ASSERT_TRUE(rows.next());
  const auto payload = Json::parse(rows.text(0));
  EXPECT_EQ(payload["email"]["subject"].str(), "second");
  EXPECT_EQ(payload["merged"].at(0)["email"]["subject"].str(), "first");
  now_ += 10 * kSecond;
  all(h);
  EXPECT_EQ(count("sessions"), 2);
}

TEST_F(HandoverTest, Conflict) {
  b_->session_template = SessionTemplate::shared;
  b_->conflict = Conflict::skip;
  event("1");
  auto h = handover();
  all(h);
  event("2");
  all(h);
  EXPECT_EQ(event_state("2"), "skipped");
  EXPECT_THAT(event_error("2"), HasSubstr("busy"));
  b_->conflict = Conflict::parallel;
  event("3");
  all(h);
  EXPECT_EQ(count("sessions"), 2);
  b_->conflict = Conflict::queue;
  event("4");
  all(h);
  EXPECT_EQ(count("sessions"), 2);
  EXPECT_EQ(count("inputs"), 3);
}

TEST_F(HandoverTest, MaxSessionsPerHourWaitsAndSaysSo) {
  b_->max_sessions_per_hour = 2;
  for (int i = 0; i < 5; ++i) {
    event(std::to_string(i));
    now_ += 60 * kSecond;
  }
  auto h = handover();
  all(h);
  EXPECT_EQ(count("sessions"), 2);
  EXPECT_THAT(event_error("4"), HasSubstr("waits: 2 sessions were opened within the hour"));
  now_ += 3600 * kSecond;
  all(h);
  EXPECT_EQ(count("sessions"), 4);
  now_ += 3600 * kSecond;
  all(h);
  EXPECT_EQ(count("sessions"), 5);
}

TEST_F(HandoverTest, TemporaryFailuresFollowTheScheduleThenPark) {
  event("1");
  auto h = handover();
  faults::configure("session.spawn/1=fail");
  all(h);
  for (const std::int64_t seconds : {30, 60, 300, 900, 3600}) {
    EXPECT_EQ(event_state("1"), "pending");
    now_ += seconds * kSecond - 1;
    EXPECT_FALSE(h.hand_over_one()) << seconds;
    now_ += 1;
    EXPECT_TRUE(h.hand_over_one()) << seconds;
  }
  EXPECT_EQ(event_state("1"), "parked");
  EXPECT_EQ(count("sessions"), 0);
  faults::configure("");
  std::ostringstream out;
  parked_list(sql_, {out, true});
  EXPECT_THAT(out.str(), HasSubstr("given up after 6 attempts: injected fault at session.spawn"));
  EXPECT_EQ(parked_retry(sql_, "all", now_, {out}), 0);
  all(h);
  EXPECT_EQ(event_state("1"), "handed");
  EXPECT_THROW(parked_drop(sql_, "99", {out}), std::runtime_error);
  EXPECT_THROW(parked_drop(sql_, "x", {out}), std::runtime_error);
}

TEST_F(HandoverTest, WhatAPersonMustMendIsParkedAtOnce) {
  auto h = handover();
  event("1");
  b_->agent_id = "nobody";
  all(h);
  EXPECT_EQ(event_state("1"), "parked");
  EXPECT_THAT(event_error("1"), HasSubstr("there is no agent \"nobody\""));
  b_ = nullptr;
  sql_.run("UPDATE events SET state='pending'");
  all(h);
  EXPECT_THAT(event_error("1"), HasSubstr("the blueprint \"b\" is not there"));
  std::ostringstream out;
  EXPECT_EQ(parked_drop(sql_, "all", {out}), 0);
  EXPECT_EQ(event_state("1"), "dropped");
}

TEST_F(HandoverTest, KilledOrFailedAtEveryPointEachEventGoesToExactlyOneSession) {
  int kills = 0, fails = 0;
  for (const std::string point :
       {"store.begin", "store.commit", "store.committed", "session.spawn", "handover"}) {
    for (const std::string action : {"kill", "fail"}) {
      for (int n = 1; n <= 4; ++n) {
        const auto prefix = point + action + std::to_string(n) + "/";
        for (int i = 0; i < 3; ++i) event(prefix + std::to_string(i));
        const pid_t pid = ::fork();
        if (pid == 0) {
          try {
            Db db(dir_ / "host.db");
            Handover h(Sql(db), ports_, Catalog{}, [this](std::string_view) { return b_; }, {});
            faults::configure(point + "@" + std::to_string(n) + "=" + action);
            while (h.hand_over_one()) {
            }
          } catch (const faults::Injected&) {
            ::_exit(1);
          } catch (...) {
            ::_exit(3);
          }
          ::_exit(0);
        }
        int status = 0;
        ::waitpid(pid, &status, 0);
        kills += WIFSIGNALED(status) ? 1 : 0;
        fails += action == "fail" ? 1 : 0;
        EXPECT_TRUE(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) <= 1)
            << point << action << n << " " << status;
        now_ += 30 * kSecond;
        auto h = handover();
        all(h);
        EXPECT_EQ(count("events WHERE state<>'handed'"), 0) << point << action << n;
        EXPECT_EQ(count("inputs"), count("events")) << point << action << n;
        EXPECT_EQ(count("sessions"), count("events")) << point << action << n;
      }
    }
  }
  EXPECT_GE(kills, 14);
  EXPECT_EQ(fails, 20);
}

TEST_F(HandoverTest, AdminShowsAndRetries) {
  event("1");
  auto h = handover();
  all(h);
  Rows rows = sql_.query("SELECT id FROM sessions");
  ASSERT_TRUE(rows.next());
  const auto id = rows.text(0);
  std::ostringstream out;
  sessions_list(sql_, "", 10, {out});
  sessions_show(sql_, id, {out});
  sessions_replay(sql_, id, {out});
  EXPECT_THAT(out.str(), HasSubstr(id + "  queued"));
  EXPECT_THROW(sessions_retry(sql_, id, now_, {out}), std::runtime_error);
  sql_.write("t", [&] {
    finish_input(sql_, id, 1, "failed", "why");
    close_session(sql_, id, now_);
  });
  out.str("");
  sessions_list(sql_, "failed", 10, {out, true});
  EXPECT_EQ(Json::parse(out.str())["sessions"].at(0)["error"].str(), "why");
  EXPECT_EQ(sessions_retry(sql_, id, now_, {out}), 0);
  EXPECT_EQ(session_json(sql_, id)["state"].str(), "queued");
  EXPECT_THROW(sessions_show(sql_, "s0", {out}), std::runtime_error);
}

}  // namespace
}  // namespace aoh::host
