#include "outbox/store.hpp"

#include <gtest/gtest.h>

#include "host/sha256.hpp"

#include "email_fakes/fake_host.hpp"
#include "outbox/schedule.hpp"

namespace mailroom::outbox {
namespace {

using mailroom::testing::FakeHost;

mime::Composed composed() {
  mime::Composed c;
  c.bytes = "From: a@b\r\n\r\nhello\r\n";
  c.message_id = "m1@b";
  c.envelope_from = "a@b";
  c.envelope_to = {"x@y", "z@y"};
  return c;
}

Record fresh(const std::string& id) {
  Record r;
  r.id = id;
  r.credential_id = "quotes";
  return r;
}

TEST(Record, RoundTripAndConvention) {
  Record r = fresh("abc");
  r.to = {"x@y", "z@y"};
  r.subject = "hi";
  r.attempts = 3;
  const aoh::Json j = r.to_json();
  for (const char* field : {"id", "state", "kind", "summary", "created_unix_ns", "updated_unix_ns"})
    EXPECT_TRUE(j.has(field)) << field;
  EXPECT_EQ(j["summary"].str(), "to x@y and 1 more: hi");
  EXPECT_EQ(Record::from_json(j)->to_json().dump(), j.dump());
  EXPECT_FALSE(Record::from_json(aoh::Json::object()));
  EXPECT_FALSE(Record::from_json({{"id", "x"}, {"state", "no such"}}));
}

TEST(Record, WhatEachStateAllows) {
  const std::pair<State, Step> table[] = {{State::prepared, Step::send},
                                          {State::failed, Step::send},
                                          {State::committing, Step::call_uncertain},
                                          {State::sent, Step::answer},
                                          {State::refused, Step::answer},
                                          {State::uncertain, Step::answer},
                                          {State::preview, Step::send},
                                          {State::queued, Step::answer},
                                          {State::cancelled, Step::answer}};
  for (const auto& [state, step] : table) {
    Record r = fresh("x");
    r.state = state;
    EXPECT_EQ(next_step(r), step) << name(state);
  }
}

TEST(Record, OutcomesBecomeStates) {
  smtp::Outcome o;
  o.recipients = {{"x@y", smtp::RecipientOutcome::State::accepted, 250, "2.1.5", "ok"},
                  {"z@y", smtp::RecipientOutcome::State::refused, 550, "5.1.1", "no\r\nsuch"}};
  o.state = smtp::Outcome::State::delivered;
  Record r = fresh("x");
  r.to = {"x@y", "z@y"};
  r.take(o);
  EXPECT_EQ(r.state, State::sent);
  EXPECT_TRUE(r.recipients.at(0)["accepted"].boolean());
  EXPECT_FALSE(r.recipients.at(1)["accepted"].boolean());
  EXPECT_EQ(r.recipients.at(1)["server_said"].str().find('\n'), std::string::npos);
  o.state = smtp::Outcome::State::uncertain;
  r.recipients = {};
  r.take(o);
  EXPECT_EQ(r.state, State::uncertain);
  EXPECT_FALSE(r.recipients.at(0)["accepted"].boolean()) << "nobody knows";
}

TEST(Record, SomeGetItNowTheOthersLater) {
  using Rcpt = smtp::RecipientOutcome::State;
  Record r = fresh("x");
  r.to = {"a@x", "b@x", "c@x"};
  smtp::Outcome o;
  o.state = smtp::Outcome::State::delivered;
  o.recipients = {{"a@x", Rcpt::accepted, 250}, {"b@x", Rcpt::temporary, 450}, {"c@x", Rcpt::refused, 550}};
  r.take(o);
  EXPECT_EQ(r.state, State::failed);
  EXPECT_EQ(r.open_recipients(), std::vector<std::string>{"b@x"});
  after_failure(r, Errc::temporary, kSecond, 0);
  EXPECT_EQ(r.state, State::queued);
  EXPECT_EQ(r.why_queued, "temporary");
  o.recipients = {{"b@x", Rcpt::refused, 550}};
  o.state = smtp::Outcome::State::refused;
  r.take(o);
  EXPECT_EQ(r.state, State::sent) << "one of three has it, and nobody is open";
  EXPECT_TRUE(r.recipients.at(0)["accepted"].boolean());
  EXPECT_EQ(r.recipients.at(1)["state"].str(), "refused");
}

TEST(Record, AfterTheDotNothingIsOpenButWhatWasRefusedForNow) {
  using Rcpt = smtp::RecipientOutcome::State;
  Record r = fresh("x");
  r.to = {"a@x", "b@x"};
  smtp::Outcome o;
  o.state = smtp::Outcome::State::uncertain;
  o.recipients = {{"a@x", Rcpt::accepted, 250}, {"b@x", Rcpt::temporary, 450}};
  r.take(o);
  EXPECT_EQ(r.state, State::uncertain);
  EXPECT_EQ(r.recipients.at(0)["state"].str(), "uncertain");
}

TEST(Schedule, WhatWaitsByAClockThatWasSetBackIsDue) {
  constexpr std::int64_t kNow = 100'000 * kSecond, kDay = 86'400 * kSecond;
  Record r = fresh("x");
  r.updated_unix_ns = kNow;
  r.next_attempt_unix_ns = kNow + 60 * kSecond;
  EXPECT_FALSE(waits_by_old_clock(r, kNow));
  EXPECT_FALSE(waits_by_old_clock(r, kNow - kSecond)) << "clocks are set by a little all the time";
  EXPECT_TRUE(waits_by_old_clock(r, kNow - kDay));
  EXPECT_FALSE(waits_by_old_clock(r, kNow + kDay)) << "it is due";
  r.send_at_unix_ns = r.next_attempt_unix_ns;
  EXPECT_FALSE(waits_by_old_clock(r, kNow - kDay)) << "a time that somebody asked for";
}

TEST(Schedule, GrowsGivesUpAndNeverRepeatsWhatIsFinal) {
  std::int64_t before = 0;
  for (std::uint32_t n = 1; n < 12; ++n) {
    EXPECT_GE(retry_delay(n, 0), before) << n;
    EXPECT_LT(retry_delay(n, UINT64_MAX), retry_delay(n, 0) * 11 / 10 + 1) << n;
    before = retry_delay(n, 0);
  }
  EXPECT_EQ(retry_delay(0, 0), 60 * kSecond);
  EXPECT_EQ(before, 4 * 3600 * kSecond);
  Record r = fresh("x");
  r.attempts = 1;
  r.created_unix_ns = 1'000 * kSecond;
  after_failure(r, Errc::auth, 1'000 * kSecond, 0);
  EXPECT_EQ(r.state, State::failed) << "a wrong password does not become right by waiting";
  after_failure(r, Errc::connect, 1'000 * kSecond, 0);
  EXPECT_EQ(r.state, State::queued);
  EXPECT_EQ(r.next_attempt_unix_ns, 1'060 * kSecond);
  after_failure(r, Errc::connect, 1'000 * kSecond + kGiveUp, 0);
  EXPECT_EQ(r.state, State::failed);
  r.send_at_unix_ns = 1'000 * kSecond + kGiveUp;  // the two days begin when it should go
  after_failure(r, Errc::connect, 1'000 * kSecond + kGiveUp, 0);
  EXPECT_EQ(r.state, State::queued);
}

TEST(Store, WhatIsOwedIsFoundAgainAndForgottenWhenDone) {
  FakeHost fake;
  host::Services services(fake.c());
  Store outbox(services);
  Store::Entry e = outbox.prepare(fresh("k1"), composed(), "s");
  EXPECT_TRUE(outbox.due("").empty()) << "what a call prepares, the call sends";
  for (const State state : {State::queued, State::committing}) {
    e.record.state = state;
    outbox.save(e);
    EXPECT_EQ(outbox.due(""), std::vector<std::string>{"k1"});
    EXPECT_TRUE(outbox.due("k1").empty());
  }
  EXPECT_EQ(aoh::Json::parse(services.state.get(sent_key("m1@b"))->text)["outbox_id"].str(), "k1");
  e.record.state = State::sent;
  e.record.sent_copy = SentCopy::pending;
  outbox.save(e);
  EXPECT_EQ(outbox.due("").size(), 1u);
  EXPECT_EQ(fake.blobs.size(), 1u) << "the copy needs the bytes";
  Store::Entry again = *outbox.find("k1");
  again.record.sent_copy = SentCopy::done;
  outbox.save(again);
  EXPECT_TRUE(outbox.due("").empty());
  EXPECT_TRUE(fake.blobs.empty());
}

TEST(Store, WhatHasLainLongEnoughGoesAndNothingElse) {
  auto clock = std::make_shared<aoh::host::VirtualClock>(1'000 * kSecond);
  FakeHost fake(clock);
  host::Services services(fake.c());
  Store outbox(services);
  for (const State state : {State::preview, State::prepared, State::queued, State::committing, State::sent,
                            State::refused, State::failed, State::uncertain, State::cancelled}) {
    Store::Entry e = outbox.prepare(fresh(std::string(name(state))), composed(), "s");
    e.record.state = state;
    outbox.save(e);
  }
  const auto left = [&] {
    std::vector<std::string> ids;
    for (const auto& [key, value] : fake.state)
      if (key.starts_with("outbox/")) ids.push_back(key.substr(7));
    return ids;
  };
  clock->advance(Store::kKeep - kSecond);
  EXPECT_EQ(outbox.expire("", 100), "");
  EXPECT_EQ(left().size(), 9u);
  clock->advance(2 * kSecond);
  std::string after;
  do after = outbox.expire(after, 2);
  while (!after.empty());
  EXPECT_EQ(left(), (std::vector<std::string>{"committing", "queued", "uncertain"}));
  EXPECT_EQ(fake.blobs.size(), 3u);
  clock->advance(Store::kKeepUncertain);
  outbox.expire("", 100);
  EXPECT_EQ(left(), (std::vector<std::string>{"committing", "queued"}));
}

TEST(Store, PreparesDurablyAndGivesTheSameBytesBack) {
  FakeHost fake;
  host::Services services(fake.c());
  Store outbox(services);
  Store::Entry e = outbox.prepare(fresh("k1"), composed(), "subject");
  EXPECT_EQ(e.version, 1u);
  const auto found = outbox.find("k1");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->record.message_id, "m1@b");
  EXPECT_EQ(outbox.bytes(found->record), composed().bytes);
  fake.blobs[found->record.blob] += "x";
  EXPECT_THROW(outbox.bytes(found->record), Failure) << "changed bytes are not sent";
  EXPECT_FALSE(outbox.find("k2"));
}

TEST(Store, AWriteThatLostIsSaid) {
  FakeHost fake;
  host::Services services(fake.c());
  Store outbox(services);
  Store::Entry mine = outbox.prepare(fresh("k1"), composed(), "s");
  Store::Entry other = *outbox.find("k1");
  other.record.state = State::sent;
  outbox.save(other);
  mine.record.state = State::committing;
  EXPECT_THROW(outbox.save(mine), Failure);
  EXPECT_EQ(outbox.find("k1")->record.state, State::sent);
}

TEST(Store, BytesAreFreedOnceTheyCanNeverGoAgain) {
  const struct {
    State state;
    bool kept;
  } rows[] = {{State::prepared, true},  {State::committing, true}, {State::failed, true},
              {State::uncertain, true}, {State::sent, false},      {State::refused, false}};
  for (const auto& row : rows) {
    FakeHost fake;
    host::Services services(fake.c());
    Store outbox(services);
    Store::Entry e = outbox.prepare(fresh("k1"), composed(), "s");
    e.record.state = row.state;
    outbox.save(e);
    EXPECT_EQ(fake.blobs.size(), row.kept ? 1u : 0u) << name(row.state);
    EXPECT_EQ(outbox.find("k1")->record.blob.empty(), !row.kept) << name(row.state);
    outbox.save(e);  // once more does no harm
  }
}

TEST(Store, BytesStayWhenTheOutcomeCouldNotBeWritten) {
  FakeHost fake;
  host::Services services(fake.c());
  Store outbox(services);
  Store::Entry e = outbox.prepare(fresh("k1"), composed(), "s");
  e.record.state = State::sent;
  fake.on_apply = [](const std::string&, const std::string&) { return AOH_E_INTERNAL; };
  EXPECT_ANY_THROW(outbox.save(e));
  EXPECT_EQ(fake.blobs.size(), 1u);
  EXPECT_FALSE(e.record.blob.empty());
  fake.on_apply = nullptr;
  outbox.save(e);
  EXPECT_TRUE(fake.blobs.empty());
}

TEST(Store, OneClaimAtATime) {
  FakeHost fake;
  host::Services services(fake.c());
  Store outbox(services);
  auto first = outbox.claim("k");
  ASSERT_TRUE(first);
  EXPECT_FALSE(outbox.claim("k"));
  EXPECT_TRUE(outbox.claim("other"));
  first.reset();
  EXPECT_TRUE(outbox.claim("k"));
}

TEST(Store, TakingBackFailsTheCommitOfAnAttemptThatIsUnderWay) {
  FakeHost fake;
  host::Services services(fake.c());
  Store outbox(services);
  Record r = fresh("k");
  r.state = State::queued;
  Store::Entry attempt = outbox.prepare(r, composed(), "s");
  const auto claim = outbox.claim("k");
  EXPECT_TRUE(outbox.withdraw("k"));
  attempt.record.state = State::committing;
  EXPECT_THROW(outbox.save(attempt), Failure) << "nothing is sent";
  Store::Entry again = outbox.prepare(r, composed(), "s");
  EXPECT_THROW(outbox.save(attempt), Failure) << "nor by the one before";
  again.record.state = State::committing;
  outbox.save(again);
  EXPECT_FALSE(outbox.withdraw("k")) << "the server may have it";
}

TEST(Store, AnOutcomeThatCouldNotBeWrittenIsKnownUntilItIs) {
  FakeHost fake;
  host::Services services(fake.c());
  Store outbox(services);
  Store::Entry e = outbox.prepare(fresh("k"), composed(), "s");
  e.record.state = State::committing;
  outbox.save(e);
  e.record.state = State::sent;
  fake.on_apply = [](const std::string&, const std::string&) { return AOH_E_INTERNAL; };
  EXPECT_ANY_THROW(outbox.save(e));
  outbox.keep_unsaved(e);
  fake.on_apply = nullptr;
  EXPECT_EQ(Store(services).find("k")->record.state, State::committing) << "another process does not know";
  auto known = outbox.find("k");
  EXPECT_EQ(known->record.state, State::sent);
  EXPECT_TRUE(known->unsaved);
  outbox.save(*known);
  EXPECT_FALSE(outbox.has_unsaved("k"));
  EXPECT_TRUE(outbox.due("").empty());
  EXPECT_EQ(Store(services).find("k")->record.state, State::sent);
}

TEST(Store, KeysDoNotRunIntoEachOther) {
  EXPECT_NE(Store::id_of("a", "b", "c"), Store::id_of("a", "bc", ""));
  EXPECT_NE(Store::id_of("a", "b", "c"), Store::id_of("ab", "", "c"));
  EXPECT_EQ(Store::id_of("a", "b", "c"), Store::id_of("a", "b", "c"));
  EXPECT_EQ(host::sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace mailroom::outbox
