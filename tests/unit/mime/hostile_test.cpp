// What a hostile sender would try; and every message cut at every byte.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>

#include "mime/fence.hpp"
#include "mime/json.hpp"
#include "mime/parse.hpp"
#include "mime/thread.hpp"

namespace mailroom::mime {
namespace {

// No clock judges here, for a busy machine would decide: what grows faster than its input runs into ctest's
// time limit. MAILROOM_TIMES=1 prints how long each took; memory is counted in memory_test.cpp.
Message timed(const char* what, const std::string& raw) {
  const auto start = std::chrono::steady_clock::now();
  Message m = parse(raw);
  const double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (std::getenv("MAILROOM_TIMES")) std::printf("%-24s %.3f s\n", what, took);
  return m;
}

std::string repeat(std::string_view s, std::size_t n) {
  std::string out;
  out.reserve(s.size() * n);
  for (std::size_t i = 0; i < n; ++i) out += s;
  return out;
}

TEST(Hostile, NestedHundredThousandDeep) {
  std::string raw;
  for (int i = 0; i < 100'000; ++i) {
    const std::string b = "b" + std::to_string(i);
    raw.append("Content-Type: multipart/mixed; boundary=")
        .append(b)
        .append("\r\n\r\n--")
        .append(b)
        .append("\r\n");
  }
  const auto m = timed("nested", raw + "\r\ntext");
  EXPECT_TRUE(m.truncated);
}

TEST(Hostile, TwoHundredThousandParts) {
  const auto m = timed("parts", "Content-Type: multipart/mixed; boundary=b\r\n\r\n" +
                                    repeat("--b\r\n\r\nx\r\n", 200'000) + "--b--");
  EXPECT_TRUE(m.truncated);
  EXPECT_LE(m.part_types.size(), 1000u);
}

TEST(Hostile, HeaderOfOneMegabyte) {
  EXPECT_TRUE(timed("one header", "Subject: " + std::string(1u << 20, 'x') + "\r\n\r\n").truncated);
  EXPECT_TRUE(timed("one word", "Subject: =?utf-8?Q?" + std::string(1u << 20, 'x') + "?=\r\n\r\n").truncated);
  timed("boundary", "Content-Type: multipart/mixed; boundary=" + std::string(1u << 20, 'x') + "\r\n\r\nx");
  timed("parameters", "Content-Type: a/b" + repeat("; a*1=b", 150'000) + "\r\n\r\nx");
  timed("fields", repeat("A: b\r\n", 200'000) + "\r\nx");
  timed("folds", "Subject: x" + repeat("\r\n y", 250'000) + "\r\n\r\nx");
  timed("comments", "To: " + repeat("(", 1u << 20) + "\r\nDate: " + repeat("(", 1u << 20) + "\r\n\r\n");
}

TEST(Hostile, ParenthesesInParameters) {
  std::string parts;
  for (const char* piece : {"( ", "(a) ", ") (", "(", " "}) {
    const std::string field = "; filename=a " + repeat(piece, 60'000 / std::string(piece).size()) + ")x\r\n";
    for (int i = 0; i < 100; ++i)
      parts +=
          "--b\r\nContent-Type: text/plain" + field + "Content-Disposition: attachment" + field + "\r\nx\r\n";
  }
  timed("parentheses", "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + parts + "--b--\r\n");
}

TEST(Hostile, FiftyThousandEncodedWords) {
  timed("words", "Subject: " + repeat("=?utf-8?Q?a?= ", 50'000) + "\r\n\r\n");
  timed("charsets", "Subject: " + repeat("=?gb2312?B?u9i4tA==?= =?koi8-r?Q?a?= ", 25'000) + "\r\n\r\n");
  timed("unclosed", "Subject: " + repeat("=?utf-8?Q?", 100'000) + "\r\n\r\n");
  timed("names", "To: " + repeat("=?utf-8?Q?a?= <a@b>,", 50'000) + "\r\n\r\n");
}

TEST(Hostile, WordsThatBeginAndOneThatEnds) {
  EXPECT_FALSE(decode_header(repeat("=?b?b?", 350'000) + "\r\n\r\n?=").empty());
}

TEST(Hostile, TwentyThousandGroups) {
  timed("groups", "To: " + repeat("g: a@b, ", 20'000) + "\r\n\r\n");
  timed("closed groups", "To: " + repeat("g:;", 20'000) + "\r\n\r\n");
  timed("angles", "To: " + repeat("<", 60'000) + "\r\nCc: " + repeat("\"", 60'000) + "\r\n\r\n");
}

TEST(Hostile, Containers) {
  EXPECT_LE(timed("messages", "Content-Type: multipart/digest; boundary=b\r\n\r\n" +
                                  repeat("--b\r\n\r\nSubject: x\r\n\r\nx\r\n", 50'000))
                .attachments.size(),
            1000u);
  std::string inner = "Content-Type: multipart/mixed; boundary=c\r\n\r\n" + repeat("--c\r\n\r\nx\r\n", 500);
  const Message m =
      timed("messages of parts", "Content-Type: multipart/mixed; boundary=b\r\n\r\n" +
                                     repeat("--b\r\nContent-Type: message/rfc822\r\n\r\n" + inner, 300));
  std::size_t listed = 0;
  for (const auto& a : m.attachments) listed += a.contents.size();
  EXPECT_LE(listed, 1000u);
  timed("messages in messages", repeat("Content-Type: message/rfc822\r\n\r\n", 100'000));
  const std::string tnef = std::string("\x78\x9f\x3e\x22\0\0", 6);
  const std::string file = std::string("\x02\x02\x90\x06\0\0\0\0\0\0\0", 11);
  EXPECT_LE(timed("winmail", "Content-Type: application/ms-tnef\r\n\r\n" + tnef + repeat(file, 100'000))
                .attachments.at(0)
                .contents.size(),
            200u);
  timed("pkcs7",
        "Content-Type: application/pkcs7-mime\r\n\r\n" + repeat(std::string("\x30\x80", 2), 500'000));
  EXPECT_LE(timed("events",
                  "Content-Type: text/calendar\r\n\r\n" + repeat("BEGIN:VEVENT\r\nEND:VEVENT\r\n", 50'000))
                .calendar.size(),
            100u);
  timed("calendar folds",
        "Content-Type: text/calendar\r\n\r\nBEGIN:VEVENT\r\nSUMMARY:" + repeat("x\r\n ", 200'000));
  timed("boundaries named",
        repeat("Content-Type: multipart/mixed; boundary=a; boundary=b; boundary=c\r\n\r\n--a\r\n", 40) +
            repeat("--x\r\n", 200'000));
  timed("uuencode", "Subject: x\r\n\r\n" + repeat("begin 644 a\r\n", 300'000));
  timed("flowed", "Content-Type: text/plain; format=flowed\r\n\r\n" + repeat("x \r\n", 500'000));
  timed("carriage returns", "Subject: x\r\n\r\n" + repeat("\r", 1u << 20) + "\n" + repeat("\r\r\n", 200'000));
  timed("padding", "Content-Transfer-Encoding: base64\r\n\r\n" + repeat("YQ==", 500'000));
  timed("names without addresses", "To: " + repeat("a, ", 50'000) + "<a@b>\r\n\r\n");
}

TEST(Hostile, LinesThatLookLikeBoundaries) {
  std::string raw;
  for (int i = 0; i < 49; ++i) {
    std::string b(100, 'x');
    b += std::to_string(i);
    raw.append("Content-Type: multipart/mixed; boundary=")
        .append(b)
        .append("\r\n\r\n--")
        .append(b)
        .append("\r\n");
  }
  timed("lookalikes", raw + "\r\n" + repeat("--" + std::string(100, 'x') + "\r\n", 50'000));
}

TEST(Hostile, Html) {
  const std::string head = "Content-Type: text/html\r\n\r\n";
  timed("div", head + repeat("<div>", 200'000));
  timed("b", head + repeat("<b>", 300'000));
  timed("b p", head + repeat("<b><p>", 150'000));
  std::string fonts;
  for (int i = 0; i < 500; ++i) fonts += "<font size=" + std::to_string(i) + ">";
  timed("fonts", head + fonts + repeat("<p>x", 200'000));
  timed("tables", head + repeat("<table>", 50'000) + repeat("<a>", 50'000));
  timed("attributes", head + "<p " + repeat("a=b ", 20'000) + ">x");
  std::string attributes;
  for (int i = 0; i < 20'000; ++i) attributes += "a" + std::to_string(i) + "=b ";
  timed("different attributes", head + "<p " + attributes + ">x");
  timed("unclosed", head + repeat("<a href=\"", 100'000));
  timed("select", head + "<select>" + repeat("<option>", 200'000));
  timed("svg", head + repeat("<svg><desc>", 50'000));
  timed("lists", head + repeat("<ul><li>", 100'000));
  timed("entities", head + repeat("&nbsp", 200'000));
  timed("frameset", head + repeat("<frameset>", 100'000));
  timed("li", head + repeat("<li><p><td>", 100'000));
  timed("mis-nested", head + repeat("<a><b><p></a></b>", 50'000));
  timed("quoted attributes", head + "<p x\"" + attributes + "\">x");
  timed("close in comment", head + repeat("<div><!--</div>-->", 50'000));
  timed("close in select", head + repeat("<div><select></div></select>", 30'000));
  timed("open select", head + repeat("<select>", 100'000));
  timed("close in title", head + repeat("<div><title></div></title>", 30'000));
  timed("close in table", head + repeat("<div><table></div>", 50'000));
  timed("stray closes", head + repeat("<div></b>", 100'000));
  timed("svg cells", head + "<svg>" + repeat("<td>", 200'000));
  std::string bold;
  for (int i = 0; i < 500; ++i) bold += "<b x=" + std::to_string(i) + "><table></b>";
  timed("bold tables", head + bold + repeat("</table>", 500) + repeat("<p>x", 200'000));
  timed("template", head + repeat("<template>", 100'000));
}

TEST(Hostile, Fences) {
  neutralise(repeat("< ", 100'000), "abcdefgh12345678");
  neutralise(repeat("&lt;", 100'000), "abcdefgh12345678");
  neutralise(repeat("aaaaaaaaaaaaaaab", 20'000), "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
  std::string many;
  for (char32_t c = 0x3400; c < 0x9FFF; ++c) {
    many += static_cast<char>(0xE0 | c >> 12);
    many += static_cast<char>(0x80 | (c >> 6 & 63));
    many += static_cast<char>(0x80 | (c & 63));
  }
  EXPECT_GE(neutralise(many, "abcdefgh12345678").size(), many.size());
}

const std::string kRich =
    "From: =?utf-8?Q?J=C3=B6?= \"x, y\" <a@b.c> (c)\r\nTo: g: a@b, \"c\" <d@e>;\r\nSubject: "
    "=?gb2312?B?u9i4tA==?= x\r\n"
    "Date: Wed, 17 May 2000 19:35:05 -0400 (EDT)\r\nReferences: <a@b> <c@d>\r\n"
    "Content-Type: multipart/mixed; boundary=\"o o\"; x*0*=utf-8''%C3; x*1*=%B6\r\n\r\npre\r\n--o o\r\n"
    "Content-Type: multipart/alternative; boundary=i\r\n\r\n--i\r\nContent-Transfer-Encoding: "
    "quoted-printable\r\n\r\na=3D=\r\nb \r\n"
    "--i\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<ul><li><a href='http://x'>y</a>&ouml;<!-- "
    "-->\r\n--i--\r\n--o o\r\n"
    "Content-Type: image/png; name=x\r\nContent-Disposition: attachment; filename*=utf-8''%C3%B6\r\n"
    "Content-Transfer-Encoding: base64\r\n\r\nYWJj|YQ==\r\n--o o\r\nContent-Type: text/plain; "
    "charset=iso-2022-jp\r\n\r\n"
    "\x1b$BF|K\\\x1b(B\r\n--o o--\r\nepilogue\r\n";

TEST(Truncation, EveryByteOfARichMessage) {
  for (std::size_t n = 0; n <= kRich.size(); ++n) {
    const std::string cut = kRich.substr(0, n);  // its own buffer: a read beyond it is seen
    const Message m = parse(cut);
    to_json(m, {.format = Format::full, .headers = true}).dump();
    render_for_model(m, "0123456789abcdef");
    reply_draft(m, {"a@b.c"}, true);
    quote_html(m);
    decode_part(cut, "1.1");
    decode_part(cut, "2");
    parse_headers(cut);
  }
}

TEST(Truncation, EveryByteFlipped) {
  for (std::size_t n = 0; n < kRich.size(); ++n)
    for (char c : {'\0', '\n', '"', '\xff', '=', '<'}) {
      std::string bent = kRich;
      bent[n] = c;
      to_json(parse(bent)).dump();
    }
}

}  // namespace
}  // namespace mailroom::mime
