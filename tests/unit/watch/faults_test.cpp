// Watchers against a server that goes wrong: no message lost, none handed over twice, none that blocks the
// others, and always back again. Time is the test's own.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "email_fakes/fake_host.hpp"
#include "services/host_services.hpp"
#include "services/metrics.hpp"
#include "watch/scripted_imap.hpp"
#include "watch/watcher.hpp"

namespace mailroom::watch {
namespace {

using mailroom::testing::FakeHost;
using mailroom::testing::FakeTrigger;
using mailroom::testing::ScriptedImap;
using Command = ScriptedImap::Command;
using Strings = std::vector<std::string>;

struct Faults : ::testing::Test {
  Faults() {
    fake.secrets["w/password"] = "pw";
    fake.credentials["w"] = aoh::Json{
        {"id", "w"},
        {"type", "mail"},
        {"email", "w@x.test"},
        {"require_tls", false},
        {"imap", {{"host", "127.0.0.1"}, {"port", static_cast<int>(imap.port())}, {"tls", "none"}}}};
  }
  ~Faults() override { stop(); }

  void start(const char* start_from = "all", const aoh::Json& match = aoh::Json::object(),
             const aoh::Json& rules = aoh::Json::array()) {
    stop();
    const std::string cursor = trigger ? trigger->cursor() : "";
    triggers.push_back(std::make_unique<FakeTrigger>());
    trigger = triggers.back().get();
    const aoh::Json source{
        {"trigger_id", "t1"},
        {"key", {{"credential_id", "w"}, {"mailbox", "INBOX"}}},
        {"rules", rules},
        {"blueprints",
         aoh::Json::array({aoh::Json{{"id", "bp"}, {"match", match}, {"start_from", start_from}}})}};
    watcher =
        Watcher::start(runtime, Source::from(source), cursor, std::make_shared<aoh::Trigger>(trigger->c()));
  }
  void stop() {
    if (!watcher) return;
    trigger->stopping = true;
    watcher->stop();
    EXPECT_TRUE(until([&] { return trigger->has_stopped(); }));
    for (const auto& e : trigger->events()) handed_before.push_back(e.payload.path("email.subject").str());
    watcher.reset();
  }

  /// Waits for `done`, ten seconds at most; where the watcher waits for better times, they come at once.
  bool until(const std::function<bool()>& done) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!done() && std::chrono::steady_clock::now() < limit) {
      const std::int64_t retry = trigger->last_health()["retry_at_unix_ns"].integer();
      if (retry > clock->wall_ns()) clock->advance(retry - clock->wall_ns());
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return done();
  }
  /// In IDLE, everything that is in the mailbox dealt with.
  bool settled() {
    return until([&] { return imap.idling() && trigger->last_health()["state"].str() == "idle"; });
  }
  bool handed_over(std::size_t n) {
    return until([&] { return trigger->events().size() >= n; }) && settled();
  }

  /// Subjects over all starts, sorted.
  Strings subjects() {
    Strings out = handed_before;
    if (watcher)
      for (const auto& e : trigger->events()) out.push_back(e.payload.path("email.subject").str());
    std::sort(out.begin(), out.end());
    return out;
  }
  /// "m3: why" of each decision of this kind since the last start.
  Strings decided(const char* what) {
    Strings out;
    const aoh::Json all = trigger->decisions();
    for (const aoh::Json& d : all.items())
      if (d["decision"].str() == what) out.push_back(d["key"].str() + ": " + d["why"].str());
    return out;
  }
  std::string text_of(const std::string& subject) {
    for (const auto& e : trigger->events())
      if (e.payload.path("email.subject").str() == subject) return e.payload.path("email.body_text").str();
    return "none";
  }
  std::int64_t last_uid() { return aoh::Json::parse(trigger->cursor())["last_uid"].integer(); }
  std::string health() { return trigger->last_health().dump() + trigger->decisions().dump(); }

