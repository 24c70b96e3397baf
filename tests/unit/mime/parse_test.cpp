// Whole messages: structure, what counts as text, and what is flagged.
#include "mime/parse.hpp"

#include <gmock/gmock.h>

#include "mime/json.hpp"

namespace mailroom::mime {
namespace {

std::vector<std::string> codes(const Message& m) {
  std::vector<std::string> list;
  list.reserve(m.warnings.size());
  for (const auto& w : m.warnings) list.push_back(w.code);
  return list;
}

std::string multipart(std::string_view type, std::string_view body) {
  return "Subject: s\r\nContent-Type: " + std::string(type) + "\r\n\r\n" + std::string(body);
}

TEST(Parse, PlainMessage) {
  const auto m = parse(
      "From: Joe <joe@example.org>\r\nTo: a@b.c,\r\n d@e.f\r\nSubject: Hi\r\n"
      "Date: Thu, 1 Jan 1970 00:00:01 +0000\r\nMessage-ID: <1@x>\r\nReferences: <a@x> <b@x>\r\nIn-Reply-To: "
      "<b@x>\r\n\r\nHello\r\n");
  EXPECT_THAT(m.from, testing::ElementsAre(Address{"Joe", "joe@example.org", ""}));
  EXPECT_EQ(m.to.size(), 2u);
  EXPECT_EQ(m.subject, "Hi");
  EXPECT_EQ(m.date_unix, 1);
  EXPECT_EQ(m.message_id, "1@x");
  EXPECT_THAT(m.references, testing::ElementsAre("a@x", "b@x"));
  EXPECT_THAT(m.in_reply_to, testing::ElementsAre("b@x"));
  EXPECT_EQ(m.text, "Hello\n");
  EXPECT_FALSE(m.html);
  EXPECT_TRUE(m.warnings.empty());
  EXPECT_EQ(*m.header("SUBJECT"), "Hi");
  EXPECT_EQ(m.header("nope"), nullptr);
}

TEST(Parse, AbsentIsAbsent) {
  const auto m = parse("");
  EXPECT_FALSE(m.subject || m.date || m.message_id || m.html);
  const auto json = to_json(m);
  EXPECT_FALSE(json.has("subject"));
  EXPECT_FALSE(json.has("from"));
  EXPECT_TRUE(json["untrusted"].boolean());
}

TEST(Parse, AlternativeSaysItOnce) {
  const auto m =
      parse(multipart("multipart/alternative; boundary=b",
                      "--b\r\n\r\nplain\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>html</p>\r\n--b--\r\n"));
  EXPECT_EQ(m.text, "plain");
  EXPECT_EQ(m.html, "<p>html</p>");
  EXPECT_FALSE(m.text_from_html);
}

TEST(Parse, HtmlAloneGivesText) {
  const auto m = parse(multipart("text/html; charset=utf-8", "<p>H&ouml;r</p><p>zu</p>"));
  EXPECT_EQ(m.text, "Hör\n\nzu\n");
  EXPECT_TRUE(m.text_from_html);
}

TEST(Parse, AFooterDoesNotHideTheHtmlBeforeIt) {
  const auto m = parse(
      multipart("multipart/mixed; boundary=b",
                "--b\r\nContent-Type: text/html\r\n\r\n<p>body</p>\r\n--b\r\n\r\nlist footer\r\n--b--\r\n"));
  EXPECT_EQ(m.text, "body\nlist footer");
}

TEST(Parse, AnEmptyPlainPartDoesNotHideTheHtml) {
  const auto m =
      parse(multipart("multipart/alternative; boundary=b",
                      "--b\r\n\r\n \r\n--b\r\nContent-Type: text/html\r\n\r\n<p>html</p>\r\n--b--\r\n"));
  EXPECT_THAT(*m.text, testing::HasSubstr("html"));
  EXPECT_TRUE(m.text_from_html);
}

TEST(Parse, BoundariesMatchWholeLines) {
  const auto m = parse(multipart("multipart/mixed; boundary=ab",
                                 "--ab\r\n\r\none\r\n--abc\r\nstill one\r\n--ab  "
                                 "\r\n\r\ntwo\r\n--ab--x\r\nstill two\r\n--ab--\r\nafter\r\n"));
  EXPECT_EQ(m.text, "one\n--abc\nstill one\ntwo\n--ab--x\nstill two");
}

TEST(Parse, BoundaryOddities) {
  EXPECT_THAT(codes(parse(multipart("multipart/mixed", "--\r\n\r\ntext\r\n----\r\n"))),
              testing::Contains("boundary_missing"));
  EXPECT_THAT(codes(parse(multipart("multipart/mixed; boundary=\"\"", "--\r\n\r\ntext"))),
              testing::Contains("boundary_missing"));
  const auto never = parse(multipart("multipart/mixed; boundary=x", "only text\r\n"));
  EXPECT_THAT(codes(never), testing::Contains("boundary_not_found"));
  EXPECT_EQ(never.text, "only text\n");
  const auto open = parse(multipart("multipart/mixed; boundary=x", "--x\r\n\r\ntext"));
  EXPECT_THAT(codes(open), testing::Contains("boundary_unclosed"));
  EXPECT_EQ(open.text, "text");
  const auto nested =
      parse(multipart("multipart/mixed; boundary=x",
                      "--x\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nin\r\n--x--\r\n"));
  EXPECT_THAT(codes(nested), testing::Contains("boundary_repeated"));
  EXPECT_EQ(nested.text, "in");
  EXPECT_THAT(codes(parse(multipart("multipart/mixed; boundary=x", "--x--\r\n"))),
              testing::Contains("multipart_empty"));
}

TEST(Parse, LineEnds) {
  for (std::string_view end : {"\r\n", "\n", "\r"}) {
    std::string raw;
    for (std::string_view line :
         {"Subject: s", "Content-Type: multipart/mixed; boundary=b", "", "--b", "", "one", "", "--b",
          "Content-Disposition: attachment; filename=x", "", "two", "--b--"})
      raw += std::string(line) + std::string(end);
    const auto m = parse(raw);
    EXPECT_EQ(m.subject, "s");
    EXPECT_EQ(m.text, "one\n");
    ASSERT_EQ(m.attachments.size(), 1u);
    EXPECT_EQ(m.attachments[0].size, 3u);
  }
}

TEST(Parse, AttachmentsAndTheirNumbers) {
  const std::string raw = multipart(
      "multipart/mixed; boundary=o",
      "--o\r\nContent-Type: multipart/related; boundary=i\r\n\r\n--i\r\nContent-Type: "
      "text/html\r\n\r\n<b>x</b>\r\n"
      "--i\r\nContent-Type: image/png; name=\"a.png\"\r\nContent-ID: <c@d>\r\nContent-Disposition: inline\r\n"
      "Content-Transfer-Encoding: base64\r\n\r\nYWJj\r\n--i--\r\n"
      "--o\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Disposition: inline; "
      "filename=notes.txt\r\n\r\nn\r\n"
      "--o\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ninner text\r\n--o--\r\n");
  const auto m = parse(raw);
  ASSERT_EQ(m.attachments.size(), 3u);
  EXPECT_EQ(m.attachments[0].part, "1.2");
  EXPECT_EQ(m.attachments[0].content_id, "c@d");
  EXPECT_EQ(m.attachments[0].sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(m.attachments[1].filename, "notes.txt");
  EXPECT_EQ(m.attachments[1].charset, "utf-8");
  EXPECT_EQ(m.attachments[2].mime_type, "message/rfc822");
  EXPECT_EQ(m.text, "x\n");
  EXPECT_EQ(decode_part(raw, "1.2")->bytes, "abc");
  EXPECT_EQ(decode_part(raw, "1.2")->filename, "a.png");
  EXPECT_EQ(decode_part(raw, "3")->bytes, "Subject: inner\r\n\r\ninner text");
  for (std::string_view none : {"", "1", "4", "1.3", "0", "01", "1.2.1", "x"})
    EXPECT_FALSE(decode_part(raw, none)) << none;
  EXPECT_EQ(decode_part("Subject: x\r\n\r\nbody", "1")->bytes, "body");
}

TEST(Parse, HeaderOddities) {
  EXPECT_EQ(parse("From joe Mon Jan 1\nSubject: mbox\n\nx").subject, "mbox");
  EXPECT_EQ(parse("Subject: a\r\njunk line\r\nTo: b@c\r\n\r\nx").to.size(), 1u);
  const auto no_gap = parse("Subject: a\r\nThe body begins at once.\r\nMore of it.\r\n");
  EXPECT_EQ(no_gap.text, "The body begins at once.\nMore of it.\n");
  EXPECT_THAT(codes(no_gap), testing::Contains("header_line_invalid"));
  EXPECT_EQ(parse("Subject : spaced\r\n\r\n").subject, "spaced");
  const auto twice = parse("From: a@b.c\r\nFrom: evil@x.y\r\nSubject: 1\r\nSubject: 2\r\n\r\n");
  EXPECT_EQ(twice.from.size(), 1u);
  EXPECT_EQ(twice.from[0].address, "a@b.c");
  EXPECT_EQ(twice.subject, "1");
  EXPECT_THAT(codes(twice), testing::Contains("header_repeated"));
  EXPECT_THAT(codes(parse("Subject: Fr\xf6sche\r\n\r\n")), testing::Contains("header_8bit"));
  EXPECT_THAT(codes(parse("Date: Whenever\r\n\r\n")), testing::Contains("date_invalid"));
}

TEST(Parse, HeadersOnly) {
  const auto m = parse_headers("Subject: s\r\nContent-Type: text/html\r\n\r\n<p>ignored</p>");
  EXPECT_EQ(m.subject, "s");
  EXPECT_EQ(m.mime_type, "text/html");
  EXPECT_FALSE(m.text || m.html);
}

TEST(Parse, LimitsCutAndSaySo) {
  ParseLimits limits;
  limits.max_text_bytes = 10;
  auto m = parse("Subject: s\r\n\r\n" + std::string(100, 'x'), limits);
  EXPECT_EQ(m.text->size(), 10u);
  EXPECT_TRUE(m.truncated);
  EXPECT_THAT(codes(m), testing::Contains("limit_text"));
  m = parse(multipart("multipart/mixed; boundary=b", "--b\r\n\r\n0123456789\r\n--b\r\n\r\nmore\r\n--b--\r\n"),
            limits);
  EXPECT_EQ(m.text, "0123456789") << "what keeps two parts apart counts, too";
  limits = {};
  limits.max_headers = 2;
  m = parse("A: 1\r\nB: 2\r\nC: 3\r\n\r\nbody", limits);
  EXPECT_EQ(m.headers.size(), 2u);
  EXPECT_EQ(m.text, "body");
  EXPECT_THAT(codes(m), testing::Contains("limit_headers"));
  limits = {};
  limits.max_hash_bytes = 2;
  m = parse(multipart("image/png", "abcdef"), limits);
  ASSERT_EQ(m.attachments.size(), 1u);
  EXPECT_TRUE(m.attachments[0].size_estimated);
  EXPECT_FALSE(m.attachments[0].sha256);
}

TEST(ToJson, FormatsAndWindows) {
  auto m = parse(
      multipart("multipart/alternative; boundary=b",
                "--b\r\n\r\nplain ö text\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>html</p>\r\n--b--\r\n"));
  RenderOptions options;
  options.format = Format::summary;
  EXPECT_FALSE(to_json(m, options).has("text"));
  options.format = Format::text;
  EXPECT_TRUE(to_json(m, options).has("text"));
  EXPECT_FALSE(to_json(m, options).has("html"));
  EXPECT_FALSE(to_json(m, options).has("truncated"));
  options.format = Format::full;
  options.max_text_bytes = 7;  // in the middle of ö
  auto json = to_json(m, options);
  EXPECT_EQ(json["text"].str(), "plain ");
  EXPECT_EQ(json.path("truncated.text.total").integer(), 13);
  options.text_offset = 6;
  EXPECT_EQ(to_json(m, options)["text"].str(), "ö text");
  options.headers = true;
  EXPECT_EQ(to_json(m, options).path("headers.0.name").str(), "Subject");
  options.text_offset = 1000;
  EXPECT_EQ(to_json(m, options)["text"].str(), "");
}

TEST(HtmlToText, Table) {
  const struct {
    std::string_view html, text;
  } table[] = {
      {"", ""},
      {"plain", "plain\n"},
      {"a <b>b</b>  c<br>d", "a b c\nd\n"},
      {"<p>a</p><p>b</p>", "a\n\nb\n"},
      {"<div>a</div><div>b</div>", "a\nb\n"},
      {"<ul><li>a<li>b</ul>", "- a\n- b\n"},
      {"<ol><li>a<li>b</ol>", "1. a\n2. b\n"},
      {"<ul><li>a<ul><li>b</ul></ul>", "- a\n  - b\n"},
      {"<a href='https://x.y/'>link</a>", "link <https://x.y/>\n"},
      {"<a href='https://x.y/'>https://x.y/</a>", "https://x.y/\n"},
      {"<a href='https://evil/'>https://good/</a>", "https://good/ <https://evil/>\n"},
      {"<a href='mailto:a@b'>a@b</a>", "a@b\n"},
      {"<a href='javascript:x'>j</a>", "j\n"},
      {"<head><title>t</title></head><style>s</style><script>x</script>a<!-- c -->b", "ab\n"},
      {"a<span style='DISPLAY : none'>hidden</span>b<i hidden>h</i>", "ab\n"},
      {"<p style='visibility:hidden'>x</p>y", "y\n"},
      {"<pre>a\n  b</pre>", "a\n  b\n"},
      {"<table><tr><td>1<td>2<tr><td>3</table>", "1 2\n3\n"},
      {"<img alt='pic' src='https://track'>", "[pic]\n"},
      {"a&nbsp;b &lt;c&gt; &#x1F600;", "a b <c> 😀\n"},
      {"&#x41999999999999999;b", "\uFFFDb\n"},
      {"&#4294967361;b &#x100000041;", "\uFFFDb \uFFFD\n"},
      {"&#x0000000000041;&#00000000066; &#x;&#;", "AB &#x;&#;\n"},
      {"<p>unclosed <b>x", "unclosed x\n"},
  };
  for (const auto& row : table) EXPECT_EQ(html_to_text(row.html), row.text) << row.html;
  EXPECT_LE(html_to_text(std::string(1000, 'x'), 100).size(), 100u);
  EXPECT_EQ(html_to_text("<p>äöü", 3), "ä") << "never half a character";
  for (int fill = 0; fill < 3; ++fill) {  // a target is cut between characters, wherever its limit falls
    std::string far = "http://e/" + std::string(static_cast<std::size_t>(fill), 'x');
    for (int i = 0; i < 1'000; ++i) far += "€";
    const std::string cut = html_to_text("<a href='" + far + "'>w</a>");
    EXPECT_EQ(aoh::valid_utf8(cut), cut) << fill;
  }
}

}  // namespace
}  // namespace mailroom::mime
