#include "watch/event.hpp"

#include <gtest/gtest.h>

#include "mime/parse.hpp"
#include "read/part_plan.hpp"

namespace mailroom::watch {
namespace {

Source source() {
  Source s;
  s.credential_id = "quotes";
  s.mailbox = "INBOX";
  return s;
}

imap::Section section(std::string name, std::string bytes) {
  imap::Section s;
  s.name = std::move(name);
  s.size = bytes.size();
  s.bytes = std::move(bytes);
  return s;
}

imap::MessageRow row(std::string header = "Subject: x\r\n\r\n") {
  imap::MessageRow r;
  r.uid = 9;
  r.size = 100;
  r.internal_date_s = 1'700'000'000;
  r.sections.push_back(section("HEADER", std::move(header)));
  return r;
}

TEST(Dedupe, ServersIdentityThenUid) {
  imap::MessageRow r = row();
  EXPECT_EQ(dedupe_key(source(), 7, r), "quotes/INBOX/7.9");
  r.gm_message_id = "123";
  EXPECT_EQ(dedupe_key(source(), 7, r), "quotes/gm:123");
  r.email_id = "M1";
  EXPECT_EQ(dedupe_key(source(), 7, r), "quotes/emailid:M1");
  r.email_id = std::string(2000, 'x');
  EXPECT_LE(dedupe_key(source(), 7, r).size(), 512u);
}

TEST(Digest, HeaderSizeAndDateEachCount) {
  const std::string d = digest_of(row());
  EXPECT_EQ(d, digest_of(row()));
  EXPECT_NE(d, digest_of(row("Subject: y\r\n\r\n")));
  imap::MessageRow r = row();
  r.size = 101;
  EXPECT_NE(d, digest_of(r));
  r = row();
  r.internal_date_s = 1'700'000'001;
  EXPECT_NE(d, digest_of(r));
}

TEST(Payload, HasWhatBlueprintsName) {
  const mime::Message m = mime::parse("From: Ada <ada@example.org>\r\nMessage-ID: <1@x>\r\n\r\nHello\r\n");
  const aoh::Json email = payload_of(source(), 7, m, row())["email"];
  EXPECT_EQ(email["body_text"].str(), email["text"].str());
  EXPECT_NE(email["body_text"].str().find("Hello"), std::string::npos);
  EXPECT_TRUE(email["subject"].is_string());  // there is none: a template may name it all the same
  EXPECT_TRUE(email["attachments"].is_array());
  EXPECT_EQ(email["from"].at(0)["address"].str(), "ada@example.org");
  EXPECT_EQ(email["uid"].integer(), 9);
  EXPECT_EQ(email["uid_validity"].integer(), 7);
  EXPECT_EQ(email["mailbox"].str(), "INBOX");
  EXPECT_EQ(email["credential_id"].str(), "quotes");
  EXPECT_EQ(email["thread_id"].str(), "1@x");
  EXPECT_TRUE(email["untrusted"].boolean());
}

TEST(Payload, IsCutToItsLimit) {
  std::string to;
  for (int i = 0; i < 3000; ++i)
    to += "\"" + std::string(50, 'n') + "\" <a" + std::to_string(i) + "@example.org>,\r\n ";
  const mime::Message m = mime::parse("From: a@b.example\r\nTo: " + to + "x@y.example\r\n\r\n" +
                                      std::string(1 << 20, '"') + "\r\n");
  const aoh::Json payload = payload_of(source(), 7, m, row());
  EXPECT_LE(payload.dump().size(), 256u << 10);
  EXPECT_TRUE(payload["email"].has("truncated"));
  EXPECT_LE(payload_of(source(), 7, m, row(), 600).dump().size(), 600u);
}

// --- which parts are downloaded (read/part_plan.hpp)

imap::BodyPart leaf(std::string number, std::string type, std::string subtype, std::uint32_t size) {
  imap::BodyPart p;
  p.number = std::move(number);
  p.type = std::move(type);
  p.subtype = std::move(subtype);
  p.size = size;
  p.encoding = "7bit";
  return p;
}

const std::string kRaw =
    "From: a@b.example\r\nSubject: parts\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; "
    "boundary=\"B\"\r\n\r\n"
    "--B\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nSee the file.\r\n"
    "--B\r\nContent-Type: application/pdf; name=\"q.pdf\"\r\nContent-Disposition: attachment; "
    "filename=\"q.pdf\"\r\n"
    "Content-Transfer-Encoding: base64\r\n\r\nAAAA\r\n--B--\r\n";

imap::MessageRow with_attachment() {
  imap::MessageRow r = row(kRaw.substr(0, kRaw.find("\r\n\r\n") + 4));
  r.size = 5'000'000;
  imap::BodyPart top;
  top.type = "multipart";
  top.subtype = "mixed";
  top.params = {{"boundary", "B"}};
  top.parts = {leaf("1", "text", "plain", 13), leaf("2", "application", "pdf", 4'900'000)};
  top.parts[1].encoding = "base64";
  top.parts[1].disposition = "attachment";
  top.parts[1].disposition_params = {{"filename", "q.pdf"}};
  r.structure = top;
  return r;
}

TEST(PartPlan, AttachmentsDoNotTravel) {
  const imap::MessageRow head = with_attachment();
  const read::PartPlan plan = read::plan_text(head);
  EXPECT_FALSE(plan.plain);
  std::vector<std::string> wanted;
  for (const auto& w : plan.wants) wanted.push_back(w.name);
  EXPECT_EQ(wanted, (std::vector<std::string>{"1.MIME", "1", "2.MIME"}));
  imap::MessageRow parts;
  parts.sections = {
      section("1.MIME", "Content-Type: text/plain; charset=utf-8\r\n\r\n"), section("1", "See the file."),
      section("2.MIME",
              "Content-Type: application/pdf; name=\"q.pdf\"\r\nContent-Disposition: attachment; "
              "filename=\"q.pdf\"\r\n"
              "Content-Transfer-Encoding: base64\r\n\r\n")};
  const mime::Message m = read::assemble(head, plan, parts);
  EXPECT_EQ(m.subject, "parts");
  EXPECT_EQ(m.text.value_or("").substr(0, 13), "See the file.");
  ASSERT_EQ(m.attachments.size(), 1u);
  EXPECT_EQ(m.attachments[0].filename, "q.pdf");
  EXPECT_TRUE(m.attachments[0].size_estimated);
  EXPECT_GT(m.attachments[0].size, 3'000'000u);
  EXPECT_FALSE(m.attachments[0].sha256);
  EXPECT_EQ(m.size, 5'000'000u);
}

TEST(PartPlan, OnePartOfModestSizeIsItsText) {
  imap::MessageRow head = row();
  head.structure = leaf("1", "text", "plain", 90);
  const read::PartPlan plan = read::plan_text(head);
  EXPECT_TRUE(plan.plain);
  ASSERT_EQ(plan.wants.size(), 1u);
  EXPECT_EQ(plan.wants[0].name, "TEXT");
  EXPECT_FALSE(plan.wants[0].limit);
}

TEST(PartPlan, WithoutAStructureOnlyTheBeginningOfALargeMessage) {
  imap::MessageRow head = row();
  head.size = 50'000'000;
  const read::PartPlan plan = read::plan_text(head);
  ASSERT_EQ(plan.wants.size(), 1u);
  EXPECT_TRUE(plan.cut);
  EXPECT_EQ(plan.wants[0].limit, 1u << 20);
}

TEST(PartPlan, ManyPartsAreCut) {
  imap::MessageRow head = with_attachment();
  for (int i = 3; i < 5000; ++i)
    head.structure->parts.push_back(leaf(std::to_string(i), "text", "plain", 10));
  const read::PartPlan plan = read::plan_text(head);
  EXPECT_TRUE(plan.cut);
  EXPECT_LE(plan.wants.size(), 400u);
  (void)read::assemble(head, plan, imap::MessageRow{});
}

}  // namespace
}  // namespace mailroom::watch
