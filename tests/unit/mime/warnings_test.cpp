// A message that two readers would read differently says so; one that they would not says nothing.
#include <gtest/gtest.h>

#include <algorithm>

#include "mime/parse.hpp"
#include "support/json.hpp"

namespace mailroom::mime {
namespace {

using namespace std::string_literals;

std::string codes(const std::string& raw) {
  std::vector<std::string> list;
  for (const auto& w : parse(raw).warnings) list.push_back(w.code);
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
  std::string out;
  for (const auto& code : list) out += (out.empty() ? "" : " ") + code;
  return out;
}

std::string mixed(std::string_view parts, std::string_view kind = "mixed") {
  return "Content-Type: multipart/" + std::string(kind) + "; boundary=b\r\n\r\n" + std::string(parts) +
         "--b--\r\n";
}

TEST(Warnings, Table) {
  const std::string words = "alpha bravo charlie delta echo foxtrot golf hotel india juliett kilo lima ";
  const std::string others =
      "mike november oscar papa quebec romeo sierra tango uniform victor whiskey xray ";
  const std::pair<std::string, std::string> table[] = {
      {"From: a@x.org\r\nFrom: b@x.org\r\n\r\n", "header_repeated"},
      {"Subject: a\r\nSubject: b\r\n\r\n", "header_repeated"},
      {"Content-Type: text/plain\r\nContent-Type: text/html\r\n\r\nx", "header_repeated"},
      {mixed("--b\r\nContent-Type: text/plain\r\nContent-Type: text/html\r\n\r\nx\r\n"), "header_repeated"},
      {mixed("--b\r\nContent-Transfer-Encoding: 7bit\r\nContent-Transfer-Encoding: base64\r\n\r\nx\r\n"),
       "header_repeated"},
      {"From: a@x.org, b@x.org\r\n\r\n", "from_several"},
      {"From: a@x.org, b@x.org\r\nSender: a@x.org\r\n\r\n", ""},
      {"From: \"boss@bank.example\" <joe@x.org>\r\n\r\n", "address_in_name"},
      {"From: =?utf-8?Q?boss=40bank.example?= <joe@x.org>\r\n\r\n", "address_in_name"},
      {"From: joe@x.org <joe@x.org>\r\n\r\n", ""},
      {"From: \"Joe @ work\" <joe@x.org>\r\n\r\n", ""},
      {"Subject: =?utf-8?Q?a=0D=0ABcc:_x?=\r\n\r\n", "header_line_end"},
      {"Subject: =?utf-8?Q?=ff?=\r\n\r\n", "header_charset"},
      {"Subject: \xf6\r\n\r\n", "header_8bit"},
      {"Subject: a\rBcc: x@x.org\r\nTo: b@x.org\r\n\r\n", "bare_cr"},
      {"Subject: a\0b\r\n\r\n"s, "nul"},
      {"Subject: a\r\n\r\nx\0y"s, "nul"},
      {"Date: soon\r\n\r\n", "date_invalid"},
      {"Subject: a\r\nbody without an empty line\r\nmore\r\n", "header_line_invalid header_unended"},
      {"Subject: a\r\njunk\r\nTo: b@x.org\r\n\r\nx", "header_line_invalid"},
      {"Subject: a\r\n\r\nContent-Type: text/html\r\n\r\n<p>x", "header_in_body"},
      {"Content-Type: multipart/mixed\r\n\r\nx", "boundary_missing"},
      {"Content-Type: multipart/mixed; boundary=b\r\n\r\nx", "boundary_not_found"},
      {"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx", "boundary_unclosed"},
      {mixed(""), "multipart_empty"},
      {mixed("--bc\r\n\r\nx\r\n--b\r\n\r\ny\r\n"), "boundary_prefix"},
      {"Content-Type: multipart/mixed; boundary=a; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n",
       "boundary_ambiguous parameter_repeated"},
      {mixed("--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n"),
       "boundary_repeated"},
      {"Content-Type: text/plain; charset=utf-8; charset=koi8-r\r\n\r\nx", "parameter_repeated"},
      {"Content-Type: nonsense\r\n\r\nx", "content_type_invalid"},
      {mixed("--b\r\n\r\nx\r\n--b\r\nContent-Type: a/b; name=a.txt\r\nContent-Disposition: attachment; "
             "filename=b.exe\r\n\r\nx\r\n"),
       "filename_conflict"},
      {mixed("--b\r\n\r\nx\r\n--b\r\nContent-Type: a/b\r\nContent-Disposition: attachment; filename=a.txt; "
             "filename*=utf-8''b.exe\r\n\r\nx\r\n"),
       "filename_conflict"},
      {mixed("--b\r\n\r\nx\r\n--b\r\nContent-Type: a/b\r\nContent-Disposition: attachment; filename=_.txt; "
             "filename*=utf-8''%C3%A4.txt\r\n\r\nx\r\n"),
       ""},
      {mixed("--b\r\n\r\nx\r\n--b\r\nContent-Type: a/b\r\nContent-Disposition: attachment; filename*0=a; "
             "filename*2=c\r\n\r\nx\r\n"),
       "filename_broken"},
      {"Content-Transfer-Encoding: base64\r\n\r\nSGVs|bG8=", "encoding_broken"},
      {"Content-Transfer-Encoding: base64\r\n\r\nSGVsbG8=\r\n-- \r\nfooter", "encoding_broken"},
      {"Content-Transfer-Encoding: quoted-printable\r\n\r\na=zz", "encoding_broken"},
      {"Content-Transfer-Encoding: rot13\r\n\r\nx", "encoding_broken"},
      {"Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: "
       "base64\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n",
       "encoding_on_multipart"},
      {"Content-Type: text/plain; charset=utf-8\r\n\r\n\xf6", "charset_invalid"},
      {"Content-Type: text/plain; charset=nobody-knows\r\n\r\n\xf6", "charset_unknown"},
      {"Subject: a\r\n\r\n\xf6", "charset_undeclared"},
      {"Content-Type: text/plain; charset=iso-8859-1\r\n\r\nGr\xc3\xbc\xc3\x9f"
       "e",
       "charset_wrong"},
      {"Content-Type: text/plain; charset=us-ascii\r\n\r\nGr\xc3\xbc\xc3\x9f"
       "e",
       "charset_wrong"},
      {"Content-Type: text/plain; charset=iso-8859-1\r\n\r\nGr\xfc\xdf"
       "e",
       ""},
      {mixed("--b\r\n\r\n" + words + "\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>" + others + "</p>\r\n",
             "alternative"),
       "alternatives_differ"},
      {mixed("--b\r\n\r\n" + words + "\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>" + words + "</p>\r\n",
             "alternative"),
       ""},
      {mixed("--b\r\n\r\nshort\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>" + others + "</p>\r\n",
             "alternative"),
       ""},
      {"Subject: a\r\n\r\nhi\r\nbegin 644 a.txt\r\n#86)C\r\n`\r\nend\r\n", "uuencode_in_text"},
      {"Subject: a\r\n\r\nplease begin 644 things\r\nbegin 644\r\nnot at all\r\n", ""},
      {"Subject: a\r\n\r\n=ybegin line=128 size=3 name=a.bin\r\nxyz\r\n=yend size=3\r\n", "yenc_in_text"},
      {"Subject: a\r\n\r\n-----BEGIN PGP MESSAGE-----\r\n", "encrypted"},
      {"Subject: a\r\n\r\n-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA256\r\n\r\nx\r\n",
       "signature_unverified"},
      {mixed("--b\r\n\r\nx\r\n--b\r\nContent-Type: application/pgp-signature\r\n\r\ns\r\n", "signed"),
       "signature_unverified"},
      {"From: Joe <joe@x.org>\r\nTo: a@x.org, b@x.org\r\nSubject: =?utf-8?Q?=C3=A4?=\r\nDate: Thu, 1 Jan "
       "1970 00:00:01 "
       "+0000\r\nContent-Type: multipart/alternative; "
       "boundary=b\r\n\r\n--b\r\n\r\nhello\r\n--b\r\nContent-Type: "
       "text/html\r\n\r\n<p>hello</p>\r\n--b--\r\n",
       ""},
  };
  for (const auto& [raw, expected] : table) EXPECT_EQ(codes(raw), expected) << raw;
}

TEST(Warnings, ALikelyReadingIsOffered) {
  const auto detail = [](const std::string& raw) { return parse(raw).warnings.at(0).detail; };
  // What the text declares is the best guess for the header.
  EXPECT_NE(
      detail("Subject: \xcf\xf0\xe8\r\nContent-Type: text/plain; charset=windows-1251\r\n\r\nx").find("При"),
      std::string::npos);
  EXPECT_NE(detail("Subject: Gr\xfc\xdf"
                   "e\r\n\r\nx")
                .find("Grüße"),
            std::string::npos);
  // "the meeting is moved to Wednesday, please tell the others", KOI8-R
  EXPECT_NE(
      detail(
          "Subject: a\r\n\r\n\xf7\xd3\xd4\xd2\xc5\xde\xc1 \xd0\xc5\xd2\xc5\xce\xc5\xd3\xc5\xce\xc1 \xce\xc1 "
          "\xd3\xd2\xc5\xc4\xd5, \xd0\xd2\xcf\xdb\xd5 \xd3\xcf\xcf\xc2\xdd\xc9\xd4\xd8 "
          "\xcf\xd3\xd4\xc1\xcc\xd8\xce\xd9\xcd")
          .find("Встреча"),
      std::string::npos);
}

TEST(Warnings, AreUtf8WhereverTheyAreCut) {
  for (std::size_t fill = 0; fill < 4; ++fill) {
    std::string name = "a@" + std::string(fill, 'x'), text;
    for (int i = 0; i < 60; ++i) name += "€", text += "€";
    const auto m = parse("From: \"" + name + "\" <joe@x.org>\r\n\r\nbegin 644 " + std::string(fill, 'x') +
                         text + "\n#86)C\n`\nend\n");
    EXPECT_GE(m.warnings.size(), 2u);
    for (const auto& w : m.warnings) EXPECT_EQ(aoh::valid_utf8(w.detail), w.detail) << w.code;
  }
}

TEST(Warnings, AreFinite) {
  std::string raw = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
  for (int i = 0; i < 900; ++i)
    raw += "--b\r\nContent-Type: a/b; name=a" + std::to_string(i) + "\r\nContent-Transfer-Encoding: x" +
           "\r\n\r\nx\r\n";
  EXPECT_LE(parse(raw).warnings.size(), 200u);
}

}  // namespace
}  // namespace mailroom::mime
