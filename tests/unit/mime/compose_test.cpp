// Composing: what is sent reads back as what was meant.
#include "mime/compose.hpp"

#include <gmock/gmock.h>

#include "base/error.hpp"
#include "compose_fixture.hpp"
#include "mime/header_writer.hpp"
#include "mime/headers.hpp"
#include "mime/parse.hpp"
#include "mime/thread.hpp"

namespace mailroom::mime {
namespace {

TEST(Compose, ExactBytes) {
  const auto c = compose(simple(), kContext);
  EXPECT_EQ(
      c.bytes,
      "Date: Mon, 23 Nov 2026 19:36:40 +0000\r\nFrom: Joe Blow <joe@example.org>\r\nTo: ann@example.net\r\n"
      "Subject: Hello\r\nMessage-ID: <token-0123456789@example.org>\r\nMIME-Version: 1.0\r\n"
      "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\nHi "
      "Ann,\r\n\r\nbye\r\n");
  EXPECT_EQ(c.message_id, "token-0123456789@example.org");
  EXPECT_EQ(c.envelope_from, "joe@example.org");
  EXPECT_THAT(c.envelope_to, testing::ElementsAre("ann@example.net"));
  EXPECT_FALSE(c.smtputf8);
}

TEST(Compose, SameInputSameBytes) {
  auto d = simple();
  d.html = "<p>ö</p>";
  d.attachments.push_back({"a.bin", "", std::string(1000, '\x7f'), "", false});
  EXPECT_EQ(compose(d, kContext).bytes, compose(d, kContext).bytes);
  auto other = kContext;
  other.boundary_seed = "another seed";
  EXPECT_NE(compose(d, kContext).bytes, compose(d, other).bytes);
}

TEST(Compose, BccIsInTheEnvelopeOnly) {
  auto d = simple();
  d.bcc = {{"Secret", "hidden@example.com", ""}, {"", "ANN@example.net", ""}, {"", "ann@EXAMPLE.NET", ""}};
  const auto c = compose(d, kContext);
  EXPECT_THAT(c.envelope_to,
              testing::ElementsAre("ann@example.net", "hidden@example.com", "ANN@example.net"));
  EXPECT_EQ(c.bytes.find("hidden"), std::string::npos);
  EXPECT_EQ(c.bytes.find("Bcc"), std::string::npos);
  d.to.clear();
  EXPECT_NE(compose(d, kContext).bytes.find("To: undisclosed-recipients:;\r\n"), std::string::npos);
}

TEST(Compose, StructureReadsBack) {
  auto d = simple();
  d.text = "Grüße\n" + std::string(2000, 'x') + "\nFrom here\n.\n..\ntrailing  \n";
  d.html = "<p>Grüße <img src=\"cid:pic@x\"></p>";
  d.attachments = {{"pic.png", "image/png", std::string("\0\1\2", 3), "pic@x", true},
                   {"Übersicht der sehr langen Dateinamen, 回复 und noch mehr davon.pdf", "application/pdf",
                    std::string(5000, '\xff'), "", false},
                   {"old.eml", "message/rfc822", "Subject: x\n\nbody\n", "", false}};
  const auto c = compose(d, kContext);
  check_wire(c.bytes);
  const auto m = parse(c.bytes);
  EXPECT_TRUE(m.warnings.empty()) << (m.warnings.empty() ? "" : m.warnings[0].code);
  EXPECT_EQ(m.text, d.text);
  EXPECT_EQ(*m.html, *d.html + "\n");
  EXPECT_THAT(m.part_types, testing::ElementsAre("multipart/mixed", "multipart/alternative", "text/plain",
                                                 "multipart/related", "text/html", "image/png",
                                                 "application/pdf", "message/rfc822"));
  ASSERT_EQ(m.attachments.size(), 3u);
  EXPECT_EQ(m.attachments[0].content_id, "pic@x");
  EXPECT_EQ(m.attachments[0].disposition, "inline");
  EXPECT_EQ(m.attachments[1].filename, d.attachments[1].filename);
  EXPECT_EQ(decode_part(c.bytes, m.attachments[1].part)->bytes, d.attachments[1].bytes);
  EXPECT_EQ(decode_part(c.bytes, m.attachments[2].part)->bytes, "Subject: x\r\n\r\nbody\r\n");
}

TEST(Compose, HtmlAloneGetsAText) {
  auto d = simple();
  d.text.reset();
  d.html = "<p>Only <b>HTML</b></p>";
  const auto m = parse(compose(d, kContext).bytes);
  EXPECT_EQ(m.text, "Only HTML\n");
  EXPECT_FALSE(m.text_from_html);
}

TEST(Compose, AFileNameThatLooksLikeAnEncodedWordIsNone) {
  const std::string name = "=?UTF-8?B?w6Q=?=.pdf";
  const std::string field = disposition_field("attachment", name);
  EXPECT_EQ(*parse_structured(field.substr(field.find(':') + 1)).find("filename"), name);
  EXPECT_EQ(field.find("=?"), field.npos);
}

TEST(Compose, HeadersRoundTrip) {
  // clang-format off: a string in two pieces looks like a missing comma
  const std::string_view texts[] = {
      "plain",
      "Frösche",
      "回复:关于报价的问题,请尽快答复我们,谢谢您的合作与支持,期待您的回信",
      "=?utf-8?Q?not_a_word?=",
      "two  spaces",
      "\"quotes\" \\ and, commas; <angles>",
      "😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀",
      "a very long subject that goes on and on so that it has to be folded at "  // NOLINT(bugprone-suspicious-missing-comma)
      "least twice, since nobody ever stops in time, do they?",
      "Mixed ASCII with one ö in a very long text that goes on and on so that "
      "it has to be split into several encoded words"};
  // clang-format on
  for (auto text : texts) {
    auto d = simple();
    d.subject = text;
    d.from[0].name = text;
    d.to.push_back({std::string(text), "x@example.org", ""});
    const auto c = compose(d, kContext);
    check_wire(c.bytes);
    for (std::size_t at = 0; at < c.bytes.find("\r\n\r\n");) {
      const std::size_t end = c.bytes.find("\r\n", at);
      EXPECT_LE(end - at, 78u) << c.bytes.substr(at, end - at);
      at = end + 2;
    }
    const auto m = parse(c.bytes);
    EXPECT_EQ(m.subject, text);
    EXPECT_EQ(m.from[0].name, text);
    ASSERT_EQ(m.to.size(), 2u);
    EXPECT_EQ(m.to[1].name, text);
    EXPECT_EQ(m.to[1].address, "x@example.org");
  }
}

TEST(Compose, EncodedWordsNeverSplitACharacter) {
  for (int shift = 0; shift < 80; ++shift) {
    auto d = simple();
    d.subject =
        std::string(static_cast<std::size_t>(shift), 'a') + "ö回😀ö回😀ö回😀ö回😀ö回😀ö回😀ö回😀ö回😀ö回😀";
    const std::string bytes = compose(d, kContext).bytes;
    for (std::size_t at = bytes.find("=?"); at != bytes.npos; at = bytes.find("=?", at)) {
      const std::size_t end = bytes.find("?=", at + 10) + 2;
      EXPECT_LE(end - at, 75u);
      EXPECT_EQ(decode_header(bytes.substr(at, end - at)).find("\xEF\xBF\xBD"), std::string::npos);
      at = end;
    }
    EXPECT_EQ(parse(bytes).subject, d.subject);
  }
}

TEST(Compose, FileNamesRoundTrip) {
  for (std::string name :
       {"a.pdf", "a b.pdf", "ö.pdf", "回复.docx", "quote'.txt", "semi;colon=x.txt", "per%20cent.txt"}) {
    auto d = simple();
    d.attachments = {{name, "application/pdf", "x", "", false}};
    EXPECT_EQ(parse(compose(d, kContext).bytes).attachments.at(0).filename, name);
  }
  EXPECT_EQ(safe_filename("../../etc/passwd"), "_.._etc_passwd");
  EXPECT_EQ(safe_filename("C:\\x\\y.txt"), "C__x_y.txt");
  EXPECT_EQ(safe_filename("con.txt"), "_con.txt");
  for (const char* device : {"con .txt", "COM\u00b9.txt", "lpt9", "CONIN$", "nul.tar.gz"})
    EXPECT_EQ(safe_filename(device), std::string("_") + device);
  EXPECT_EQ(safe_filename("console.txt"), "console.txt");
  EXPECT_FALSE(safe_filename(std::string(199, 'x') + ". y" + std::string(100, 'z')).ends_with('.'));
  EXPECT_EQ(safe_filename(".htaccess"), "htaccess");
  EXPECT_EQ(safe_filename("a\xE2\x80\xAE"
                          "fdp.exe"),
            "afdp.exe");
  EXPECT_EQ(safe_filename("..."), "attachment");
  EXPECT_EQ(safe_filename(""), "attachment");
  EXPECT_LE(safe_filename(std::string(4096, 'x') + ".pdf").size(), 200u);
  EXPECT_TRUE(safe_filename(std::string(4096, 'x') + ".pdf").ends_with(".pdf"));
}

TEST(Compose, BoundariesOccurInNoBody) {
  auto d = simple();
  d.html = "<p>x</p>";
  const std::string first = compose(d, kContext).bytes;
  const std::size_t at = first.find("boundary=\"") + 10;
  const std::string boundary = first.substr(at, first.find('"', at) - at);
  d.text = "--" + boundary + "\n--" + boundary + "--\n";  // somebody who knows the seed
  const auto m = parse(compose(d, kContext).bytes);
  EXPECT_EQ(m.text, d.text);
  EXPECT_EQ(m.part_types.size(), 3u);
}

TEST(Compose, Internationalised) {
  auto d = simple();
  d.to = {{"", "joe@bücher.example", ""}};
  auto c = compose(d, kContext);
  EXPECT_THAT(c.envelope_to, testing::ElementsAre("joe@xn--bcher-kva.example"));
  EXPECT_FALSE(c.smtputf8);
  d.to = {{"", "jörg@example.org", ""}};
  EXPECT_TRUE(compose(d, kContext).smtputf8);
}

TEST(Compose, ReplyOfAReply) {
  const auto first = compose(simple(), kContext);
  const auto original = parse(first.bytes);
  auto d = reply_draft(original, {"ann@example.net"}, true);
  d.from = {{"Ann", "ann@example.net", ""}};
  d.text = "Thanks\n\n" + quote_text(original);
  d.auto_submitted = "auto-replied";
  const auto m = parse(compose(d, kContext).bytes);
  EXPECT_THAT(m.to, testing::ElementsAre(Address{"Joe Blow", "joe@example.org", ""}));
  EXPECT_TRUE(m.cc.empty());
  EXPECT_EQ(m.subject, "Re: Hello");
  EXPECT_THAT(m.in_reply_to, testing::ElementsAre(first.message_id));
  EXPECT_THAT(m.references, testing::ElementsAre(first.message_id));
  EXPECT_EQ(*m.header("Auto-Submitted"), "auto-replied");
  EXPECT_EQ(m.text, "Thanks\n\nOn 2026-11-23 19:36 UTC, Joe Blow wrote:\n> Hi Ann,\n>\n> bye\n");
}

}  // namespace
}  // namespace mailroom::mime
