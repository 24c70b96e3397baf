// Reports against a store in memory: the record's notes, the list of suppressed addresses, crashes and races
// between them.
#include "bounce/take_report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "email_fakes/fake_host.hpp"
#include "host/suppressions.hpp"
#include "outbox/store.hpp"
#include "services/clock.hpp"

namespace mailroom::bounce {
namespace {

using host::Suppression;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class TakeReport : public ::testing::Test {
 protected:
  void put(const std::string& key, const aoh::Json& json) {
    ASSERT_TRUE(services.state.apply({{key, json.dump(), AOH_STATE_ANY_VERSION, false}}));
  }
  void SetUp() override {
    put(outbox::sent_key("m1@rig.test"), aoh::Json{{"outbox_id", "o1"}});
    put("outbox/o1",
        aoh::Json{{"id", "o1"},
                  {"state", "sent"},
                  {"credential_id", "work"},
                  {"message_id", "m1@rig.test"},
                  {"to", aoh::Json::array({"anna@supplier.example", "bob@supplier.example"})},
                  {"recipients",
                   aoh::Json::array(
                       {aoh::Json{{"address", "anna@supplier.example"}, {"accepted", true}, {"code", 250}}})},
                  {"future", "kept"}});
  }
  aoh::Json record() { return aoh::Json::parse(services.state.get("outbox/o1")->text); }
  static deliver::Report report(const std::string& address, const std::string& status) {
    deliver::Report r;
    r.message_id = "m1@rig.test";
    r.recipients.push_back(
        {address, deliver::ReportedRecipient::Action::failed, status, "550 5.1.1 no such user", ""});
    return r;
  }
  std::size_t rows() {
    const std::lock_guard lock(fake.mutex);
    return fake.state.size();
  }

  testing::FakeHost fake;
  host::Services services{fake.c()};
};

TEST_F(TakeReport, TheRecordTellsAndTheAddressIsSuppressed) {
  const Taken taken = take_report(services, "work", report("anna@supplier.example", "5.1.1"));
  EXPECT_THAT(taken.noted, ElementsAre("anna@supplier.example"));
  EXPECT_THAT(taken.suppressed, ElementsAre("anna@supplier.example"));
  const aoh::Json r = record();
  EXPECT_EQ(r["future"].str(), "kept");
  EXPECT_EQ(r["recipients"].at(0)["bounced"]["status"].str(), "5.1.1");
  EXPECT_EQ(r["recipients"].at(0)["bounced"]["kind"].str(), "dead");
  EXPECT_EQ(r["recipients"].at(0)["code"].integer(), 250);
  EXPECT_EQ(r["recipients"].at(1)["address"].str(), "bob@supplier.example");
  const auto s = host::is_suppressed(services, "work", "Anna@Supplier.Example");
  ASSERT_TRUE(s);
  EXPECT_EQ(s->message_id, "m1@rig.test");
  EXPECT_FALSE(host::is_suppressed(services, "other", "anna@supplier.example"));
  const std::string line = host::suppressed_error(*s).line();
  EXPECT_THAT(line, HasSubstr("suppressed since 20"));
  EXPECT_THAT(line, HasSubstr("bounced for good (5.1.1)"));
  EXPECT_THAT(line, HasSubstr("release"));
}

TEST_F(TakeReport, TheSameReportTwiceChangesNothingAlsoAfterARelease) {
  take_report(services, "work", report("anna@supplier.example", "5.1.1"));
  const auto version = services.state.get("outbox/o1")->version;
  EXPECT_TRUE(host::release(services, "work", "anna@supplier.example"));
  EXPECT_FALSE(host::release(services, "work", "anna@supplier.example"));
  const Taken again = take_report(services, "work", report("anna@supplier.example", "5.1.1"));
  EXPECT_THAT(again.suppressed, IsEmpty());
  EXPECT_EQ(services.state.get("outbox/o1")->version, version);
  EXPECT_FALSE(host::is_suppressed(services, "work", "anna@supplier.example"));
}

TEST_F(TakeReport, AForgeryWritesNothing) {
  const std::size_t before = rows();
  deliver::Report unknown = report("anna@supplier.example", "5.1.1");
  unknown.message_id = "never@rig.test";
  EXPECT_THAT(take_report(services, "work", unknown).ignored, HasSubstr("no message"));
  EXPECT_THAT(take_report(services, "work", report("boss@rig.test", "5.1.1")).ignored, HasSubstr("nobody"));
  EXPECT_THAT(take_report(services, "other", report("anna@supplier.example", "5.1.1")).ignored,
              HasSubstr("no message"));
  EXPECT_EQ(rows(), before);
  EXPECT_FALSE(record()["recipients"].at(0).has("bounced"));
}

TEST_F(TakeReport, AFullMailboxIsNotedAndNotSuppressed) {
  const Taken taken = take_report(services, "work", report("bob@supplier.example", "5.2.2"));
  EXPECT_THAT(taken.noted, ElementsAre("bob@supplier.example"));
  EXPECT_THAT(taken.suppressed, IsEmpty());
  EXPECT_EQ(record()["recipients"].at(1)["bounced"]["kind"].str(), "failed");
}

TEST_F(TakeReport, ARaceWithTheSenderIsRunAgain) {
  int times = 0;
  fake.on_apply = [&](const std::string& key, const std::string&) {
    return key == "outbox/o1" && times++ < 3 ? AOH_E_BUSY : AOH_OK;
  };
  EXPECT_THAT(take_report(services, "work", report("anna@supplier.example", "5.1.1")).noted,
              ElementsAre("anna@supplier.example"));
  EXPECT_EQ(times, 4);
  times = -1000;
  EXPECT_THROW(take_report(services, "work", report("bob@supplier.example", "5.1.1")), Failure);
}

TEST_F(TakeReport, AFullDiskIsTold) {
  fake.on_apply = [](const std::string&, const std::string&) { return AOH_E_INTERNAL; };
  EXPECT_THROW(take_report(services, "work", report("anna@supplier.example", "5.1.1")), aoh::StatusError);
}

TEST_F(TakeReport, ACrashBeforeTheNoteIsMadeGood) {
  fake.on_apply = [](const std::string& key, const std::string&) {
    return key == "outbox/o1" ? AOH_E_INTERNAL : AOH_OK;
  };
  EXPECT_THROW(take_report(services, "work", report("anna@supplier.example", "5.1.1")), aoh::StatusError);
  fake.on_apply = nullptr;
  EXPECT_TRUE(host::is_suppressed(services, "work", "anna@supplier.example"));
  EXPECT_THAT(take_report(services, "work", report("anna@supplier.example", "5.1.1")).noted,
              ElementsAre("anna@supplier.example"));
}

Suppression entry(const std::string& address, Suppression::Reason reason, std::int64_t since = 0) {
  Suppression s;
  s.credential_id = "work";
  s.address = address;
  s.reason = reason;
  s.since_unix_ns = since;
  return s;
}

TEST_F(TakeReport, BouncesEndAfter180DaysComplaintsDoNot) {
  constexpr std::int64_t kDay = 24LL * 3600 * 1'000'000'000;
  const std::int64_t now = services.clock.wall_ns();
  host::suppress(services, entry("a@x.example", Suppression::Reason::bounce, now - 181 * kDay));
  host::suppress(services, entry("b@x.example", Suppression::Reason::bounce, now - 179 * kDay));
  host::suppress(services, entry("c@x.example", Suppression::Reason::complaint, now - 5000 * kDay));
  EXPECT_FALSE(host::is_suppressed(services, "work", "a@x.example"));
  EXPECT_TRUE(host::is_suppressed(services, "work", "b@x.example"));
  EXPECT_TRUE(host::is_suppressed(services, "work", "c@x.example"));
  EXPECT_TRUE(host::suppress(services, entry("a@x.example", Suppression::Reason::bounce)));  // begins anew
  EXPECT_TRUE(host::is_suppressed(services, "work", "a@x.example"));
}

TEST_F(TakeReport, AComplaintOutweighsABounceAndNotTheOtherWayRound) {
  EXPECT_TRUE(host::suppress(services, entry("a@x.example", Suppression::Reason::bounce)));
  EXPECT_FALSE(host::suppress(services, entry("A@x.example", Suppression::Reason::bounce)));
  EXPECT_TRUE(host::suppress(services, entry("a@x.example", Suppression::Reason::complaint)));
  EXPECT_FALSE(host::suppress(services, entry("a@x.example", Suppression::Reason::bounce)));
  EXPECT_EQ(host::is_suppressed(services, "work", "a@x.example")->reason, Suppression::Reason::complaint);
}

TEST_F(TakeReport, TheListGoesOnPageByPageAndKeepsCredentialsApart) {
  for (int i = 0; i < 25; ++i)
    host::suppress(services, entry("u" + std::to_string(i) + "@x.example", Suppression::Reason::manual));
  Suppression other = entry("z@x.example", Suppression::Reason::manual);
  other.credential_id = "work/deeper";
  host::suppress(services, other);
  std::set<std::string> seen;
  std::string after, next;
  int pages = 0;
  do {
    for (const Suppression& s : host::suppressions(services, "work", after, 10, next))
      EXPECT_TRUE(seen.insert(s.address).second);
    after = next;
    ++pages;
  } while (!next.empty() && pages < 10);
  EXPECT_EQ(seen.size(), 25u);
}

}  // namespace
}  // namespace mailroom::bounce
