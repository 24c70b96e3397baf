#include "policy/loop_guard.hpp"

#include <gtest/gtest.h>

#include "mime/parse.hpp"

namespace mailroom::policy {
namespace {

struct Row {
  const char* name;
  std::string fields;  // beside From and Message-ID
  std::string rule;    // "": an answer is allowed
};

class LoopGuard : public ::testing::TestWithParam<Row> {};

TEST_P(LoopGuard, Decides) {
  const Row& row = GetParam();
  std::string raw = row.fields;
  if (raw.find("From:") == std::string::npos) raw += "From: Ada <ada@example.org>\r\n";
  raw += "Message-ID: <1@example.org>\r\n\r\nHello\r\n";
  const Verdict v =
      may_auto_reply(mime::parse(raw), {"quotes@rig.test", "Sales@Rig.Test"}, {"mine@rig.test"});
  EXPECT_EQ(v.rule, row.rule);
  EXPECT_EQ(v.allowed, row.rule.empty());
  EXPECT_EQ(v.why.empty(), v.allowed);
}

INSTANTIATE_TEST_SUITE_P(
    Table, LoopGuard,
    ::testing::Values(
        Row{"person", "", ""}, Row{"auto_submitted_no", "Auto-Submitted: no\r\n", ""},
        Row{"auto_submitted_no_comment", "Auto-Submitted: (a \\) person) No (really); x=auto\r\n", ""},
        Row{"auto_replied", "Auto-Submitted: auto-replied\r\n", "auto_submitted"},
        Row{"auto_generated_params", "auto-submitted: Auto-Generated; type=x\r\n", "auto_submitted"},
        Row{"auto_notified", "Auto-Submitted: auto-notified; owner-email=\"a@b\"\r\n", "auto_submitted"},
        Row{"auto_unknown", "Auto-Submitted: robot\r\n", "auto_submitted"},
        Row{"second_of_two", "Auto-Submitted: no\r\nAuto-Submitted: auto-replied\r\n", "auto_submitted"},
        Row{"bulk", "Precedence: Bulk\r\n", "precedence"}, Row{"junk", "Precedence: junk\r\n", "precedence"},
        Row{"list_precedence", "Precedence: list\r\n", "precedence"},
        Row{"first_class", "Precedence: first-class\r\n", ""},
        Row{"list_id", "List-Id: <x.example.org>\r\n", "list"},
        Row{"list_unsubscribe", "LIST-UNSUBSCRIBE: <mailto:x@y>\r\n", "list"},
        Row{"listing_is_no_list", "Listing-Number: 7\r\n", ""},
        Row{"suppress_all", "X-Auto-Response-Suppress: All\r\n", "suppressed"},
        Row{"suppress_oof", "X-Auto-Response-Suppress: DR, OOF, AutoReply\r\n", "suppressed"},
        Row{"suppress_dr_only", "X-Auto-Response-Suppress: DR, RN\r\n", ""},
        Row{"null_return_path", "Return-Path: <>\r\n", "null_return_path"},
        Row{"spaced_null_return_path", "Return-Path: < >\r\n", "null_return_path"},
        Row{"return_path", "Return-Path: <ada@example.org>\r\n", ""},
        Row{"mailer_daemon", "From: MAILER-DAEMON@mx.example.org\r\n", "machine_sender"},
        Row{"noreply", "From: \"Shop\" <no_reply+7@example.org>\r\n", "machine_sender"},
        Row{"donotreply", "From: do-not-reply@example.org\r\n", "machine_sender"},
        Row{"postmaster", "From: postmaster@example.org\r\n", "machine_sender"},
        Row{"bounces", "From: list-bounces@example.org\r\n", "machine_sender"},
        Row{"request", "From: dev-request@example.org\r\n", "machine_sender"},
        Row{"norbert_is_a_person", "From: norbert.replyson@example.org\r\n", ""},
        Row{"reply_to_machine", "From: ada@example.org\r\nReply-To: noreply@example.org\r\n",
            "machine_sender"},
        Row{"own", "From: Quotes@RIG.test\r\n", "own_address"},
        Row{"own_identity", "From: sales@rig.test\r\n", "own_address"},
        Row{"report", "Content-Type: multipart/report; boundary=b\r\n", "report"}),
    [](const auto& param_info) { return std::string(param_info.param.name); });

TEST(LoopGuard, LoopsOwnMessagesAndNobody) {
  std::string raw = "From: ada@example.org\r\nMessage-ID: <mine@rig.test>\r\n\r\n";
  EXPECT_EQ(may_auto_reply(mime::parse(raw), {}, {"mine@rig.test"}).rule, "own_message");
  std::string hops;
  for (int i = 0; i < 51; ++i) hops += "Received: from a by b\r\n";
  EXPECT_EQ(may_auto_reply(mime::parse(hops + raw), {}, {}).rule, "hops");
  EXPECT_EQ(may_auto_reply(mime::parse("Subject: x\r\n\r\n"), {}, {}).rule, "no_sender");
  EXPECT_EQ(may_auto_reply(mime::parse(""), {}, {}).rule, "no_sender");
}

TEST(LoopGuard, AnAnswerOfTheRulesGoesToOneAndSoon) {
  const auto rule = [](const std::string& header, std::int64_t age = 0) {
    return may_answer_by_rule(mime::parse_headers(header + "\r\n"), {"me@rig.test"}, 1'000'000,
                              1'000'000 + age)
        .rule;
  };
  EXPECT_EQ(rule("From: a@x.example\r\n"), "");
  EXPECT_EQ(rule("From: a@x.example\r\n", kAnswerWithin), "");
  EXPECT_EQ(rule("From: a@x.example\r\n", kAnswerWithin + 1), "old");
  EXPECT_EQ(rule("From: a@x.example, b@x.example\r\n"), "one_address");
  EXPECT_EQ(rule("From: a@x.example\r\nReply-To: b@x.example, B@X.example\r\n"), "");
  EXPECT_EQ(rule("From: a@x.example\r\nReply-To: b@x.example, c@x.example\r\n"), "one_address");
  EXPECT_EQ(rule("From: a@x.example\r\nReply-To: me@rig.test\r\n"), "own_address");
  EXPECT_EQ(answered_address(mime::parse_headers("From: a@x.example\r\nReply-To: b@x.example\r\n\r\n")),
            "b@x.example");
}

TEST(LoopGuard, Recipients) {
  EXPECT_TRUE(may_auto_reply_to("ada@example.org", {"x@rig.test"}));
  EXPECT_EQ(may_auto_reply_to("X@rig.TEST", {"x@rig.test"}).rule, "own_address");
  EXPECT_EQ(may_auto_reply_to("", {}).rule, "no_sender");
  EXPECT_EQ(may_auto_reply_to("majordomo@lists.example", {}).rule, "machine_sender");
}

}  // namespace
}  // namespace mailroom::policy
