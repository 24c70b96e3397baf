// Forwards, and to whom answers go.
#include "mime/forward.hpp"

#include <gmock/gmock.h>

#include "mime/parse.hpp"
#include "mime/thread.hpp"

namespace mailroom::mime {
namespace {

TEST(Forward, OnePrefixWhoeverForwardedItBefore) {
  const std::pair<const char*, const char*> table[] = {{"x", "Fwd: x"},
                                                       {"", "Fwd:"},
                                                       {"Fwd: x", "Fwd: x"},
                                                       {"FW: x", "Fwd: x"},
                                                       {"WG: x", "Fwd: x"},
                                                       {"TR: x", "Fwd: x"},
                                                       {"转发：x", "Fwd: x"},
                                                       {"轉寄: x", "Fwd: x"},
                                                       {"WG: FW: x", "Fwd: x"},
                                                       {"Re: x", "Fwd: Re: x"},
                                                       {"Fwd: Re: Fwd: x", "Fwd: Re: Fwd: x"},
                                                       {"Fw[2]: x", "Fwd: x"},
                                                       {"Forward: x", "Fwd: Forward: x"},
                                                       {"fwd", "Fwd: fwd"}};
  for (const auto& [subject, wanted] : table) EXPECT_EQ(forward_subject(subject), wanted) << subject;
}

Message original() {
  return parse(
      "From: =?utf-8?Q?J=C3=B6?= <joe@a.b>\r\nTo: me@own.example\r\nCc: \"<script>\" <c@a.b>\r\nSubject: AW: "
      "Angebot <1>\r\n"
      "Date: Mon, 23 Nov 2026 19:16:00 +0100\r\nMessage-ID: <3@x>\r\nReferences: <1@x> <2@x>\r\n\r\nline "
      "<b>1</b>\r\n\r\nend\r\n");
}

TEST(Forward, NamesWhoWhenWhatAboveTheText) {
  EXPECT_EQ(forward_text(original()),
            "---------- Forwarded message ----------\nFrom: Jö <joe@a.b>\nDate: 2026-11-23 19:16 "
            "+01:00\nSubject: AW: "
            "Angebot <1>\nTo: me@own.example\nCc: <script> <c@a.b>\n\nline <b>1</b>\n\nend\n");
  const std::string html = forward_html(original());
  EXPECT_THAT(html, testing::HasSubstr("From: Jö &lt;joe@a.b&gt;<br>"));
  EXPECT_THAT(html, testing::HasSubstr("line &lt;b&gt;1&lt;/b&gt;"));
  EXPECT_EQ(html.find("<script>"), html.npos);
}

TEST(Forward, StaysInTheConversationButAnswersNobody) {
  const Draft d = forward_draft(original());
  EXPECT_EQ(d.subject, "Fwd: AW: Angebot <1>");
  EXPECT_EQ(d.in_reply_to, "");
  EXPECT_THAT(d.references, testing::ElementsAre("1@x", "2@x", "3@x"));
  EXPECT_TRUE(d.to.empty() && d.cc.empty());
  EXPECT_EQ(forward_filename(original()), "Angebot _1_.eml");
  EXPECT_EQ(forward_filename(parse("\r\n")), "message.eml");
}

TEST(Forward, LongTextAndManyAddressesAreCutAndSaySo) {
  Message m = original();
  m.text = std::string(1000, 'x');
  EXPECT_THAT(forward_text(m, 100), testing::HasSubstr("\n[...]"));
  m.to.assign(120, {"", "a@b.example", ""});
  EXPECT_THAT(forward_text(m), testing::HasSubstr("and 70 more"));
  m.from = {{"a\nTo: forged", "x@y.z", ""}};
  EXPECT_EQ(forward_text(m).find("\nTo: forged"), std::string::npos);
}

TEST(Reply, WhomAnAnswerGoesTo) {
  struct Row {
    const char* what;
    const char* header;
    bool all;
    const char* to;
    const char* cc;
  } const table[] = {
      {"the sender", "From: a@x.example\r\nTo: me@own.example, b@x.example\r\nCc: c@x.example\r\n", false,
       "a@x.example", ""},
      {"all, not oneself",
       "From: a@x.example\r\nTo: ME@own.example, b@x.example\r\nCc: alias@own.example, c@x.example\r\n", true,
       "a@x.example", "b@x.example c@x.example"},
      {"Reply-To instead of From", "From: a@x.example\r\nReply-To: r@x.example\r\nTo: me@own.example\r\n",
       false, "r@x.example", ""},
      {"all, with Reply-To: From has asked not to be written to",
       "From: a@x.example\r\nReply-To: r@x.example\r\nTo: b@x.example\r\n", true, "r@x.example",
       "b@x.example"},
      {"several in Reply-To", "From: a@x.example\r\nReply-To: r@x.example, s@x.example\r\n", false,
       "r@x.example s@x.example", ""},
      {"nobody twice",
       "From: a@x.example\r\nTo: a@x.example, b@x.example\r\nCc: B@x.example, A@x.example\r\n", true,
       "a@x.example", "b@x.example"},
      {"one's own sent mail: its recipients",
       "From: me@own.example\r\nTo: b@x.example, c@x.example\r\nCc: d@x.example\r\n", false,
       "b@x.example c@x.example", ""},
      {"one's own sent mail, all",
       "From: alias@own.example\r\nTo: b@x.example\r\nCc: me@own.example, d@x.example\r\n", true,
       "b@x.example", "d@x.example"},
      {"a web form sends as oneself for another",
       "From: me@own.example\r\nReply-To: customer@x.example\r\nTo: me@own.example\r\n", true,
       "customer@x.example", ""},
      {"a note to oneself", "From: me@own.example\r\nTo: me@own.example\r\n", false, "me@own.example", ""},
      {"Sender where From is missing", "Sender: s@x.example\r\nTo: me@own.example\r\n", false, "s@x.example",
       ""},
      {"Mail-Followup-To is not looked at",
       "From: a@x.example\r\nMail-Followup-To: evil@e.example\r\nTo: me@own.example\r\n", true, "a@x.example",
       ""},
      {"what cannot be written to is left out",
       "From: a@x.example\r\nTo: broken, undisclosed:;, b@x.example\r\n", true, "a@x.example", "b@x.example"},
      {"Bcc of the original is nobody's business",
       "From: a@x.example\r\nTo: me@own.example\r\nBcc: h@x.example\r\n", true, "a@x.example", ""},
  };
  const std::vector<std::string> own{"me@own.example", "alias@own.example"};
  const auto list = [](const std::vector<Address>& addresses) {
    std::string out;
    for (const Address& a : addresses) out += (out.empty() ? "" : " ") + a.address;
    return out;
  };
  for (const Row& row : table) {
    const Recipients r = reply_recipients(parse_headers(std::string(row.header) + "\r\n"), own, row.all);
    EXPECT_EQ(list(r.to), row.to) << row.what;
    EXPECT_EQ(list(r.cc), row.cc) << row.what;
  }
}

TEST(Reply, ALongChainIsCutInTheMiddle) {
  std::string header = "Message-ID: <last@x>\r\nReferences:";
  for (int i = 0; i < 120; ++i) header += " <" + std::to_string(i) + "@x>\r\n";
  const Threading t = reply_threading(parse_headers(header + "\r\n"));
  ASSERT_EQ(t.references.size(), 50u);
  EXPECT_EQ(t.references.front(), "0@x");
  EXPECT_EQ(t.references.back(), "last@x");
  EXPECT_EQ(t.references[1], "72@x");
}

}  // namespace
}  // namespace mailroom::mime
