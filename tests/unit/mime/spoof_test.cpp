// Who a message is from: what another reader, or a person's eye, would take for another address is told.
#include <gtest/gtest.h>

#include <algorithm>

#include "mime/fence.hpp"
#include "mime/json.hpp"
#include "mime/parse.hpp"
#include "mime/unicode.hpp"
#include "support/json.hpp"

namespace mailroom::mime {
namespace {

using namespace std::string_literals;

std::string codes(const Message& m) {
  std::vector<std::string> list;
  for (const auto& w : m.warnings) list.push_back(w.code);
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
  std::string out;
  for (const auto& code : list) out += (out.empty() ? "" : " ") + code;
  return out;
}

TEST(Spoof, From) {
  const std::pair<std::string, std::string> table[] = {
      // a name that shows another address
      {"\"ceo@corp.com\" <ceo@corp.co>", "address_in_name"},  // longer, not the same
      {"\"ceo@corp.example\" <o@corp.example>", "address_in_name"},
      {"\"ceo@corp.example x@evil.example\" <x@evil.example>", "address_in_name"},
      {"\"Meet @ noon, ceo@corp.example\" <x@evil.example>", "address_in_name"},
      {"\"ceo @ corp.example\" <x@evil.example>", "address_in_name"},
      {"\"ceo\uff20corp.example\" <x@evil.example>", "address_in_name"},
      {"\"ceo\ufe6bcorp.example\" <x@evil.example>", "address_in_name"},
      {"=?utf-8?B?Y2VvQGNvcnAuZXhhbXBsZQ==?=: x@evil.example;", "address_in_name"},
      {"\"ceo@corp.example\": x@evil.example;", "address_in_name"},
      {"Joe (@joe) <a@x.org>", ""},
      {"@joe <a@x.org>", ""},
      {"Joe @ work <a@x.org>", ""},
      {"'A@X.org' <a@x.org>", ""},
      {"a@x.org via b <a@x.org>", ""},
      {"\"joe@m\u00fcller.example\" <joe@xn--mller-kva.example>", ""},
      // an address that is read in two ways
      {"=?utf-8?b?cG90dXNAd2hpdGVob3VzZS5nb3Y=?==?utf-8?Q?=00?=@example.com", "address_doubtful nul"},
      {"<=?utf-8?B?Y2VvQGNvcnAuZXhhbXBsZQ==?=@evil.example>", "address_doubtful"},
      {"ceo@corp.example@evil.example", "address_doubtful"},
      {"\"ceo@corp.example\"@evil.example", "address_doubtful"},
      {"<ceo@corp.example x@evil.example>", "address_doubtful"},
      {"ceo@corp.example:x@evil.example", "address_doubtful"},
      {"ceo@corp.example/x@evil.example", "address_doubtful"},
      {"ceo@corp.example/x", "address_doubtful"},
      {"x@", "address_doubtful"},
      {"@evil.example", "address_doubtful"},
      {"a@x.org\u00a0", "address_doubtful"},
      {"\"a b\"@x.org", ""},
      {"/G=joe/S=blow/@gw.example", ""},
      {"x@[IPv6:::1]", ""},
      {"a..b.@x.org", ""},
      // an address that looks like another one
      {"c\u0435o@corp.example", "address_lookalike"},
      {"ceo@c\u043erp.example", "address_lookalike"},
      {"ceo@\u0430\u0440\u0440\u04cf\u0435.com", "address_lookalike"},
      {"ceo@xn--80ak6aa92e.com", "address_lookalike"},
      {"ceo@corp\uff0eexample", "address_lookalike"},
      {"ceo@corp\u2024example", "address_lookalike"},
      {"ceo@my-\u0431\u0430\u043dk.example", "address_lookalike"},
      {"joe@m\u00fcller.example", ""},
      {"joe@xn--mller-kva.example", ""},
      {"joe@\u043f\u0440\u0438\u043c\u0435\u0440.\u0440\u0444", ""},
      {"\u0438\u0432\u0430\u043d@example.com", ""},
      {"joe@\u4f8b\u3048\u30c6\u30b9\u30c8.jp", ""},
      {"joe@\ud55c\uad6d.kr", ""},
      {"joe@\u03c0\u03b1\u03c1\u03ac\u03b4\u03b5\u03b9\u03b3\u03bc\u03b1.gr", ""},
      {"joe@\u0645\u062b\u0627\u0644.\u0645\u0635\u0631", ""},
      {"joe@\u05d3\u05d5\u05d2\u05de\u05d4.il", ""},
      {"joe@\u0909\u0926\u093e\u0939\u0930\u0923.\u092d\u093e\u0930\u0924", ""},
      {"joe@\u0e15\u0e31\u0e27.\u0e44\u0e17\u0e22", ""},
      {"joe@caf\u00e9.example", ""},
      // characters that draw nothing
      {"ceo@corp\u200b.example", "hidden_characters"},
      {"ceo@corp.example\U000e0061\U000e0062", "hidden_characters"},
      {"ceo@corp.example\u202e", "hidden_characters"},
      {"=?utf-8?Q?CEO=00?= <a@x.org>", "nul"},
  };
  for (const auto& [from, expected] : table) {
    const Message m = parse("From: " + from + "\r\nSubject: s\r\n\r\nx");
    EXPECT_EQ(codes(m), expected) << from << "\n" << to_json(m).dump();
    EXPECT_EQ(codes(parse("From: a@x.org\r\nReply-To: " + from + "\r\nSubject: s\r\n\r\nx")), expected)
        << from;
  }
  EXPECT_EQ(parse("From: ceo@corp\u200b.example\r\n\r\n").from.at(0).address, "ceo@corp\ufffd.example");
  EXPECT_EQ(parse("From: \"a@b.example\": x@evil.example;\r\n\r\n").from.at(0).group, "a@b.example");
}

// Wherever a sender can write: nothing that draws nothing comes out, and it is told.
TEST(Spoof, NothingInvisibleInAnyPlace) {
  const std::string tags = "\U000e0061\U000e0062\u200b\u202e";
  const std::string places[] = {
      "From: ann" + tags + "@x.org\r\n\r\n",
      "From: g" + tags + "x: ann@x.org;\r\n\r\n",
      "To: \"a" + tags + "b\" <ann@x.org>\r\n\r\n",
      "Cc: ann@x" + tags + ".org\r\n\r\n",
      "Subject: a" + tags + "b\r\n\r\n",
      "Message-ID: <a" + tags + "@x>\r\n\r\n",
      "In-Reply-To: <a" + tags + "@x>\r\n\r\n",
      "References: <a" + tags + "@x>\r\n\r\n",
      "X-Any: a" + tags + "b\r\n\r\n",
      "X-Any: =?utf-8?Q?a=E2=80=8Bb?=\r\n\r\n",
      "Content-Type: application/x" + tags + "y\r\n\r\nx",
      "Content-Type: application/x; name=\"a" + tags + "b\"\r\n\r\nx",
      "Content-Type: text/plain; charset=\"utf-8" + tags + "\"\r\nContent-Disposition: attachment\r\n\r\nx",
      "Content-Disposition: attach" + tags + "ment; filename=a\r\n\r\nx",
      "Content-Disposition: attachment; filename=a\r\nContent-ID: <a" + tags + "@x>\r\n\r\nx",
      "Content-Type: text/calendar\r\n\r\nBEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1" + tags + "2\r\nSTATUS:A" +
          tags + "\r\nRRULE:F" + tags + "\r\nDTSTART;TZID=Z" + tags + "Z:20261123T100000\r\nORGANIZER;CN=a" +
          tags + "b:mailto:a" + tags + "@x\r\nATTENDEE;PARTSTAT=X" + tags + ":mailto:a" + tags +
          "@x\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
      "Content-Type: message/rfc822\r\n\r\nFrom: a" + tags + "@x.org\r\nSubject: a" + tags +
          "b\r\nMessage-ID: <a" + tags + "@x>\r\n\r\nx",
  };
  RenderOptions options;
  options.headers = true;
  options.format = Format::full;
  for (const std::string& raw : places) {
    const Message m = parse(raw);
    const std::string out = to_json(m, options).dump() + render_for_model(m, "0123456789abcdef", options);
    for (std::size_t at = 0; at < out.size();) {
      const std::size_t here = at;
      ASSERT_FALSE(is_invisible(next_char(out, at))) << raw << "\n"
                                                     << out.substr(here > 80 ? here - 80 : 0, 120);
    }
    EXPECT_NE(codes(m), "") << raw;
  }
}

TEST(Spoof, AnAttachedMessageIsLookedAtToo) {
  const Message m =
      parse("Content-Type: message/rfc822\r\n\r\nFrom: \"ceo@corp.example\" <x@evil.example>\r\n\r\nx");
  EXPECT_EQ(codes(m), "address_in_name");
  EXPECT_NE(m.warnings.at(0).detail.find("part 1"), std::string::npos) << m.warnings.at(0).detail;
}

TEST(Spoof, NamesOfFiles) {
  struct Row {
    std::string disposition, name, codes;
  };
  const Row table[] = {
      {"attachment; filename=a(1).txt", "a(1).txt", ""},
      {"attachment; filename=a (1).txt", "a (1).txt", ""},
      {"attachment; filename=a(1).txt (c); x=y", "a(1).txt", ""},
      {"attachment; filename=a.txt (comment)", "a.txt", ""},
      {"attachment; filename=a.txt; filename*=utf-8''", "a.txt", ""},
      {"attachment; filename=good.txt; filename*=utf-8''other.txt", "other.txt", "filename_conflict"},
      {"attachment; filename=\"my file.txt\"; filename*=utf-8''my_file.txt", "my_file.txt", ""},
      {"filename=a.txt", "a.txt", ""},
      {"attachment; filename*99999999999=a", "", "filename_broken"},
      {"attachment; filename**=utf-8''a", "", "filename_broken"},
      {"attachment; filename*=utf-8''a.exe%00.txt", "a.exe .txt", "filename_control"},
      {"attachment; filename*=utf-8''a%0D%0AX.txt", "a  X.txt", "filename_control"},
      {"attachment; filename=\"=?utf-8?Q?a=00b?=\"", "a b", "filename_control"},
      {"attachment; filename=\"a.exe\0.txt\""s, "a.exe .txt", "filename_control nul"},
      {"attachment; filename=\"a.exe\r.txt\"", "a.exe.txt", "bare_cr"},
      {"attachment; filename=\"\xf6.txt\"", "\ufffd.txt", "header_charset"},
  };
  for (const Row& row : table) {
    const Message m = parse(
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: "
        "application/x\r\nContent-Disposition: " +
        row.disposition + "\r\n\r\nx\r\n--b--\r\n");
    ASSERT_EQ(m.attachments.size(), 1u);
    EXPECT_EQ(m.attachments[0].filename.value_or(""), row.name) << row.disposition;
    EXPECT_EQ(codes(m), row.codes) << row.disposition;
  }
  std::string many = "attachment";
  for (int i = 0; i < 300; ++i) many += "; filename*" + std::to_string(i) + "=a";
  EXPECT_EQ(codes(parse("Content-Type: application/x\r\nContent-Disposition: " + many + "\r\n\r\nx")),
            "filename_broken");
  EXPECT_EQ(codes(parse("Content-Type: text/plain/x\r\n\r\nx")), "content_type_invalid");
  EXPECT_EQ(parse("Content-Type: text/plain/x\r\n\r\nx").text, "x");
  EXPECT_EQ(codes(parse("Subject: =?utf-8?Q?=C3?= =?iso-8859-1?Q?a?=\r\n\r\nx")), "header_charset");
}

}  // namespace
}  // namespace mailroom::mime
