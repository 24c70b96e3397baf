#include "deliver/report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mailroom::deliver {
namespace {

using Action = ReportedRecipient::Action;

std::string report_of(const std::string& type, const std::string& status_part,
                      const std::string& returned_part) {
  std::string out =
      "From: MAILER-DAEMON@mx.example.net\r\nTo: me@example.org\r\nSubject: returned\r\nMIME-Version: 1.0\r\n"
      "Content-Type: multipart/report; report-type=" +
      type +
      "; boundary=\"b\"\r\n\r\n"
      "--b\r\n\r\nSorry.\r\n--b\r\n" +
      status_part;
  if (!returned_part.empty()) out += "\r\n--b\r\n" + returned_part;
  return out + "\r\n--b--\r\n";
}

const std::string kStatus =
    "Content-Type: message/delivery-status\r\n\r\n"
    "Reporting-MTA: dns; mx.example.net\r\n"
    "Original-Envelope-Id: outbox-17\r\n"
    "Arrival-Date: Mon, 23 Nov 2026 10:00:00 +0000\r\n"
    "\r\n"
    "Original-Recipient: rfc822;anna@supplier.example\r\n"
    "Final-Recipient: rfc822; a.berg@inside.supplier.example\r\n"
    "Action: failed\r\n"
    "Status: 5.1.1 (no such user)\r\n"
    "Remote-MTA: dns; mx.supplier.example\r\n"
    "Diagnostic-Code: smtp; 550 5.1.1 <anna@supplier.example>:\r\n Recipient unknown\r\n"
    "\r\n"
    "Final-Recipient: rfc822; <bo@supplier.example>\r\n"
    "Action: delayed\r\n"
    "Status: 4.2.2\r\n";
const std::string kReturned =
    "Content-Type: text/rfc822-headers\r\n\r\nFrom: me@example.org\r\nMessage-ID: "
    "<17@example.org>\r\nSubject: hi\r\n";

TEST(Report, ABounceTellsTheFateOfEachRecipient) {
  const auto r = read_report(report_of("delivery-status", kStatus, kReturned));
  ASSERT_TRUE(r);
  EXPECT_EQ(r->kind, Report::Kind::bounce);
  EXPECT_EQ(r->reporting_mta, "mx.example.net");
  EXPECT_EQ(r->envelope_id, "outbox-17");
  EXPECT_EQ(r->message_id, "17@example.org");
  ASSERT_EQ(r->recipients.size(), 2u);
  EXPECT_EQ(r->recipients[0].address, "anna@supplier.example");
  EXPECT_EQ(r->recipients[0].action, Action::failed);
  EXPECT_EQ(r->recipients[0].status, "5.1.1");
  EXPECT_EQ(r->recipients[0].diagnostic, "550 5.1.1 <anna@supplier.example>: Recipient unknown");
  EXPECT_EQ(r->recipients[0].remote_mta, "mx.supplier.example");
  EXPECT_TRUE(r->recipients[0].dead());
  EXPECT_EQ(r->recipients[1].address, "bo@supplier.example");
  EXPECT_EQ(r->recipients[1].action, Action::delayed);
  EXPECT_FALSE(r->recipients[1].dead());
}

TEST(Report, TheWholeMessageMayComeBack) {
  const auto r = read_report(report_of("delivery-status", kStatus,
                                       "Content-Type: message/rfc822\r\n\r\nMessage-ID: "
                                       "<18@example.org>\r\nSubject: hi\r\n\r\nThe body.\r\n"));
  ASSERT_TRUE(r);
  EXPECT_EQ(r->message_id, "18@example.org");
}

TEST(Report, AComplaintNamesTheMessage) {
  const auto r =
      read_report(report_of("feedback-report",
                            "Content-Type: message/feedback-report\r\n\r\n"
                            "Feedback-Type: Abuse\r\nUser-Agent: SomeProvider/1.0\r\nVersion: 1\r\n"
                            "Original-Rcpt-To: <anna@supplier.example>\r\n",
                            kReturned));
  ASSERT_TRUE(r);
  EXPECT_EQ(r->kind, Report::Kind::complaint);
  EXPECT_EQ(r->feedback_type, "abuse");
  EXPECT_EQ(r->message_id, "17@example.org");
  ASSERT_EQ(r->recipients.size(), 1u);
  EXPECT_EQ(r->recipients[0].address, "anna@supplier.example");
  EXPECT_FALSE(r->recipients[0].dead());
}

TEST(Report, WhatKillsAnAddressAndWhatDoesNot) {
  struct Row {
    Action action;
    const char* status;
    bool dead;
  };
  const Row rows[] = {{Action::failed, "5.1.1", true},   {Action::failed, "5.1.10", true},
                      {Action::failed, "5.0.0", true},   {Action::failed, "5.2.1", true},
                      {Action::failed, "5.2.2", false},  {Action::failed, "5.2.3", false},
                      {Action::failed, "5.3.4", false},  {Action::failed, "5.7.1", false},
                      {Action::failed, "4.4.7", false},  {Action::failed, "", false},
                      {Action::delayed, "5.1.1", false}, {Action::delivered, "2.0.0", false},
                      {Action::unknown, "5.1.1", false}};
  for (const Row& row : rows) {
    ReportedRecipient r;
    r.action = row.action;
    r.status = row.status;
    EXPECT_EQ(r.dead(), row.dead) << row.status;
  }
}

TEST(Report, OrdinaryAndDamagedMail) {
  EXPECT_FALSE(read_report(""));
  EXPECT_FALSE(read_report(
      "Subject: Undelivered mail\r\n\r\nFinal-Recipient: rfc822; a@b.example\r\nAction: failed\r\n"));
  EXPECT_FALSE(
      read_report(report_of("delivery-status", "Content-Type: text/plain\r\n\r\nAction: failed\r\n", "")));
  const auto r =
      read_report(report_of("delivery-status",
                            "Content-Type: message/delivery-status\r\n\r\n"
                            "Final-Recipient: anna@supplier.example\r\nAction: exploded\r\nStatus: 9.x\r\n",
                            ""));
  ASSERT_TRUE(r);
  ASSERT_EQ(r->recipients.size(), 1u);
  EXPECT_EQ(r->recipients[0].address, "anna@supplier.example");
  EXPECT_EQ(r->recipients[0].action, Action::unknown);
  EXPECT_EQ(r->recipients[0].status, "");
}

TEST(Report, LimitsHold) {
  std::string many = "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\n";
  for (int i = 0; i < 5'000; ++i)
    many += "Final-Recipient: rfc822; u" + std::to_string(i) +
            "@x.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n";
  const auto r = read_report(report_of("delivery-status", many, kReturned));
  ASSERT_TRUE(r);
  EXPECT_EQ(r->recipients.size(), 1'000u);
  const auto loud = read_report(
      report_of("delivery-status",
                "Content-Type: message/delivery-status\r\n\r\nFinal-Recipient: rfc822; a@b.example\r\n"
                "Action: failed\r\nDiagnostic-Code: smtp; " +
                    std::string(10'000, 'x') + "\x1b[31m\r\n",
                ""));
  ASSERT_TRUE(loud);
  EXPECT_LE(loud->recipients.at(0).diagnostic.size(), 520u);
  EXPECT_EQ(loud->recipients[0].diagnostic.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace mailroom::deliver
