// Inline images, transfer encodings, messages within: what compose_test.cpp does not
// show.
#include <gmock/gmock.h>

#include "base/error.hpp"
#include "mime/compose.hpp"
#include "mime/inline_images.hpp"
#include "mime/parse.hpp"

namespace mailroom::mime {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const ComposeContext kContext{1'795'462'600, "token-0123456789", "seed-0123456789"};

Draft page(std::string html) {
  Draft d;
  d.from = {{"", "joe@example.org", ""}};
  d.to = {{"", "ann@example.net", ""}};
  d.text = "see";
  d.html = std::move(html);
  return d;
}

std::string where_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Failure& f) {
    return f.error.where;
  }
  return "nothing";
}

TEST(InlineImages, DataUrisBecomeParts) {
  const auto c =
      compose(page("<p><img src=\"data:image/png;base64,AAEC\"><IMG alt=x SRC=data:image/png;base64,AAEC>"
                   "<td background='&#100;ata&colon;image/svg+xml,%3Csvg/%3E'></p>"),
              kContext);
  const auto m = parse(c.bytes);
  ASSERT_EQ(m.attachments.size(), 2u);  // the same bytes once
  EXPECT_EQ(m.attachments[0].filename, "image1.png");
  EXPECT_EQ(decode_part(c.bytes, m.attachments[0].part)->bytes, std::string("\0\1\2", 3));
  EXPECT_EQ(m.attachments[1].mime_type, "image/svg+xml");
  EXPECT_EQ(decode_part(c.bytes, m.attachments[1].part)->bytes, "<svg/>");
  const std::string id = "image1.token-0123456789@example.org";
  EXPECT_EQ(m.attachments[0].content_id, id);
  EXPECT_EQ(*m.html, "<p><img src=\"cid:" + id + "\"><IMG alt=x SRC=cid:" + id +
                         "><td background='cid:image2.token-0123456789@example.org'></p>\n");
}

TEST(InlineImages, LeavesAloneWhatIsNoImageOfThePage) {
  for (std::string_view html :
       {"<!-- <img src=\"data:image/png;base64,AAEC\"> -->",
        "<script>'<img src=\"data:image/png;base64,AAEC\">'</script>",
        "<textarea><img src=\"data:image/png;base64,AAEC\"></textarea>",
        "<a href=\"data:image/png;base64,AAEC\">x</a>", "<img alt=\"src='data:image/png;base64,AAEC'\">",
        "<img src=\"data:text/html;base64,AAEC\">", "<img src=\"data:image/gif;base64,\">",
        "data:image/png;base64,AAEC", "<img src=\"data:image/png\">",
        "<img title=\"a>b\" data-src=\"data:image/png;base64,AAEC\">",
        "<img src='data:image/svg+xml,<svg id=\"a\"/>#a'>"}) {
    const auto r = inline_images(html, "t@x", 9, 99);
    EXPECT_FALSE(r.changed) << html;
    EXPECT_TRUE(r.images.empty()) << html;
  }
}

TEST(InlineImages, Limits) {
  const std::string two = "<img src='data:image/png;base64,AAEC'><img src='data:image/png;base64,AAED'>";
  EXPECT_EQ(inline_images(two, "t@x", 2, 6).images.size(), 2u);
  EXPECT_THROW(inline_images(two, "t@x", 1, 6), Failure);
  EXPECT_THROW(inline_images(two, "t@x", 2, 5), Failure);
  EXPECT_EQ(where_of([] { inline_images("<img src='data:image/png;base64,A*EC'>", "t@x", 1, 9); }), "html");
}

TEST(InlineImages, CidAnswersToAttachments) {
  auto d = page(
      "<img src=\"cid:a%2Bb@x\"><p style=\"background:url('cid:bg@x')\"><!--[if mso]><v:fill "
      "src=\"cid:mso@x\"><![endif]-->");
  d.attachments = {{"a.png", "image/png", "1", "a+b@x", false},
                   {"b.png", "image/png", "2", "bg@x", true},
                   {"c.png", "image/png", "3", "mso@x", true},
                   {"d.png", "image/png", "4", "unused@x", true},
                   {"e.pdf", "application/pdf", "5", "", false}};
  const auto c = compose(d, kContext);
  const auto m = parse(c.bytes);
  EXPECT_THAT(m.part_types, ElementsAre("multipart/mixed", "multipart/alternative", "text/plain",
                                        "multipart/related", "text/html", "image/png", "image/png",
                                        "image/png", "image/png", "application/pdf"));
  EXPECT_EQ(m.attachments[2].disposition, "inline");
  EXPECT_EQ(m.attachments[3].disposition, "attachment");
  ASSERT_EQ(c.warnings.size(), 1u);
  EXPECT_THAT(c.warnings[0], HasSubstr("attachments[3]"));
}

