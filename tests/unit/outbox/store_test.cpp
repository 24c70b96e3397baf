#include "tools/outbox.hpp"

#include <gtest/gtest.h>

#include "email_fakes/fake_host.hpp"

namespace mailroom::tools {
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

OutboxRecord fresh(const std::string& id) {
  OutboxRecord r;
  r.id = id;
  r.credential_id = "quotes";
  return r;
}

TEST(OutboxRecord, RoundTripAndConvention) {
  OutboxRecord r = fresh("abc");
  r.to = {"x@y", "z@y"};
  r.subject = "hi";
  r.attempts = 3;
  const aoh::Json j = r.to_json();
  for (const char* field : {"id", "state", "kind", "summary", "created_unix_ns", "updated_unix_ns"})
    EXPECT_TRUE(j.has(field)) << field;
  EXPECT_EQ(j["summary"].str(), "to x@y and 1 more: hi");
  EXPECT_EQ(OutboxRecord::from_json(j)->to_json().dump(), j.dump());
  EXPECT_FALSE(OutboxRecord::from_json(aoh::Json::object()));
  EXPECT_FALSE(OutboxRecord::from_json({{"id", "x"}, {"state", "no such"}}));
}

TEST(OutboxRecord, WhatEachStateAllows) {
  const std::pair<OutboxState, OutboxStep> table[] = {{OutboxState::prepared, OutboxStep::send},
                                                      {OutboxState::failed, OutboxStep::send},
                                                      {OutboxState::committing, OutboxStep::call_uncertain},
                                                      {OutboxState::sent, OutboxStep::answer},
                                                      {OutboxState::refused, OutboxStep::answer},
                                                      {OutboxState::uncertain, OutboxStep::answer}};
  for (const auto& [state, step] : table) {
    OutboxRecord r = fresh("x");
    r.state = state;
    EXPECT_EQ(next_step(r), step) << name(state);
  }
}

TEST(OutboxRecord, OutcomesBecomeStates) {
  smtp::Outcome o;
  o.recipients = {{"x@y", smtp::RecipientOutcome::State::accepted, 250, "2.1.5", "ok"},
                  {"z@y", smtp::RecipientOutcome::State::refused, 550, "5.1.1", "no\r\nsuch"}};
  o.state = smtp::Outcome::State::delivered;
  OutboxRecord r = fresh("x");
  r.take(o);
  EXPECT_EQ(r.state, OutboxState::sent);
  EXPECT_TRUE(r.recipients.at(0)["accepted"].boolean());
  EXPECT_FALSE(r.recipients.at(1)["accepted"].boolean());
  EXPECT_EQ(r.recipients.at(1)["server_said"].str().find('\n'), std::string::npos);
  o.state = smtp::Outcome::State::uncertain;
  r.take(o);
  EXPECT_EQ(r.state, OutboxState::uncertain);
  EXPECT_FALSE(r.recipients.at(0)["accepted"].boolean()) << "nobody knows";
}

TEST(Outbox, PreparesDurablyAndGivesTheSameBytesBack) {
  FakeHost fake;
  host::Services services(fake.c());
  Outbox outbox(services);
  Outbox::Entry e = outbox.prepare(fresh("k1"), composed(), "subject");
  EXPECT_EQ(e.version, 1u);
  const auto found = outbox.find("k1");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->record.message_id, "m1@b");
  EXPECT_EQ(outbox.bytes(found->record), composed().bytes);
  fake.blobs[found->record.blob] += "x";
  EXPECT_THROW(outbox.bytes(found->record), Failure) << "changed bytes are not sent";
  EXPECT_FALSE(outbox.find("k2"));
}

TEST(Outbox, AWriteThatLostIsSaid) {
  FakeHost fake;
  host::Services services(fake.c());
  Outbox outbox(services);
  Outbox::Entry mine = outbox.prepare(fresh("k1"), composed(), "s");
  Outbox::Entry other = *outbox.find("k1");
  other.record.state = OutboxState::sent;
  outbox.save(other);
  mine.record.state = OutboxState::committing;
  EXPECT_THROW(outbox.save(mine), Failure);
  EXPECT_EQ(outbox.find("k1")->record.state, OutboxState::sent);
}

TEST(Outbox, BytesAreFreedOnceTheyCanNeverGoAgain) {
  const struct {
    OutboxState state;
    bool kept;
  } rows[] = {{OutboxState::prepared, true},  {OutboxState::committing, true}, {OutboxState::failed, true},
              {OutboxState::uncertain, true}, {OutboxState::sent, false},      {OutboxState::refused, false}};
  for (const auto& row : rows) {
    FakeHost fake;
    host::Services services(fake.c());
    Outbox outbox(services);
    Outbox::Entry e = outbox.prepare(fresh("k1"), composed(), "s");
    e.record.state = row.state;
    outbox.save(e);
    EXPECT_EQ(fake.blobs.size(), row.kept ? 1u : 0u) << name(row.state);
    EXPECT_EQ(outbox.find("k1")->record.blob.empty(), !row.kept) << name(row.state);
    outbox.save(e);  // once more does no harm
  }
}

TEST(Outbox, BytesStayWhenTheOutcomeCouldNotBeWritten) {
  FakeHost fake;
  host::Services services(fake.c());
  Outbox outbox(services);
  Outbox::Entry e = outbox.prepare(fresh("k1"), composed(), "s");
  e.record.state = OutboxState::sent;
  fake.on_apply = [](const std::string&, const std::string&) { return AOH_E_INTERNAL; };
  EXPECT_ANY_THROW(outbox.save(e));
  EXPECT_EQ(fake.blobs.size(), 1u);
  EXPECT_FALSE(e.record.blob.empty());
  fake.on_apply = nullptr;
  outbox.save(e);
  EXPECT_TRUE(fake.blobs.empty());
}

TEST(Outbox, OneClaimAtATime) {
  FakeHost fake;
  host::Services services(fake.c());
  Outbox outbox(services);
  auto first = outbox.claim("k");
  ASSERT_TRUE(first);
  EXPECT_FALSE(outbox.claim("k"));
  EXPECT_TRUE(outbox.claim("other"));
  first.reset();
  EXPECT_TRUE(outbox.claim("k"));
}

TEST(Outbox, KeysDoNotRunIntoEachOther) {
  EXPECT_NE(Outbox::id_of("a", "b", "c"), Outbox::id_of("a", "bc", ""));
  EXPECT_NE(Outbox::id_of("a", "b", "c"), Outbox::id_of("ab", "", "c"));
  EXPECT_EQ(Outbox::id_of("a", "b", "c"), Outbox::id_of("a", "b", "c"));
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace mailroom::tools
