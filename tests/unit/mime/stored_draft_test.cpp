// Drafts as mail programs leave them, and what is sent of them.
#include <gmock/gmock.h>

#include "base/error.hpp"
#include "mime/draft_sending.hpp"
#include "mime/parse.hpp"
#include "mime/stored_draft.hpp"

namespace mailroom::mime {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const std::vector<std::string> kOwn{"me@own.example", "other@own.example"};

ComposeContext context() { return {1'795'461'360, "unique-token", "boundary-seed"}; }
Composed outgoing(std::string_view raw, std::string_view auto_submitted = {}) {
  return sendable_from_draft(raw, kOwn, context(), {}, auto_submitted);
}
Error error(std::string_view raw) {
  try {
    outgoing(raw);
  } catch (const Failure& f) {
    return f.error;
  }
  return {};
}
Errc code(std::string_view raw) { return error(raw).code; }

Draft draft() {
  Draft d;
  d.from = {{"Me", "me@own.example", {}}};
  d.to = {{"Ann", "ann@a.example", {}}};
  d.bcc = {{"Hidden", "hidden@b.example", {}}};
  d.subject = "Grüße";
  d.text = "Hello\n";
  return d;
}
std::string stored(const Draft& d) {
  ComposeContext c = context();
  c.message_id_unique = "as-a-draft";
  c.unix_seconds = 0;
  Draft kept = d;
  kept.keep_bcc = true;
  return compose(kept, c).bytes;
}

TEST(StoredDraft, KeepsBccInItsHeaderAndSendsItInTheEnvelopeOnly) {
  const std::string raw = stored(draft());
  EXPECT_THAT(raw, HasSubstr("\r\nBcc: Hidden <hidden@b.example>\r\n"));
  const Composed sent = outgoing(raw);
  EXPECT_THAT(sent.envelope_to, ElementsAre("ann@a.example", "hidden@b.example"));
  EXPECT_EQ(sent.envelope_from, "me@own.example");
  EXPECT_EQ(sent.message_id, "unique-token@own.example");
  EXPECT_THAT(sent.bytes, Not(HasSubstr("Bcc")));
  EXPECT_THAT(sent.bytes, Not(HasSubstr("hidden")));
  EXPECT_THAT(sent.bytes, Not(HasSubstr("as-a-draft")));
  EXPECT_THAT(sent.bytes, HasSubstr("Date: Mon, 23 Nov 2026 19:16:00 +0000\r\n"));
  const Message m = parse(sent.bytes);
  EXPECT_EQ(m.subject, "Grüße");
  EXPECT_EQ(m.text, "Hello\n");
  EXPECT_EQ(m.message_id, "unique-token@own.example");
  EXPECT_TRUE(m.warnings.empty());
}

TEST(StoredDraft, NobodyNeedBeNamedUntilItIsSent) {
  Draft d = draft();
  d.to.clear();
  d.bcc.clear();
  const std::string raw = stored(d);
  EXPECT_THAT(raw, Not(HasSubstr("undisclosed")));
  EXPECT_EQ(code(raw), Errc::invalid);
  EXPECT_THROW(compose(d, context()), Failure);
  d.bcc = {{"", "hidden@b.example", {}}};
  EXPECT_THAT(outgoing(stored(d)).bytes, HasSubstr("To: undisclosed-recipients:;\r\n"));
}

TEST(StoredDraft, SentWithTheBodyOfAMailProgram) {
  const std::string body =
      "--b1\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: "
      "8bit\r\n\r\nGr\xc3\xbc\xc3\x9f"
      "e\r\n--b1\r\nContent-Type: application/pdf; name=\"a b.pdf\"\r\nContent-Transfer-Encoding: "
      "base64\r\n\r\nAAEC\r\n--b1--\r\n";
  const Composed sent = outgoing(
      "X-Mozilla-Status: 0001\r\nX-Identity-Key: id1\r\nFCC: imap://me@own.example/Sent\r\nX-Unsent: 1\r\n"
      "Message-ID: <old@own.example>\r\nDate: Thu, 1 Jan 2026 00:00:00 +0000\r\nReceived: from x by y\r\n"
      "From: Me <ME@own.example>\r\nTo: \"Berg, Anna\" <anna@a.example>,\r\n bob@B.example\r\nBCC: a group: "
      "hid@c.example;\r\n"
      "Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\nIn-Reply-To: <1@x>\r\nReferences: <0@x>\r\n "
      "<1@x>\r\nX-Priority: 1\r\n"
      "Resent-From: evil@e.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed;\r\n "
      "boundary=\"b1\"\r\n\r\n" +
      body);
  for (const char* gone :
       {"X-Mozilla", "X-Identity", "Fcc", "FCC", "X-Unsent", "old@own", "Received", "Resent", "hid@c"})
    EXPECT_THAT(sent.bytes, Not(HasSubstr(gone))) << gone;
  EXPECT_TRUE(sent.bytes.ends_with("\r\n\r\n" + body));
  EXPECT_TRUE(sent.eight_bit);
  EXPECT_THAT(sent.envelope_to, ElementsAre("anna@a.example", "bob@B.example", "hid@c.example"));
  const Message m = parse(sent.bytes);
  EXPECT_EQ(m.subject, "Grüße");
  EXPECT_THAT(m.references, ElementsAre("0@x", "1@x"));
  EXPECT_THAT(m.in_reply_to, ElementsAre("1@x"));
  EXPECT_EQ(m.to.at(0).name, "Berg, Anna");
  EXPECT_EQ(m.attachments.size(), 1u);
  EXPECT_EQ(m.header("X-Priority") ? *m.header("X-Priority") : "", "1");
}

TEST(StoredDraft, OnlyOnesOwnAddressesSend) {
  EXPECT_EQ(code("From: ceo@a.example\r\nTo: b@b.example\r\n\r\nx\r\n"), Errc::refused);
  EXPECT_EQ(code("From: me@own.example\r\nSender: ceo@a.example\r\nTo: b@b.example\r\n\r\nx\r\n"),
            Errc::refused);
  EXPECT_EQ(
      code("From: me@own.example, ceo@a.example\r\nSender: me@own.example\r\nTo: b@b.example\r\n\r\nx\r\n"),
      Errc::refused);
  EXPECT_EQ(code("From: other@OWN.example\r\nTo: b@b.example\r\n\r\nx\r\n"), Errc::ok);
}

TEST(StoredDraft, WhatIsAmbiguousIsNotSent) {
  for (const std::string& raw : {
           std::string("To: b@b.example\r\n\r\nx\r\n"),
           std::string("From: me@own.example\r\nFrom: me@own.example\r\nTo: b@b.example\r\n\r\nx\r\n"),
           std::string("From: me@own.example\r\nTo: b@b.example\r\nTo: c@b.example\r\n\r\nx\r\n"),
           std::string("From: me@own.example\r\nTo: b@b.example\r\nBcc: c@b.example\r\nbcc: "
                       "d@b.example\r\n\r\nx\r\n"),
           std::string("From: me@own.example\r\nTo: not an address\r\n\r\nx\r\n"),
           std::string("From: me@own.example\r\nTo: b@b.example\r\nBad Name: x\r\n\r\nx\r\n"),
           std::string(" From: me@own.example\r\nTo: b@b.example\r\n\r\nx\r\n"),
       })
    EXPECT_EQ(code(raw), Errc::invalid) << raw;
}

const std::string kDraft =
    "From: Me <me@own.example>\r\nTo: ann@a.example\r\nbCC: a@x.example,\r\n b@x.example\r\nDate: Mon, 1 "
    "Jan 2024 00:00:00 +0000\r\nSubject: Hi\r\nDATE: x\r\nMessage-Id: <old@x>\r\nmessage-id: <older@x>\r\n"
    "Return-Path: <y@x>\r\nX-Draft-Id: 17\r\n\r\nBody\r\n";

TEST(StoredDraft, ExactBytes) {
  const Composed out = outgoing(kDraft);
  EXPECT_EQ(out.bytes,
            "Date: Mon, 23 Nov 2026 19:16:00 +0000\r\nFrom: Me <me@own.example>\r\nTo: ann@a.example\r\n"
            "Subject: Hi\r\nMessage-ID: <unique-token@own.example>\r\nX-Draft-Id: 17\r\nMIME-Version: 1.0\r\n"
            "\r\nBody\r\n");
  EXPECT_THAT(out.envelope_to, ElementsAre("ann@a.example", "a@x.example", "b@x.example"));
}

TEST(StoredDraft, RefusesByName) {
  const auto changed = [](std::string_view from, const std::string& to) {
    std::string raw = kDraft;
    raw.replace(raw.find(from), from.size(), to);
    const Error e = error(raw);
    return e.code == Errc::invalid ? e.where : std::string(name(e.code));
  };
  EXPECT_EQ(changed("Body", "Body\rx"), "draft");
  EXPECT_EQ(changed("Body", "Body\nx"), "draft");
  EXPECT_EQ(changed("Body\r\n", "Body\r"), "draft");
  EXPECT_EQ(changed("Body", std::string("a\0b", 3)), "draft");
  EXPECT_EQ(changed("Body", std::string(999, 'x')), "draft");
  EXPECT_EQ(changed("Body", std::string(998, 'x')), "ok");
  EXPECT_EQ(changed("Subject: Hi", "Subject: Hi\rBcc: x@y.z"), "draft");
  EXPECT_EQ(changed("Subject: Hi", "Subject: Hi\nBcc: x@y.z"), "draft");
  EXPECT_EQ(changed("Subject: Hi", "no field"), "draft");
  EXPECT_EQ(changed("\r\n\r\nBody\r\n", ""), "draft");
  EXPECT_EQ(changed("\r\nBody\r\n", ""), "ok") << "all header";
  EXPECT_EQ(changed("Subject: Hi", "To: c@x.example"), "To");
  EXPECT_EQ(changed("Subject: Hi", "Content-Id: <a@b>\r\nContent-ID: <c@d>"), "Content-ID");
  EXPECT_EQ(changed("Subject: Hi", "Content-Type: text/plain; name=ö"), "Content-Type");
  EXPECT_EQ(changed("Subject: Hi", "In-Reply-To: <a\x1b@b>"), "In-Reply-To");
  EXPECT_EQ(changed("Subject: Hi", "References: <" + std::string(950, 'r') + "@x>"), "References");
  EXPECT_EQ(changed("ann@a.example", "ann"), "To[0]");
  EXPECT_EQ(changed("b@x.example", "=?utf-8?Q?evil=40x.y?=@z.example"), "Bcc[1]");
  EXPECT_EQ(changed("From: Me <me@own.example>", "X: y"), "From");
  EXPECT_EQ(changed("me@own.example>", "me@own.example>, other@own.example"), "Sender");
  std::string many = "Bcc:";
  for (int i = 0; i < 501; ++i) many += " u" + std::to_string(i) + "@x.example,\r\n";
  EXPECT_EQ(changed("bCC: a@x.example,", many + " z@x.example,"), "limit");
  std::string large;
  for (int i = 0; i < 300; ++i) large += "X-F: " + std::string(990, 'x') + "\r\n";
  EXPECT_EQ(changed("Subject: Hi", large + "Subject: Hi"), "limit");
  EXPECT_THROW(sendable_from_draft(kDraft, kOwn, {0, "a b", "seed-of-boundaries"}), Failure);
}

TEST(StoredDraft, AHiddenRecipientStaysHiddenHoweverItsFieldIsWritten) {
  for (const char* field : {"Bcc", "bCC", "Bcc ", "BCC\t", "Resent-Bcc"}) {
    std::string raw = kDraft;
    raw.replace(raw.find("bCC"), 3, field);
    EXPECT_THAT(outgoing(raw).bytes, Not(HasSubstr("x.example"))) << field;
  }
}

TEST(StoredDraft, EightBitHeadersAreEncodedAndAddressesNeedTheServersWord) {
  const Composed out = outgoing(
      "From: me@own.example\r\nTo: Jörg <jörg@x.example>\r\nSubject: Grüße\r\nX-Mood: größer\r\n\r\nö\r\n");
  EXPECT_TRUE(out.eight_bit);
  EXPECT_TRUE(out.smtputf8);
  EXPECT_THAT(out.envelope_to, ElementsAre("jörg@x.example"));
  const Message m = parse(out.bytes);
  EXPECT_EQ(m.subject, "Grüße");
  EXPECT_EQ(m.to.at(0).name, "Jörg");
  EXPECT_THAT(out.bytes, Not(HasSubstr("größer")));
  EXPECT_THAT(out.bytes, Not(HasSubstr("Grüße")));
}

TEST(StoredDraft, NothingBreaksOutOfAHeader) {
  // Encoded words may hold line ends: they become spaces.
  const std::string base = "From: me@own.example\r\nTo: b@b.example\r\n";
  const Composed one = outgoing(base + "Subject: =?utf-8?Q?a=0D=0ABcc:_x@y.z?=\r\n\r\nx\r\n");
  EXPECT_THAT(one.bytes, Not(HasSubstr("\nBcc")));
  EXPECT_THAT(one.envelope_to, ElementsAre("b@b.example"));
  const Composed sent = outgoing(base + "X-A: =?utf-8?Q?a=0D=0AX-Evil:_1?=\r\nSubject: s\r\n\r\nx\r\n\r\ny");
  EXPECT_THAT(sent.bytes, Not(HasSubstr("\nX-Evil")));
  for (std::size_t i = 0; i < sent.bytes.size(); ++i) {
    if (sent.bytes[i] == '\n') {
      EXPECT_TRUE(i > 0 && sent.bytes[i - 1] == '\r') << i;
    }
    if (sent.bytes[i] == '\r') {
      EXPECT_TRUE(i + 1 < sent.bytes.size() && sent.bytes[i + 1] == '\n') << i;
    }
  }
}

TEST(StoredDraft, AMachineThatSendsItSaysSo) {
  const std::string raw = "From: me@own.example\r\nTo: b@b.example\r\nAuto-Submitted: no\r\n\r\nx\r\n";
  EXPECT_THAT(outgoing(raw, "auto-replied").bytes, HasSubstr("Auto-Submitted: auto-replied\r\n"));
  EXPECT_THAT(outgoing(raw, "auto-replied").bytes, Not(HasSubstr("Auto-Submitted: no")));
  EXPECT_THAT(outgoing(raw).bytes, HasSubstr("Auto-Submitted: no"));
}

TEST(StoredDraft, IsReadBackToBeChanged) {
  Draft d = draft();
  d.cc = {{"", "cc@a.example", {}}};
  d.html = "<p>Hello <img src=\"cid:pic@x\"></p>";
  d.in_reply_to = "1@x";
  d.references = {"0@x", "1@x"};
  d.attachments = {{"Größe.pdf", "application/pdf", std::string("\x00\x01\xff", 3), "", false},
                   {"pic.png", "image/png", "PNG", "pic@x", true}};
  const Draft back = draft_from_bytes(stored(d));
  EXPECT_EQ(back.from, d.from);
  EXPECT_EQ(back.to, d.to);
  EXPECT_EQ(back.cc, d.cc);
  EXPECT_EQ(back.bcc, d.bcc);
  EXPECT_EQ(back.subject, d.subject);
  EXPECT_EQ(back.text, d.text);
  EXPECT_EQ(back.html.value_or("").substr(0, 9), "<p>Hello ");
  EXPECT_EQ(back.in_reply_to, d.in_reply_to);
  EXPECT_EQ(back.references, d.references);
  ASSERT_EQ(back.attachments.size(), 2u);
  for (const DraftAttachment& a : back.attachments) {
    const DraftAttachment& was = a.is_inline ? d.attachments[1] : d.attachments[0];
    EXPECT_EQ(a.filename, was.filename);
    EXPECT_EQ(a.bytes, was.bytes);
    EXPECT_EQ(a.mime_type, was.mime_type);
    EXPECT_EQ(a.content_id, was.content_id);
  }
}

TEST(StoredDraft, IsReadBackWithItsFurtherFieldsAndTheLabelsOfItsFiles) {
  Draft d = draft();
  d.extra_headers = {{"X-Ticket", "Größe 7"}, {"X-Order", "1"}};
  d.attachments = {{"a.csv", "text/csv",
                    "Gr\xF6\xDF"
                    "e\n",
                    "", false, "iso-8859-15"},
                   {"b.txt", "text/plain", "x", "", false, "no token"},
                   {"c.txt", "text/plain", "x", "", false},
                   {"d.bin", "application/pdf", "x", "", false, "utf-8"}};
  std::string raw = stored(d);
  EXPECT_THAT(raw, HasSubstr("Content-Type: text/csv; charset=iso-8859-15; name=\"a.csv\"\r\n"));
  raw.insert(0,
             "X-Mozilla-Status: 0001\r\nX-Unsent: 1\r\nX-ORDER: 2\r\nX-Spam-Status: "
             "no\r\nX-Empty:\r\nX-Bad_Name: 1\r\n");
  const Draft back = draft_from_bytes(raw);
  EXPECT_THAT(back.extra_headers, ElementsAre(std::pair("X-ORDER", "2"), std::pair("X-Ticket", "Größe 7")));
  ASSERT_EQ(back.attachments.size(), 4u);
  EXPECT_EQ(back.attachments[0].charset, "iso-8859-15");
  EXPECT_EQ(back.attachments[0].bytes, d.attachments[0].bytes);
  for (std::size_t i = 1; i < 4; ++i) EXPECT_EQ(back.attachments[i].charset, "") << i;
  EXPECT_EQ(draft_from_bytes(stored(back)).extra_headers, back.extra_headers);
  std::string many;
  for (int i = 0; i < 80; ++i) many += "X-F" + std::to_string(i) + ": v\r\n";
  EXPECT_NO_THROW(stored(draft_from_bytes(many + raw)));
}

TEST(StoredDraft, AnyBytesAreReadOrRefused) {
  const std::string raw = stored(draft());
  for (std::size_t i = 0; i <= raw.size(); ++i) {
    draft_from_bytes(std::string_view(raw).substr(0, i));
    code(std::string_view(raw).substr(0, i));
  }
}

}  // namespace
}  // namespace mailroom::mime
