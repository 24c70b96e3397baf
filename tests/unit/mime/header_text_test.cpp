// Tables of what header text says: encoded words, addresses, dates, parameters.
#include <gmock/gmock.h>

#include "mime/headers.hpp"
#include "mime/parse.hpp"

namespace mailroom::mime {
namespace {

struct Text {
  std::string_view bytes, value;
};

TEST(DecodeHeader, Table) {
  const Text table[] = {
      {"plain", "plain"},
      {"", ""},
      {"=?iso-8859-1?Q?Fr=F6sche?=", "Frösche"},
      {"=?utf-8?Q?a=?=", "a="},
      {"=?utf-8?Q?a=?utf-8?Q?b?=", "=?utf-8?Q?ab"},
      {"Die =?iso-8859-1?q?Fr=F6sche?= da", "Die Frösche da"},
      {"=?utf-8?B?w7Y=?= =?utf-8?B?w7Y=?=", "öö"},
      {"=?utf-8?B?ww==?= =?utf-8?B?tg==?=", "ö"},    // split inside a character
      {"=?utf-8?Q?=C3?=\r\n =?UTF-8?Q?=B6?=", "ö"},  // and over a fold
      {"=?utf-8?Q?a?= =?iso-8859-1?Q?=F6?=", "aö"},
      {"=?utf-8*de?Q?a_b?=", "a b"},  // RFC 2231 language
      {"=?utf-8?Q?a b?=", "a b"},     // a space within: not allowed, common
      {"=?utf-8?Q?What?\?=", "What?"},
      {"=?utf-8?Q?=3D?=", "="},
      {"a=?utf-8?Q?b?=c", "abc"},
      {"=?utf-8?Q?never closed", "=?utf-8?Q?never closed"},
      {"=?utf-8?X?abc?=", "=?utf-8?X?abc?="},
      {"=??Q?abc?=", "=??Q?abc?="},
      {"=?utf-8?Q?a=?utf-8?Q?b?=", "=?utf-8?Q?ab"},
      {"=?gb2312?B?u9i4tA==?=", "回复"},
      {"=?ISO-2022-JP?B?GyRCRnxLXBsoQg==?=", "日本"},
      {"=?windows-1251?Q?=CF=F0?=", "Пр"},
      {"=?ks_c_5601-1987?B?x9GxuQ==?=", "한국"},
      {"=?shift_jis?B?k/qWew==?=", "日本"},
      {"=?no-such-charset?Q?a=E4?=", "a\xEF\xBF\xBD"},
      {"raw ö utf-8", "raw ö utf-8"},
      {"raw \xf6 latin", "raw \xEF\xBF\xBD latin"},
      {"=?utf-8?Q?a=0D=0ABcc:_x?=", "a  Bcc: x"},  // an encoded line end does not become one
      {"=?utf-8?Q?a=00b?=", "a b"},
      {"=?utf-8?Q?a=E2=80=A8b?=", "a b"},
      {"folded\r\n text", "folded text"},
  };
  for (const auto& row : table) EXPECT_EQ(decode_header(row.bytes), row.value) << row.bytes;
}

std::string show(const std::vector<Address>& list) {
  std::string out;
  for (const auto& a : list) {
    if (!out.empty()) out += " | ";
    out += a.name + "<" + a.address + ">" + (a.group.empty() ? "" : "{" + a.group + "}");
  }
  return out;
}

TEST(ParseAddresses, Table) {
  const Text table[] = {
      {"a@b.c", "<a@b.c>"},
      {"<a@b.c>", "<a@b.c>"},
      {"Joe <a@b.c>", "Joe<a@b.c>"},
      {"\"Blow, Joe\" <a@b.c>, d@e.f", "Blow, Joe<a@b.c> | <d@e.f>"},
      {"Joe Blow<a@b.c>", "Joe Blow<a@b.c>"},
      {"a@b.c (Joe (the) Blow)", "Joe (the) Blow<a@b.c>"},
      {"Whoever", "Whoever<>"},
      {"", ""},
      {",,,", ""},
      {"<>", ""},
      {"undisclosed-recipients:;", "<>{undisclosed-recipients}"},
      {"Team: a@b.c, Joe <d@e.f>;, g@h.i", "<a@b.c>{Team} | Joe<d@e.f>{Team} | <g@h.i>"},
      {"=?utf-8?Q?=3Cevil=40x=3E?= <a@b.c>", "<evil@x><a@b.c>"},
      {"=?utf-8?Q?a=2C_b?= <a@b.c>", "a, b<a@b.c>"},
      {"\"=?iso-8859-1?Q?M=FCller?=\" <a@b.c>", "Müller<a@b.c>"},
      {"\"quoted local\"@b.c", "<\"quoted local\"@b.c>"},
      {"\"a@b\"@c.d", "<\"a@b\"@c.d>"},
      {"Joe a@b.c", "Joe<a@b.c>"},
      {"a @ b.c", "<a@b.c>"},
      {"<@r1,@r2:a@b.c>", "<a@b.c>"},
      {"a@[IPv6:::1]", "<a@[IPv6:::1]>"},
      {"<<a@b.c>>", "<a@b.c>"},
      {"Joe <a@b.c, Jim <d@e.f>", "Joe<a@b.c> | Jim<d@e.f>"},
      {"\"unclosed <a@b.c>", "unclosed<a@b.c>"},
      {"a@b.c; d@e.f", "<a@b.c> | <d@e.f>"},
      {"\"a\\\"b\" <a@b.c>", "a\"b<a@b.c>"},
      {"J\xC3\xB6 <j\xC3\xB6@b.c>", "Jö<jö@b.c>"},
  };
  for (const auto& row : table) EXPECT_EQ(show(parse_addresses(row.bytes)), row.value) << row.bytes;
  const auto gore = parse_addresses("A1 (The Enforcer) Gore <v@w.h>");
  ASSERT_EQ(gore.size(), 1u);
  EXPECT_EQ(gore[0].address, "v@w.h");
  EXPECT_EQ(parse_addresses("a@b.c, d@e.f, g@h.i", 2).size(), 2u);
}

TEST(ParseDate, Table) {
  const struct {
    std::string_view bytes;
    std::int64_t seconds;
    std::string_view text;
  } table[] = {
      {"Wed, 17 May 2000 19:35:05 -0400", 958606505, "2000-05-17T19:35:05-04:00"},
      {"17 May 2000 19:35 -0400", 958606500, "2000-05-17T19:35:00-04:00"},
      {"Fri, 07 Oct 1994 16:15:05 -0700 (PDT)", 781571705, "1994-10-07T16:15:05-07:00"},
      {"Wed, 17 May 00 23:35:05 GMT", 958606505, "2000-05-17T23:35:05Z"},
      {"Wed, 17 May 2000 (a (nested) comment) 19:35:05 EDT", 958606505, "2000-05-17T19:35:05-04:00"},
      {"Wed May 17 23:35:05 2000", 958606505, "2000-05-17T23:35:05Z"},
      {"Wed May 17 19:35:05 EDT 2000", 958606505, "2000-05-17T19:35:05-04:00"},
      {"2000-05-17T23:35:05Z", 958606505, "2000-05-17T23:35:05Z"},
      {"2000-05-18T01:35:05.123+02:00", 958606505, "2000-05-18T01:35:05+02:00"},
      {"17-May-2000 23:35:05 +0000", 958606505, "2000-05-17T23:35:05Z"},
      {"Wed, 17 May 2000 11:35:05 PM GMT", 958606505, "2000-05-17T23:35:05Z"},
      {"Thu, 1 Jan 1970 00:00:00 +0000", 0, "1970-01-01T00:00:00Z"},
      {"29 Feb 2024 12:00:00 +0100", 1709204400, "2024-02-29T12:00:00+01:00"},
      {"1 Jan 100 00:00:00 +0000", 946684800, "2000-01-01T00:00:00Z"},
  };
  for (const auto& row : table) {
    const auto date = parse_date(row.bytes);
    ASSERT_TRUE(date) << row.bytes;
    EXPECT_EQ(date->unix_seconds, row.seconds) << row.bytes;
    EXPECT_EQ(date->rfc3339, row.text) << row.bytes;
  }
  for (std::string_view bad :
       {"", "Whenever", "00-Jan-0000", "31 Feb 2020 10:00:00 +0000", "1 Jan 2020 25:00:00 +0000", "(((((",
        "1 Foo 2020 10:00", "99999999999999999999 Jan 2020"})
    EXPECT_FALSE(parse_date(bad)) << bad;
}

std::string show(const Structured& s) {
  std::string out = s.value;
  for (const auto& p : s.parameters) out += ";" + p.name + "=" + p.value;
  return out;
}

TEST(ParseStructured, Table) {
  const Text table[] = {
      {"text/plain", "text/plain"},
      {"TEXT/Plain; Charset=UTF-8", "text/plain;charset=UTF-8"},
      {"a\xFF/b; n=v", "a\uFFFD/b;n=v"},
      {"a/b; n=\"x;y=z\"", "a/b;n=x;y=z"},
      {"a/b; n=\"x\\\"y\"", "a/b;n=x\"y"},
      {"a/b;n=v ;\r\n M=\"a b\"\t;  o=x ", "a/b;n=v;m=a b;o=x"},  // as it should be: mimetic reads it
      {"a/b; n=\" a\"; m=\"\"", "a/b;n=a;m="},
      {"a/b; n=a'b; m=\"=?utf-8?Q?=C3=B6?=\"", "a/b;n=a'b;m=ö"},
      {"a/b (comment; x=y); n=v (c)", "a/b;n=v"},
      {"a/b; n=\"(no comment)\"", "a/b;n=(no comment)"},
      {"a/b; access-type=mail-server\r\n server=\"x\"", "a/b;access-type=mail-server;server=x"},
      {"a/b; name=my file.pdf", "a/b;name=my file.pdf"},
      {"a/b charset=utf-8", "a/b;charset=utf-8"},
      {"a/b; f*=utf-8''%C3%B6.txt", "a/b;f=ö.txt"},
      {"a/b; f*=iso-8859-1'de'%F6.txt", "a/b;f=ö.txt"},
      {"a/b; f*0=ab; f*1=cd", "a/b;f=abcd"},
      {"a/b; f*1=cd; f*0=ab", "a/b;f=abcd"},                        // out of order
      {"a/b; f*0*=utf-8''%C3; f*1*=%B6; f*2=.txt", "a/b;f=ö.txt"},  // split inside a character
      {"a/b; f*0=ab; f*2=ef", "a/b;f=abef"},                        // a piece is missing
      {"a/b; f=old; f*=utf-8''new", "a/b;f=new"},
      {"a/b; f=\"=?iso-8859-1?Q?=F6.txt?=\"", "a/b;f=ö.txt"},  // not allowed, common
      {"a/b; f=one; f=two", "a/b;f=one"},
      {"attachment; filename=", "attachment;filename="},
      {";;;", ""},
      {"a/b; =x; ;y", "a/b"},
      {"a/b; f*999999=x", "a/b"},
      {"a/b; f=\"unclosed", "a/b;f=unclosed"},
      {"a/b; f*=utf-8''a%0D%0Ab", "a/b;f=a  b"},
  };
  for (const auto& row : table)
    EXPECT_EQ(show(parse_structured(unfold(row.bytes, 10'000, nullptr))), row.value) << row.bytes;
  EXPECT_FALSE(parse_structured("a/b; f=one; f=two").repeated.empty());
  EXPECT_TRUE(parse_structured("a/b; f=one; f=one").repeated.empty());
}

TEST(ParseIds, Table) {
  EXPECT_THAT(parse_ids("<a@b> <c@d>"), testing::ElementsAre("a@b", "c@d"));
  EXPECT_THAT(parse_ids("text <a@b>,<c@d> tail"), testing::ElementsAre("a@b", "c@d"));
  EXPECT_THAT(parse_ids("a@b c@d"), testing::ElementsAre("a@b", "c@d"));
  EXPECT_THAT(parse_ids("<unclosed"), testing::IsEmpty());
  EXPECT_THAT(parse_ids("<a@b> <c@d e"), testing::ElementsAre("a@b", "c@d"));
  EXPECT_THAT(parse_ids("a@b>"), testing::ElementsAre("a@b"));
  EXPECT_THAT(parse_ids("=?utf-8?Q?<a=40b>?="), testing::ElementsAre("a@b"));
  EXPECT_THAT(parse_ids("<" + std::string(500, '\xFF') + "> <a@b>"), testing::ElementsAre("a@b"));  // grows
  EXPECT_THAT(parse_ids(""), testing::IsEmpty());
}

}  // namespace
}  // namespace mailroom::mime