  ScriptedImap imap;
  std::shared_ptr<aoh::host::VirtualClock> clock = std::make_shared<aoh::host::VirtualClock>();
  FakeHost fake{clock};
  std::vector<std::unique_ptr<FakeTrigger>> triggers;
  FakeTrigger* trigger = nullptr;
  Strings handed_before;
  std::shared_ptr<Watcher> watcher;
  host::Config config;
  host::Runtime runtime{fake.c(), config};  // last: its threads use the others
};

TEST_F(Faults, APoisonMessageIsParkedAndTheOthersPass) {
  struct Poison {
    const char* name;
    std::function<void(const Command&)> strike;  // the answer to a FETCH that names the message
    bool text_only = false;                      // only when its text is fetched
    const char* why = "";                        // in the record
  };
  const Poison kinds[] = {
      {"the server hangs up", [&](const Command&) { imap.cut(); }, false, "3 times"},
      {"the server hangs up at the text", [&](const Command&) { imap.cut(); }, true, "3 times"},
      {"garbage", [&](const Command&) { imap.say("garbage\r\n"); }, false, "no IMAP response"},
      {"an endless literal",
       [&](const Command&) { imap.say("* 3 FETCH (UID 3 BODY[HEADER] {99999999999}\r\n"); }, false,
       "announced a literal"},
      {"a NO for all because of one", [&](const Command& c) { imap.say(c.tag + " NO cannot read it\r\n"); },
       false, "cannot read it"},
      {"a NO for the text", [&](const Command& c) { imap.say(c.tag + " NO cannot read it\r\n"); }, true,
       "cannot read it"},
      {"a NO that means later", [&](const Command& c) { imap.say(c.tag + " NO [UNAVAILABLE] later\r\n"); },
       false, "later"},
      {"a row that names no message",
       [&](const Command& c) {
         imap.say("* 3 FETCH (BODY[HEADER] \"Subject: \"m3\" UID 3)\r\n" + c.tag + " OK done\r\n");
       },
       false, "message number 3"},
      {"a row that names no message, for its text",
       [&](const Command& c) {
         imap.say("* 3 FETCH (BODY[TEXT] \"x \" y\" UID 3)\r\n" + c.tag + " OK done\r\n");
       },
       true, "message"},
      {"a row without a header",
       [&](const Command& c) { imap.say("* 3 FETCH (UID 3 RFC822.SIZE 9)\r\n" + c.tag + " OK done\r\n"); },
       false, "no header"},
      {"silence",
       [&](const Command&) {
         // The client may not have begun to wait yet.
         for (int i = 0; i < 5'000 && !imap.client_gone(); ++i) {
           clock->advance(61'000'000'000);
           std::this_thread::sleep_for(std::chrono::milliseconds(1));
         }
       },
       false, "in time"}};
  for (int i = 1; i <= 5; ++i) imap.add("m" + std::to_string(i));
  for (const Poison& kind : kinds) {
    SCOPED_TRACE(kind.name);
    trigger = nullptr;
    handed_before.clear();
    imap.fault([&](const Command& c) {
      if (!c.names(3) || c.wants("HEADER") == kind.text_only) return false;
      kind.strike(c);
      return true;
    });
    start();
    ASSERT_TRUE(settled()) << health();
    EXPECT_EQ(subjects(), (Strings{"m1", "m2", "m4", "m5"})) << health();
    const Strings parked = decided("parked");
    ASSERT_EQ(parked.size(), 1u) << health();
    EXPECT_EQ(parked[0].find("w/INBOX/7.3: "), 0u) << parked[0];
    EXPECT_NE(parked[0].find(kind.why), std::string::npos) << parked[0];
    EXPECT_EQ(last_uid(), 5);
    // The record and the cursor are one: after a restart the message is not asked for again.
    const std::size_t asked = imap.commands().size();
    start();
    ASSERT_TRUE(settled()) << health();
    const Strings commands = imap.commands();
    EXPECT_TRUE(std::none_of(commands.begin() + static_cast<std::ptrdiff_t>(asked), commands.end(),
                             [](const std::string& c) { return c.starts_with("UID FETCH"); }));
    EXPECT_TRUE(trigger->events().empty());
    stop();
  }
}

TEST_F(Faults, APoisonMessageFromBeforeTheStartDoesNotKeepTheWatcherFromStarting) {
  for (const char* subject : {"old1", "old2", "old3"}) imap.add(subject);
  imap.fault([&](const Command& c) {
    if (!c.names(2)) return false;
    imap.cut();
    return true;
  });
  start("now");
  ASSERT_TRUE(settled()) << health();
  imap.deliver("new");
  ASSERT_TRUE(handed_over(1)) << health();
  // What could not be looked at is known all the same should the server number anew.
  imap.fault(nullptr);
  imap.renumber();
  ASSERT_TRUE(until([&] { return aoh::Json::parse(trigger->cursor())["uid_validity"].integer() == 17; }));
  ASSERT_TRUE(settled()) << health();
  EXPECT_EQ(subjects(), Strings{"new"}) << health();
}

TEST_F(Faults, AByeAtAnyTimeLosesNothing) {
  const std::string bye = "* BYE going down\r\n";
  imap.add("m0");
  start();
  ASSERT_TRUE(handed_over(1)) << health();
  Strings all{"m0"};
  const auto round = [&](const std::string& verb, bool row, bool with_tag) {
    SCOPED_TRACE(verb + (row ? " after a row" : "") + (with_tag ? " tagged" : ""));
    std::atomic<int> left = 2;
    imap.fault([&](const Command& c) {
      if (c.verb != verb || left == 0) return false;
      --left;
      if (row) imap.say(imap.row(imap.asked_for(c).front(), c));
      imap.say(with_tag ? c.tag + " BYE going down\r\n" : bye);
      imap.cut();
      return true;
    });
    // One while the watcher is there, one while it is away.
    for (int i = 0; i < 2; ++i) {
      all.push_back("m" + std::to_string(all.size()));
      imap.deliver(all.back());
      if (i > 0) continue;
      imap.say(bye);
      imap.cut();
    }
    EXPECT_TRUE(until([&] { return left == 0 && subjects().size() >= all.size(); })) << health();
    imap.fault(nullptr);
    EXPECT_TRUE(settled()) << health();
    Strings sorted = all;
    std::sort(sorted.begin(), sorted.end());
    EXPECT_EQ(subjects(), sorted);
    EXPECT_TRUE(decided("parked").empty()) << health();
  };
  for (const char* verb : {"greeting", "AUTHENTICATE", "EXAMINE", "UID SEARCH", "UID FETCH", "IDLE"})
    for (const bool with_tag : {false, true})
      if (!with_tag || std::string(verb) != "greeting") round(verb, false, with_tag);
  round("UID FETCH", true, false);
  EXPECT_FALSE(trigger->last_health().has("last_error")) << "it is over";
}

TEST_F(Faults, AConnectionCutAtEachCommandLosesNothing) {
  // Cut ahead of the answer, within it and behind it, at the first, second, ... command of the dialogue.
  for (int way = 0; way < 3; ++way)
    for (int nth = 1; nth <= 9; ++nth) {
      SCOPED_TRACE(std::to_string(way) + " at command " + std::to_string(nth));
      ScriptedImap server;
      for (int i = 1; i <= 4; ++i) server.add("m" + std::to_string(i));
      std::atomic<int> count = 0;
      server.fault([&](const Command& c) {
        if (++count != nth) return false;
        if (way == 1)
          server.say(c.verb == "UID FETCH" ? server.row(server.asked_for(c).front(), c).substr(0, 60)
                                           : "* OK half a li");
        if (way == 2) server.answer(c);
        server.cut();
        return true;
      });
      {
        const std::lock_guard lock(fake.mutex);
        fake.credentials["w"].slot("imap").set("port", static_cast<int>(server.port()));
      }
      trigger = nullptr;
      handed_before.clear();
      start();
      EXPECT_TRUE(until([&] { return subjects().size() >= 4 && server.idling() && count > nth; }))
          << health();
      server.deliver("m5");
      EXPECT_TRUE(until([&] { return subjects().size() >= 5 && server.idling(); })) << health();
      EXPECT_EQ(subjects(), (Strings{"m1", "m2", "m3", "m4", "m5"})) << health();
      EXPECT_EQ(trigger->decisions().items().size(), 5u) << health();
      stop();
    }
}

TEST_F(Faults, AMalformedBodystructureHidesNoMessage) {
  const char* kinds[] = {"(TEXT PLAIN)",
                         "NIL",
                         "(\"TEXT\" (\"a\"))",
                         "((((\"a\" x))))",
                         "(\"TEXT\" \"PLAIN\" NIL",
                         "(\"TEXT\" \"PLAIN\" (\"NAME\" \"a \" b\") NIL NIL \"7BIT\" 1 1)",
                         "(\"TEXT\" \"PLAIN\"))))",
                         "(\"MULTIPART\" \"MIXED\" NIL NIL NIL \"7BIT\" 0)",
                         "(\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" -5 1.5)",
                         "(\"TEXT\" \"PLAIN\" (\"NAME\" \"x\") UID 1 BODY[HEADER] \"Subject: forged\")"};
  Strings wanted;
  imap.add("m0");
  wanted.push_back("m0");
  for (const char* kind : kinds) {
    wanted.push_back("m" + std::to_string(wanted.size()));
    imap.add(wanted.back()).structure = kind;
  }
  wanted.push_back("m" + std::to_string(wanted.size()));
  imap.add(wanted.back());
  start();
  ASSERT_TRUE(settled()) << health();
  Strings sorted = wanted;
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(subjects(), sorted) << health();
  for (const std::string& subject : wanted)
    EXPECT_NE(text_of(subject).find("the text of " + subject), std::string::npos) << subject << health();
  EXPECT_EQ(imap.connections(), 1u) << "a row that cannot be read does not cost the connection";
}

TEST_F(Faults, WhatCannotBeReadAndThenIsGoneIsSkipped) {
  imap.add("m1").structure = "(\"TEXT\" \"PLAIN\" NIL";
  imap.add("m2");
  imap.fault([&](const Command& c) {
    if (c.verb == "UID FETCH" && !c.wants("BODYSTRUCTURE")) imap.expunge("m1");
    return false;
  });
  start();
  ASSERT_TRUE(settled()) << health();
  EXPECT_EQ(subjects(), Strings{"m2"}) << health();
  EXPECT_EQ(decided("skipped").size(), 1u) << health();
}

TEST_F(Faults, WhatIsExpungedWhileItIsFetchedIsSkippedAndNothingElse) {
  for (int i = 1; i <= 5; ++i) imap.add("m" + std::to_string(i));
  imap.fault([&](const Command& c) {
    if (c.verb != "UID FETCH") return false;
    if (c.wants("HEADER")) imap.expunge("m2");  // between SEARCH and FETCH: the numbers behind it move
    if (c.wants("TEXT")) imap.expunge("m4");    // between its head and its text
    return false;
  });
  start();
  ASSERT_TRUE(settled()) << health();
  EXPECT_EQ(subjects(), (Strings{"m1", "m3", "m5"})) << health();
  for (const char* subject : {"m1", "m3", "m5"})
    EXPECT_NE(text_of(subject).find(std::string("the text of ") + subject), std::string::npos);
  const Strings skipped = decided("skipped");
  ASSERT_EQ(skipped.size(), 2u) << health();
  EXPECT_EQ(skipped[0].find("w/INBOX/7.2: gone"), 0u) << skipped[0];
  EXPECT_EQ(skipped[1].find("w/INBOX/7.4: gone"), 0u) << skipped[1];
  EXPECT_TRUE(decided("parked").empty());
  EXPECT_EQ(imap.connections(), 1u);
  imap.expunge("m5");  // in IDLE
  imap.deliver("m6");
  ASSERT_TRUE(handed_over(4)) << health();
  EXPECT_EQ(subjects(), (Strings{"m1", "m3", "m5", "m6"}));
}

TEST_F(Faults, AServerThatOffersIdleAndRefusesItIsPolled) {
  imap.fault([&](const ScriptedImap::Command& c) {
    if (c.verb != "IDLE") return false;
    imap.say(c.tag + " BAD not here\r\n");
    return true;
  });
  imap.add("m1");
  start();
  ASSERT_TRUE(until([&] { return trigger->last_health()["state"].str() == "polling"; })) << health();
  imap.add("m2");
  clock->advance(config.poll_interval.count() * 1'000'000'000);
  ASSERT_TRUE(until([&] { return trigger->events().size() >= 2; })) << health();
  EXPECT_EQ(subjects(), (Strings{"m1", "m2"}));
  EXPECT_EQ(imap.connections(), 1u);
}

TEST_F(Faults, ANewNumberingOnReconnectLosesNothingAndRepeatsNothing) {
  for (const char* subject : {"m1", "m2"}) imap.add(subject);
  const std::string date = imap.add("twin").date;
  imap.add("twin").date = date;  // two messages that nothing but their number tells apart
  start();
  ASSERT_TRUE(handed_over(4)) << health();
  for (int round = 0; round < 2; ++round) {
    imap.expunge(round == 0 ? "m1" : "m2");
    imap.add("while away " + std::to_string(round));
    imap.renumber();
    ASSERT_TRUE(handed_over(5 + static_cast<std::size_t>(round))) << health();
    ASSERT_TRUE(until([&] { return !aoh::Json::parse(trigger->cursor()).has("before"); }));
  }
  EXPECT_EQ(subjects(), (Strings{"m1", "m2", "twin", "twin", "while away 0", "while away 1"})) << health();
  // Again, and this time the connection breaks in the middle of the comparison.
  int cuts = 2;
  imap.fault([&](const Command& c) {
    if (c.verb != "UID FETCH" || cuts == 0) return false;
    --cuts;
    imap.cut();
    return true;
  });
  imap.add("while away 2");
  imap.renumber();
  ASSERT_TRUE(handed_over(7)) << health();
  EXPECT_EQ(subjects().size(), 7u) << health();
  // And across a restart of the watcher.
  stop();
  imap.add("while away 3");
  imap.renumber();
  start();
  ASSERT_TRUE(handed_over(1)) << health();
  EXPECT_EQ(subjects().size(), 8u) << health();
  EXPECT_EQ(trigger->events()[0].payload.path("email.subject").str(), "while away 3");
}

TEST_F(Faults, ATextTravelsOnlyWhereAMatchAsksForIt) {
  imap.add("quote 1");
  imap.add("quote 2").text = "our price is 7\r\n";
  imap.add("letter").text = "a price\r\n";
  start("all", {{"subject_regex", "^quote"}, {"body_regex", "price"}});
  ASSERT_TRUE(handed_over(1)) << health();
  EXPECT_EQ(subjects(), Strings{"quote 2"});
  EXPECT_EQ(decided("ignored"),
            (Strings{"w/INBOX/7.1: body_regex does not match", "w/INBOX/7.3: subject_regex does not match"}));
  for (const std::string& c : imap.commands())
    if (c.find("BODY.PEEK[TEXT]") != std::string::npos) {
      EXPECT_NE(c.find("UID FETCH 1:2 "), std::string::npos) << c;
    }
}

TEST_F(Faults, PartsAreNamedWithoutBeingFetched) {
  for (const char* subject : {"offer", "picture"}) {
    ScriptedImap::Mail& m = imap.add(subject);
    const bool offer = m.subject == "offer";
    m.header.replace(m.header.size() - 2, 2,
                     "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n");
    const std::string type = offer ? "\"APPLICATION\" \"PDF\"" : "\"IMAGE\" \"PNG\"";
    m.structure = "((\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 5 1)(" + type +
                  " NIL NIL NIL \"7BIT\" 5000 NIL (\"ATTACHMENT\" (\"FILENAME\" \"a.bin\")) NIL) \"MIXED\" "
                  "(\"BOUNDARY\" \"b\"))";
    m.sections = {{"1.MIME", "Content-Type: text/plain\r\n\r\n"},
                  {"2.MIME", std::string("Content-Type: ") + (offer ? "application/pdf" : "image/png") +
                                 "\r\nContent-Disposition: attachment; filename=a.bin\r\n\r\n"}};
  }
  start("all",
        {{"mime_type", "application/pdf"}, {"attachment", {{"name_regex", "\\.bin$"}, {"larger", 4999}}}});
  ASSERT_TRUE(handed_over(1)) << health();
  EXPECT_EQ(subjects(), Strings{"offer"});
  EXPECT_EQ(decided("ignored"), Strings{"w/INBOX/7.2: mime_type does not match"});
  for (const std::string& c : imap.commands()) {
    EXPECT_EQ(c.find("BODY.PEEK[2]"), std::string::npos) << c;
    if (c.find("BODY.PEEK[1]") != std::string::npos) {
      EXPECT_NE(c.find("UID FETCH 1 "), std::string::npos) << c;
    }
  }
}

TEST_F(Faults, TheTrustedServersVerdictDecides) {
  fake.credentials["w"].set("trusted_authserv_ids", aoh::Json::array({"mx.us.example"}));
  for (const auto& [subject, word] : {std::pair{"real", "pass"}, {"forged", "fail"}})
    imap.add(subject).header.insert(
        0, std::string("Authentication-Results: mx.us.example; dmarc=") + word + "\r\n");
  start("all", {{"authentication", {{"dmarc", "pass"}}}, {"newer_than", "3650d"}});
  ASSERT_TRUE(handed_over(1)) << health();
  EXPECT_EQ(subjects(), Strings{"real"});
  EXPECT_EQ(trigger->events().front().payload.path("email.authentication.dmarc").str(), "pass");
  EXPECT_EQ(decided("ignored"), Strings{"w/INBOX/7.2: authentication.dmarc does not match"});
}

// What the host would show of the one watcher.
struct Measured {
  explicit Measured(std::shared_ptr<Watcher> w) : watcher(std::move(w)) {
    measures.on_collect([](void* self) { static_cast<Measured*>(self)->measure(); }, this);
  }
  void measure() { watcher->measure(measures); }
  /// The value of the one series; its label "state", too.
  double operator()(const char* name, std::string* state = nullptr) {
    for (const auto& f : metrics.collect())
      if (f.name == name && f.series.size() == 1) {
        for (const auto& [label, value] : f.series[0].labels)
          if (label == "state" && state) *state = value;
        return f.series[0].value;
      }
    return -1;
  }
  std::string state() {
    std::string state;
    const bool alive = (*this)("email_watcher_alive", &state) == 1;
    return state + (alive ? ", alive" : "");
  }

  std::shared_ptr<Watcher> watcher;
  aoh::host::Redactor redactor;
  aoh::host::Metrics metrics{redactor};
  aoh::host::Services services = [this] {
    aoh::host::Services s;
    s.metrics = &metrics;
    return s;
  }();
  aoh::host::InstanceHost instance{services, "email", {AOH_METRICS_ID}, {}};
  Measures measures{instance.c()};
};

TEST_F(Faults, AServerThatHasGoneSilentIsAskedAndNeverCalledWell) {
  start();
  ASSERT_TRUE(settled()) << health();
  Measured measured(watcher);
  const auto status = [&] { return watcher->status(); };
  EXPECT_EQ(status()["state"].str(), "idle");
  EXPECT_EQ(measured.state(), "idle, alive");

  imap.silence(true);
  const auto before_due = std::chrono::nanoseconds(config.idle_renew) - std::chrono::seconds(1);
  clock->advance(before_due.count());
  EXPECT_EQ(status()["silent_s"].integer(), before_due / std::chrono::seconds(1));
  EXPECT_EQ(measured("email_watcher_silent_seconds"),
            static_cast<double>(before_due / std::chrono::seconds(1)));
  EXPECT_EQ(measured.state(), "idle, alive");
  clock->advance(1'000'000'000);  // it is asked
  EXPECT_EQ(status()["state"].str(), "probing");
  EXPECT_EQ(measured.state(), "probing");
  ASSERT_TRUE(until([&] {
    const Strings all = imap.commands();
    return std::find(all.begin(), all.end(), "DONE") != all.end();
  }));
  imap.add("while nobody heard it");
  EXPECT_EQ(status()["state"].str(), "probing");
  clock->advance(60'000'000'000);  // and a minute later at most it counts as gone
  ASSERT_TRUE(
      trigger->wait([](FakeTrigger& t) { return t.last_health()["state"].str() == "backoff"; }, 10'000));
  EXPECT_EQ(status()["state"].str(), "backoff");
  EXPECT_EQ(measured.state(), "backoff");
  EXPECT_NE(status()["last_error"].str(), "");

  imap.silence(false);
  ASSERT_TRUE(handed_over(1)) << health();
  EXPECT_EQ(subjects(), Strings{"while nobody heard it"});
  EXPECT_EQ(measured.state(), "idle, alive");
  EXPECT_EQ(measured("email_watcher_silent_seconds"), 0);
  EXPECT_EQ(measured("email_watcher_reconnects_total"), 1);
  EXPECT_EQ(measured("email_watcher_handed_over_total"), 1);
  EXPECT_EQ(status()["reconnects"].integer(), 1);
  EXPECT_TRUE(status()["hand_over_ms"].is_null()) << "found by looking, not told";
  imap.deliver("told");
  ASSERT_TRUE(handed_over(2)) << health();
  EXPECT_EQ(status()["hand_over_ms"].integer(-1), 0) << "time stood still";
}

TEST_F(Faults, TheRulesSpeakBeforeTheBlueprints) {
  imap.add("list 1");
  imap.add("order 2").text = "an order\r\n";
  imap.add("order 3").text = "nothing\r\n";
  imap.add("quote 4");
  const aoh::Json rules = aoh::Json::array(
      {{{"name", "lists"}, {"match", {{"subject_regex", "^list"}}}, {"do", {{"ignore", true}}}},
       {{"name", "others"}, {"credential_id", "x"}, {"do", {{"ignore", true}}}},
       {{"name", "orders"},
        {"match", {{"subject_regex", "order"}, {"body_regex", "order"}}},
        {"do", {{"start", aoh::Json::array({"bp", "elsewhere"})}}}}});
  start("all", {{"subject_regex", "^(quote|list)"}}, rules);
  ASSERT_TRUE(handed_over(2)) << health();
  EXPECT_EQ(subjects(), (Strings{"order 2", "quote 4"}));
  EXPECT_EQ(decided("matched"), (Strings{"w/INBOX/7.2: rule \"orders\"", "w/INBOX/7.4: "}));
  EXPECT_EQ(decided("ignored"),
            (Strings{"w/INBOX/7.1: rule \"lists\"", "w/INBOX/7.3: subject_regex does not match"}));
  EXPECT_EQ(watcher->in_force()["rules"], rules);
}

TEST_F(Faults, WhatRulesDoWithAMessageIsHandedOverWithIt) {
  imap.add("order 1");
  imap.add("evil-2");
  const aoh::Json rules = aoh::Json::array(
      {{{"name", "here"},
        {"do", {{"move", "inbox"}, {"rate_limit", {{"messages", 5}, {"per", "1h"}}}}},
        {"continue", true}},
       {{"name", "orders"},
        {"match", {{"subject_regex", "order"}}},
        {"do", {{"flag", "flagged"}, {"label", "Later"}, {"approval", true}}}},
       {{"name", "evil"}, {"match", {{"subject_regex", "evil"}}}, {"do", {{"quarantine", true}}}}});
  start("all", aoh::Json::object(), rules);
  ASSERT_TRUE(handed_over(3)) << health();
  EXPECT_EQ(decided("action"), (Strings{"w/INBOX/7.1#change: rule \"here\", rule \"orders\": flag, label",
                                        "w/INBOX/7.2#change: rule \"here\", rule \"evil\": quarantine"}));
  EXPECT_EQ(decided("ignored"), Strings{"w/INBOX/7.2: rule \"evil\": quarantine"});
  const aoh::Json matched = trigger->decisions().at(1);
  EXPECT_EQ(matched["decision"].str(), "matched");
  EXPECT_EQ(matched["approval"].str(), "orders");
  EXPECT_EQ(matched["limits"].at(0)["rule"].str(), "rule \"here\"");
  EXPECT_EQ(matched["limits"].at(0)["most"].integer(), 5);
  EXPECT_EQ(matched["limits"].at(0)["per_s"].integer(), 3600);
  EXPECT_EQ(matched["limits"].at(0)["of"].str(), "w/INBOX/7.1");
  const auto flagged = trigger->events().at(0), evil = trigger->events().at(2);
  EXPECT_EQ(flagged.blueprint, "");
  EXPECT_FALSE(flagged.payload["holds"].boolean()) << "it lies there already";
  EXPECT_EQ(flagged.payload["call"],
            aoh::Json::parse(R"({"tool":"email_update","arguments":{"mailbox":"INBOX",
    "uids":[1],"uid_validity":7,"add_flags":["flagged"],"add_labels":["Later"]}})"));
  EXPECT_TRUE(evil.payload["holds"].boolean());
  EXPECT_EQ(evil.payload["of"].str(), "w/INBOX/7.2");
  EXPECT_EQ(evil.payload["call"]["arguments"],
            aoh::Json::parse(R"({"mailbox":"INBOX","uids":[2],"uid_validity":7,
    "move_to":"Quarantine","create":true,"message_id":"evil-2@x"})"));
}

}  // namespace
}  // namespace mailroom::watch
