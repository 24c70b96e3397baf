// What a report means for the addresses it names: the codes, the forgeries, the black-outs.
#include "deliver/suppression.hpp"

#include <gtest/gtest.h>

namespace mailroom::deliver {
namespace {

using Kind = Consequence::Kind;

std::optional<SentFact> ours(std::string_view message_id, std::string_view envelope_id) {
  if (message_id != "m1@rig.test" && envelope_id != "e1") return std::nullopt;
  return SentFact{"outbox-1", "work", {"anna@Supplier.example", "bob@supplier.example"}};
}

Report bounce(const std::string& address, const std::string& status,
              const std::string& message_id = "m1@rig.test",
              ReportedRecipient::Action action = ReportedRecipient::Action::failed) {
  Report r;
  r.message_id = message_id;
  r.recipients.push_back({address, action, status, "550 no", ""});
  return r;
}

TEST(Suppression, CodesOfRfc3463) {
  for (const char* dead :
       {"5.0.0", "5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.0", "5.2.1", "5.4.1", "5.4.4"})
    EXPECT_TRUE(is_dead_address(dead)) << dead;
  for (const char* alive : {"", "4.1.1", "2.0.0", "5.1.7", "5.1.8", "5.2.2", "5.2.3", "5.3.0", "5.3.4",
                            "5.4.6", "5.4.7", "5.5.1", "5.6.1", "5.7.1", "5.7.26", "5", "5.", "x"})
    EXPECT_FALSE(is_dead_address(alive)) << alive;
}

TEST(Suppression, ADeadAddressOfAMessageThatWasSent) {
  const Consequences c = consequences_of(bounce("Anna@supplier.EXAMPLE", "5.1.1"), "work", &ours);
  EXPECT_EQ(c.outbox_id, "outbox-1");
  ASSERT_EQ(c.each.size(), 1u);
  EXPECT_EQ(c.each[0].kind, Kind::dead);
  EXPECT_EQ(c.each[0].address, "anna@Supplier.example");  // as it was sent to
}

TEST(Suppression, FullRefusedAndDelayedAreOnlyNoted) {
  EXPECT_EQ(consequences_of(bounce("anna@supplier.example", "5.2.2"), "work", &ours).each.at(0).kind,
            Kind::failed);
  EXPECT_EQ(consequences_of(bounce("anna@supplier.example", ""), "work", &ours).each.at(0).kind,
            Kind::failed);
  const auto late =
      bounce("anna@supplier.example", "4.4.1", "m1@rig.test", ReportedRecipient::Action::delayed);
  EXPECT_EQ(consequences_of(late, "work", &ours).each.at(0).kind, Kind::delayed);
  const auto good =
      bounce("anna@supplier.example", "2.0.0", "m1@rig.test", ReportedRecipient::Action::delivered);
  EXPECT_TRUE(consequences_of(good, "work", &ours).each.empty());
}

TEST(Suppression, ForgeriesAreIgnored) {
  for (const Report& forged :
       {bounce("anna@supplier.example", "5.1.1", "never@rig.test"),
        bounce("anna@supplier.example", "5.1.1", ""), bounce("boss@rig.test", "5.1.1")}) {
    const Consequences c = consequences_of(forged, "work", &ours);
    EXPECT_TRUE(c.each.empty());
    EXPECT_FALSE(c.ignored.empty());
    EXPECT_TRUE(c.outbox_id.empty());
  }
  EXPECT_TRUE(consequences_of(bounce("anna@supplier.example", "5.1.1"), "another", &ours).each.empty());
}

TEST(Suppression, TiedByEnvelopeIdWhereTheHeaderIsMissing) {
  Report r = bounce("bob@supplier.example", "5.1.1", "");
  r.envelope_id = "e1";
  EXPECT_EQ(consequences_of(r, "work", &ours).each.size(), 1u);
}

TEST(Suppression, Complaints) {
  Report r;
  r.kind = Report::Kind::complaint;
  r.message_id = "m1@rig.test";
  r.feedback_type = "abuse";
  EXPECT_TRUE(consequences_of(r, "work", &ours).each.empty());  // of two recipients nobody knows which
  const SentLookup one = [](std::string_view, std::string_view) {
    return std::optional<SentFact>({"outbox-1", "work", {"anna@supplier.example"}});
  };
  EXPECT_EQ(consequences_of(r, "work", one).each.at(0).kind, Kind::complaint);
  r.recipients.push_back({"bob@supplier.example", ReportedRecipient::Action::unknown, "", "", ""});
  EXPECT_EQ(consequences_of(r, "work", &ours).each.at(0).address, "bob@supplier.example");
  for (const char* type : {"not-spam", "auth-failure"}) {
    r.feedback_type = type;
    EXPECT_TRUE(consequences_of(r, "work", &ours).each.empty()) << type;
  }
}

TEST(Suppression, AThousandStrangersAndTheSameTwice) {
  Report r = bounce("anna@supplier.example", "5.1.1");
  r.recipients.push_back(r.recipients[0]);
  for (int i = 0; i < 1000; ++i)
    r.recipients.push_back(
        {"x" + std::to_string(i) + "@y.example", ReportedRecipient::Action::failed, "5.1.1", "", ""});
  const Consequences c = consequences_of(r, "work", &ours);
  EXPECT_EQ(c.each.size(), 1u);
  EXPECT_EQ(c.strangers, 1000u);
}

}  // namespace
}  // namespace mailroom::deliver