TEST(InlineImages, AMissingOneIsNamed) {
  auto d = page("<img src=cid:gone@x>");
  EXPECT_EQ(where_of([&] { compose(d, kContext); }), "html");
  d.allow_missing_images = true;
  EXPECT_THAT(compose(d, kContext).warnings.at(0), HasSubstr("cid:gone@x"));
  d.html = "<img src=cid:logo.png>";
  d.attachments = {{"logo.png", "image/png", "1", "", true}};  // by its name
  EXPECT_EQ(parse(compose(d, kContext).bytes).attachments.at(0).content_id, "logo.png");
  d.html = "<p>";
  EXPECT_EQ(where_of([&] { compose(d, kContext); }), "attachments[0].content_id");
  d.html = "<img src=cid:x@y>";
  d.attachments = {{"a", "image/png", "1", "x@y", true}, {"b", "image/png", "2", "x@y", true}};
  EXPECT_EQ(where_of([&] { compose(d, kContext); }), "attachments[1].content_id");
}

std::string encoding(std::string text, bool eight_bit_ok) {
  Draft d = page("");
  d.html.reset();
  d.text = std::move(text);
  auto context = kContext;
  context.eight_bit_ok = eight_bit_ok;
  const auto c = compose(d, context);
  EXPECT_EQ(c.eight_bit, c.bytes.find("8bit\r\n") != c.bytes.npos);
  const std::size_t at = c.bytes.find("Transfer-Encoding: ") + 19;
  return c.bytes.substr(at, c.bytes.find("\r\n", at) - at);
}

TEST(TransferEncoding, ByContent) {
  EXPECT_EQ(encoding("plain", true), "7bit");
  EXPECT_EQ(encoding("Grüße aus Köln und aus der ganzen Umgebung", false), "quoted-printable");
  EXPECT_EQ(encoding("关于报价的问题", false), "base64");
  EXPECT_EQ(encoding("关于报价的问题", true), "8bit");
  EXPECT_EQ(encoding("ö" + std::string(996, 'x'), true), "8bit");
  EXPECT_EQ(encoding("ö" + std::string(997, 'x'), true), "quoted-printable");
  EXPECT_EQ(encoding(std::string(999, 'x'), true), "quoted-printable");
  EXPECT_EQ(encoding("ö\nFrom here", true), "quoted-printable");
  EXPECT_EQ(encoding(std::string("a\0b", 3), true), "quoted-printable");
}

TEST(TransferEncoding, AMultipartSaysWhatItHolds) {
  auto d = page("<p>ö</p>");
  auto context = kContext;
  context.eight_bit_ok = true;
  const std::string bytes = compose(d, context).bytes;
  EXPECT_THAT(bytes.substr(0, bytes.find("\r\n\r\n")), HasSubstr("Content-Transfer-Encoding: 8bit"));
}

TEST(MessageWithin, AsItIsOrAsAFile) {
  const auto part = [](std::string bytes, bool eight_bit_ok) {
    auto d = page("");
    d.html.reset();
    d.attachments = {{"old", "message/rfc822", bytes, "", false}};
    auto context = kContext;
    context.eight_bit_ok = eight_bit_ok;
    const auto c = compose(d, context);
    const auto m = parse(c.bytes);
    const auto got = decode_part(c.bytes, m.attachments.at(0).part);
    const bool eml = m.attachments.at(0).filename == "old.eml";
    EXPECT_EQ(eml, m.attachments[0].mime_type == "application/octet-stream");
    EXPECT_EQ(c.eight_bit, !eml && bytes.find('\xC3') != bytes.npos);
    EXPECT_TRUE(!eml || got->bytes == bytes);
    return m.attachments[0].mime_type;
  };
  EXPECT_EQ(part("A: b\r\n\r\nc\r\n", false), "message/rfc822");
  EXPECT_EQ(part("A: b\n\nc\n", false), "message/rfc822");
  EXPECT_EQ(part("A: b\r\n\r\n\x1b$B\r\n", false), "message/rfc822");  // ISO-2022-JP
  EXPECT_EQ(part("A: b\r\n\r\nö\r\n", true), "message/rfc822");
  EXPECT_EQ(part("A: b\r\n\r\nö\r\n", false), "application/octet-stream");
  EXPECT_EQ(part("A: b\r\n\nc\r\n", true), "application/octet-stream");
  EXPECT_EQ(part("A: b\r\n\rc\r\n", true), "application/octet-stream");
  EXPECT_EQ(part(std::string("A: b\r\n\r\n\0\r\n", 11), true), "application/octet-stream");
  EXPECT_EQ(part("A: b\r\n\r\n" + std::string(999, 'x') + "\r\n", true), "application/octet-stream");
}

TEST(Compose, LongFieldNamesDoNotMakeLongLines) {
  auto d = page("<p>");
  d.extra_headers = {{"X-" + std::string(68, 'n'), std::string(2000, 'x') + "ö"}};
  const std::string bytes = compose(d, kContext).bytes;
  for (std::size_t at = 0, end = 0; (end = bytes.find("\r\n", at)) != bytes.npos; at = end + 2)
    EXPECT_LE(end - at, 160u);
  d.extra_headers = {{"List-Unsubscribe", "<https://a.example/" + std::string(1000, 'x') + ">"}};
  EXPECT_EQ(where_of([&] { compose(d, kContext); }), "headers[0].value");
}

}  // namespace
}  // namespace mailroom::mime
