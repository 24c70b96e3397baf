// Mail as it is found: each row was judged beside GMime, Python, mailparser and postal-mime (docs/mime.md
// says where they disagree).
#include <gtest/gtest.h>

#include "mime/flowed.hpp"
#include "mime/parse.hpp"

namespace mailroom::mime {
namespace {

std::string show(const std::vector<Address>& list) {
  std::string out;
  for (const auto& a : list) out += (out.empty() ? "" : " | ") + a.name + " <" + a.address + ">";
  return out;
}

TEST(Wild, Addresses) {
  const std::pair<std::string_view, std::string_view> table[] = {
      {"Blow, Joe <joe@x.org>", "Blow, Joe <joe@x.org>"},
      {"Blow, Joe, Jr. <joe@x.org>, Ann <ann@x.org>", "Blow, Joe, Jr. <joe@x.org> | Ann <ann@x.org>"},
      {"root, joe@x.org", "root <> |  <joe@x.org>"},
      {"a, b, c, d, e <e@x.org>", "a <> | b <> | c <> | d <> | e <e@x.org>"},
      {"Joe <joe@x.org>; Ann <ann@x.org>", "Joe <joe@x.org> | Ann <ann@x.org>"},
      {"a@x.org; b@x.org;", " <a@x.org> |  <b@x.org>"},
      {"Joe <joe@x.org>Ann <ann@x.org>", "Joe <joe@x.org> | Ann <ann@x.org>"},
      {"Joe <joe@x.org> Ann <ann@x.org>", "Joe <joe@x.org> | Ann <ann@x.org>"},
      {"joe@x.org ann@x.org", " <joe@x.org> |  <ann@x.org>"},
      {"Joe joe@x.org>", "Joe <joe@x.org>"},
      {"Joe <joe@x.org", "Joe <joe@x.org>"},
      {"\"Joe <joe@x.org>", "Joe <joe@x.org>"},
      {"<<joe@x.org>>", " <joe@x.org>"},
      {"joe @ x . org", " <joe@x.org>"},
      {"Joe < joe @ x.org >", "Joe <joe@x.org>"},
      {"[mailto:joe@x.org]", " <joe@x.org>"},
      {"<mailto:joe@x.org>", " <joe@x.org>"},
      {"Joe <'joe@x.org'>", "Joe <joe@x.org>"},
      {"Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", "Pete <pete@silly.test>"},
      {"A Group(Some people):Chris Jones <c@(Chris's host.)public.example>, joe@example.org;",
       "Chris Jones <c@public.example> |  <joe@example.org>"},
      {"Joe (comment) Blow <joe@x.org>", "Joe Blow <joe@x.org>"},
      {"A via C <abc@x.org> on behalf of B", "A via C on behalf of B <abc@x.org>"},
      {"Joe\\, Blow <joe@x.org>", "Joe, Blow <joe@x.org>"},
      {"Joe <joe at x.org>", "Joe <joe at x.org>"},
      {"<@r1,@r2:joe@x.org>", " <joe@x.org>"},
      {"=?utf-8?Q?J_<evil@x.org>?= <j@x.org>", "J <evil@x.org> <j@x.org>"},  // what a word says is a name
      {"=?utf-8?Q?A,?= B <ab@x.org>", "A, B <ab@x.org>"},
      {"=?utf-8?B?QSwgQg==?= <ab@x.org>", "A, B <ab@x.org>"},
      {"=?utf-8?Q?j@x.org?=", "j@x.org <>"},
      {"=?iso-8859-1?Q?\"M=FCller,_J.\"?= <m@x.org>", "\"Müller, J.\" <m@x.org>"},
      {"Jörg <jörg@exämple.org>", "Jörg <jörg@exämple.org>"},
      {"\"joe blow\"@x.org", " <\"joe blow\"@x.org>"},
      {"Joe <joe@[IPv6:2001:db8::1]>", "Joe <joe@[IPv6:2001:db8::1]>"},
  };
  for (const auto& [value, seen] : table) EXPECT_EQ(show(parse_addresses(value)), seen) << value;
}

TEST(Wild, Dates) {
  const std::pair<std::string_view, std::string_view> table[] = {
      {"Mon, 23 Nov 20 10:00:00 +0100", "2020-11-23T10:00:00+01:00"},
      {"Mon, 23 Nov 98 10:00 EST", "1998-11-23T10:00:00-05:00"},
      {"Mon, 23 Nov 100 10:00:00 +0000", "2000-11-23T10:00:00Z"},
      {"Tue, 23 Nov 2020 10:00:00 GMT", "2020-11-23T10:00:00Z"},  // a Monday: the date counts
      {"Mon Nov 23 10:00:00 2020", "2020-11-23T10:00:00Z"},
      {"Mon Nov 23 10:00:00 EST 2020", "2020-11-23T10:00:00-05:00"},
      {"Sat Nov 23 2020 10:00:00 GMT+0100 (CET)", "2020-11-23T10:00:00+01:00"},
      {"23 Nov 2020 10:00:00 (a (nested) comment) +0100 (CET)", "2020-11-23T10:00:00+01:00"},
      {"Mon, 23-Nov-2020 10:00:00 +0100", "2020-11-23T10:00:00+01:00"},
      {"2020-11-23T10:00:00Z", "2020-11-23T10:00:00Z"},
      {"Fri, 21 Nov 97 09:55 : 06 -0600", "1997-11-21T09:55:06-06:00"},
      {"Mon , 23 Nov 2020 10 : 00 : 00 +0100", "2020-11-23T10:00:00+01:00"},
      {"Mon, 23 Nov 2020 10.11.12 +0100", "2020-11-23T10:11:12+01:00"},
      {"Mon, 23 Nov 2020 10:00:00 EST5EDT", "2020-11-23T10:00:00-05:00"},
      {"Mon, 23 Nov 2020 10:00:00 \"GMT\"", "2020-11-23T10:00:00Z"},
      {"11/23/2020 10:00:00", "2020-11-23T10:00:00Z"},
      {"23/11/2020 10:00:00", "2020-11-23T10:00:00Z"},
      {"Mon, 23 Nov 2020 24:00:00 +0000", "2020-11-24T00:00:00Z"},
      {"Fri, 31 Dec 1999 23:59:60 +0000", "2000-01-01T00:00:00Z"},
      {"Thu, 13 Feb 1969 23:32:54 -0330", "1969-02-13T23:32:54-03:30"},
      {"Wed, 31 Dec 1969 00:00:00 +1400", "1969-12-31T00:00:00+14:00"},
      {"23 Nov 2020", "2020-11-23T00:00:00Z"},
      {"00-Jan-0000", ""},
      {"Thu, 32 Nov 2020 10:00:00 +0100", ""},
      {"Mon, 23 Nov 2020 24:00:01 +0000", ""},
      {"29 Feb 2019 10:00:00 +0000", ""},
      {"Whenever", ""},
  };
  for (const auto& [value, seen] : table) {
    const auto date = parse_date(value);
    EXPECT_EQ(date ? date->rfc3339 : "", seen) << value;
  }
  EXPECT_EQ(parse_date("Fri, 31 Dec 1999 23:59:60 +0000")->unix_seconds, 946684800);
  EXPECT_EQ(parse_date("Wed, 31 Dec 1969 00:00:00 +1400")->unix_seconds, -86400 - 14 * 3600);
}

std::string text_of(std::string_view header, std::string_view body) {
  return parse("Subject: s\r\n" + std::string(header) + "\r\n\r\n" + std::string(body))
      .text.value_or("(none)");
}

TEST(Wild, Boundaries) {
  constexpr std::string_view kB = "--b\r\n\r\none\r\n--b--\r\n";
  for (std::string_view type :
       {"multipart/mixed; boundary=b", "multipart/mixed; boundary=\"b \"", "multipart/mixed; boundary='b'",
        "multipart/mixed boundary=b", "Multipart/Mixed; BOUNDARY=b (comment)",
        "multipart/mixed; boundary=a; boundary=b", "multipart/mixed; boundary*0=b",
        "multipart/mixed; boundary=a\r\nContent-Type: multipart/mixed; boundary=b"})
    EXPECT_EQ(text_of("Content-Type: " + std::string(type), kB), "one") << type;
  EXPECT_EQ(text_of("Content-Type: multipart/mixed; boundary=\"'b'\"", "--'b'\r\n\r\none\r\n--'b'--\r\n"),
            "one");
  EXPECT_EQ(text_of("Content-Type: multipart/mixed; boundary=b", "--b \t\r\n\r\none\r\n--b-- \r\n"), "one");
  EXPECT_EQ(
      text_of("Content-Type: multipart/mixed; boundary=b", "--bc\r\n\r\nno\r\n--b\r\n\r\none\r\n--b--\r\n"),
      "one");
  EXPECT_EQ(text_of("Content-Type: multipart/mixed; boundary=b", "x--b\r\n-\r\n--b\r\n\r\none - --b\r\n"),
            "one - --b\n");
}

TEST(Wild, TransferEncodings) {
  const std::pair<std::string_view, std::string_view> table[] = {
      {"base64", "SGVsbG8="},
      {"BASE64;", "SGVsbG8="},
      {"\"base64\"", "SGVsbG8="},
      {"(comment) base64", "SGVsbG8="},
      {"base64", "SGVs\r\nbG8"},
      {"base64", "SGVsbG8=\r\n\r\n--\r\nlist footer\r\n"},
      {"quoted-printable", "Hel=\r\nlo"},
      {"quoted-printable", "=48=65=6c=6C=6f"},
      {"8 bit", "Hello"},
      {"base64", "Hello"},
  };
  for (const auto& [encoding, body] : table) {
    const std::string text = text_of("Content-Transfer-Encoding: " + std::string(encoding), body);
    if (body == "Hello" && encoding == "base64") continue;
    EXPECT_EQ(text.substr(0, 5), "Hello") << encoding << body;
  }
  EXPECT_EQ(text_of("Content-Transfer-Encoding: base64", "This is not base64 at all, sorry.\r\n"),
            "This is not base64 at all, sorry.\n");
}

TEST(Wild, Names) {
  const std::pair<std::string_view, std::string_view> table[] = {
      {"attachment; filename=a b.txt", "a b.txt"},
      {"attachment; filename*1=b.txt; filename*0=a", "ab.txt"},
      {"attachment; filename*0*=utf-8''%C3; filename*1*=%A4.txt", "ä.txt"},
      {"attachment; filename*0*=utf-8'en'%C3%A4; filename*1=\"b c\"; filename*2*=%20d.txt", "äb c d.txt"},
      {"attachment; filename*0*=gb2312''%BB; filename*1*=%D8.txt", "回.txt"},
      {"attachment; filename*0=\"a\"; filename*2=\"c\"", "ac"},
      {"attachment; filename=\"=?utf-8?Q?=C3=A4?= =?utf-8?Q?b.txt?=\"", "äb.txt"},
      {"attachment; filename==?utf-8?Q?=C3=A4.txt?=", "ä.txt"},
      {"attachment; filename*=%C3%A4.txt", "ä.txt"},
      {"attachment; filename=\"a.txt", "a.txt"},
      {"attachment; filename=(c)a.txt", "a.txt"},
      {"attachment; filename=ä.txt", "ä.txt"},
      {"attachment; filename=a.txt; filename*=utf-8''b.txt", "b.txt"},
  };
  for (const auto& [disposition, name] : table) {
    const Message m = parse(
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhi\r\n--b\r\nContent-Type: "
        "application/octet-stream\r\nContent-Disposition: " +
        std::string(disposition) + "\r\n\r\nx\r\n--b--\r\n");
    ASSERT_EQ(m.attachments.size(), 1u);
    EXPECT_EQ(m.attachments[0].filename, name) << disposition;
  }
}

TEST(Wild, TypesThatCannotBeRead) {
  const auto second = [](std::string_view type) {
    const Message m =
        parse("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhi\r\n--b\r\nContent-Type: " +
              std::string(type) + "\r\n\r\nx\r\n--b--\r\n");
    return m.attachments.empty() ? "text" : m.attachments[0].mime_type;
  };
  EXPECT_EQ(second("text"), "text");
  EXPECT_EQ(second("text/plain charset=utf-8"), "text");
  EXPECT_EQ(second("text/plain,text/html"), "text");
  EXPECT_EQ(second("application; name=a"), "application/octet-stream");
  EXPECT_EQ(second("html"), "application/octet-stream");
  EXPECT_EQ(text_of("Content-Type: html", "body"), "body");  // all there is
}

TEST(Wild, APictureIsNoRoot) {
  const Message m = parse(
      "Content-Type: multipart/related; boundary=b\r\n\r\n--b\r\nContent-Type: image/png\r\n\r\nx\r\n"
      "--b\r\nContent-Type: text/html\r\n\r\n<p>a\r\n--b\r\nContent-Type: "
      "text/html\r\n\r\n<p>b\r\n--b--\r\n");
  EXPECT_EQ(m.html, "<p>a");
  EXPECT_EQ(m.attachments.size(), 2u);
}

TEST(Wild, HeadersThatBeginOddly) {
  EXPECT_EQ(parse(" \r\nSubject: a\r\n\r\nb").subject, "a");
  EXPECT_EQ(parse(" Subject: a\r\nTo: b@x.org\r\n\r\nb").subject, "a");
  EXPECT_EQ(parse("From a@x.org Mon Nov 23 10:00:00 2020\nSubject: a\n\nb").subject, "a");
  EXPECT_EQ(parse(">From a@x.org\nSubject: a\n\nb").subject, "a");
  EXPECT_EQ(parse("Subject: a\r\r\nTo: b@x.org\r\r\n\r\r\nbody\r\r\n").text, "body\n");
  EXPECT_EQ(parse("Subject : a\r\n\r\n").subject, "a");
  EXPECT_EQ(parse("Subject: \x1b$BF|K\\\x1b(B\r\n\r\n").subject, "日本");
}

TEST(Wild, HtmlBesideTheSameTextIsSaidOnce) {
  const auto mixed = [](std::string_view html) {
    return parse(
               "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nplease find attached the "
               "minutes\r\n--b\r\n"
               "Content-Type: text/html\r\n\r\n" +
               std::string(html) + "\r\n--b--\r\n")
        .text.value_or("");
  };
  EXPECT_EQ(mixed("<p>Please find <b>attached</b> the minutes</p>"), "please find attached the minutes");
  EXPECT_NE(mixed("<p>Something else entirely</p>").find("Something else"), std::string::npos);
}

TEST(Flowed, JoinsTheSendersOwnLines) {
  const struct {
    std::string_view in;
    bool delsp;
    std::string_view out;
  } table[] = {
      {"a \nb\nc\n", false, "a b\nc\n"},
      {"Donau \nschiff\n", true, "Donauschiff\n"},
      {" >not quoted\n", false, ">not quoted\n"},
      {" From me\n", false, "From me\n"},
      {"> a \n> b\n", false, "> a \n> b\n"},
      {"a \n> b\n", false, "a \n> b\n"},
      {"a \n-- \nsig\n", false, "a \n-- \nsig\n"},
      {"last ", false, "last "},
      {"", false, ""},
  };
  for (const auto& row : table) EXPECT_EQ(unflow(row.in, row.delsp), row.out) << row.in;
  EXPECT_EQ(text_of("Content-Type: text/plain; format=Flowed; DelSp=Yes", "a \r\nb\r\n"), "ab\n");
}

}  // namespace
}  // namespace mailroom::mime
