// What servers send that the grammar does not have, and how it is read (docs/imap.md lists the quirks).
#include <gtest/gtest.h>

#include "imap/proto/data.hpp"
#include "imap/proto/fetch_row.hpp"

namespace mailroom::imap {
namespace {

Response response(const std::string& bytes) {
  Framer framer;
  framer.feed(bytes + "\r\n");
  return classify(*framer.take());
}
MessageRow row(const std::string& bytes) {
  Response r = response(bytes);
  EXPECT_EQ(r.kind, Response::Kind::fetch) << bytes;
  return parse_fetch(r, {});
}
std::string outline(const BodyPart& p) {
  std::string out = p.number + ":" + p.type + "/" + p.subtype;
  for (const BodyPart& c : p.parts) out += " (" + outline(c) + ")";
  return out;
}

// Quirk loose_integers.
TEST(FetchRow, NumbersAreReadAsServersWriteThem) {
  const std::pair<const char*, std::optional<std::uint64_t>> table[] = {
      {"44", 44},
      {"44.0", 44},
      {"1.5", 1},
      {"9.3736e+06", 9373600},
      {"1.86931E+06", 1869310},
      {"\"12\"", 12},
      {"-5", std::nullopt},
      {"NIL", std::nullopt},
      {"inf", std::nullopt},
      {"nan", std::nullopt},
      {"1e400", std::nullopt},
      {"1e19", std::nullopt},
      {"9223372036854775807", INT64_MAX},
      {"9223372036854775808", std::nullopt},
      {"99999999999999999999999", std::nullopt},
      {"(4)", std::nullopt},
      {"4x", std::nullopt}};
  for (const auto& [text, size] : table) {
    const MessageRow r = row("* 3 FETCH (RFC822.SIZE " + std::string(text) + " UID 17)");
    EXPECT_FALSE(r.error) << text << ": " << r.error.line();
    EXPECT_EQ(r.size, size) << text;
    EXPECT_EQ(r.uid, 17u) << text;
    const MessageRow part = row("* 3 FETCH (UID 17 BODYSTRUCTURE (\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" " +
                                std::string(text) + " 1))");
    ASSERT_TRUE(part.structure) << text;
    const bool known = size && *size <= UINT32_MAX;
    EXPECT_EQ(part.structure->size_known, known) << text;
    EXPECT_EQ(part.structure->size, known ? *size : 0) << text;
  }
  // Who a message is must be exact.
  for (const char* bad : {"1.5e+06", "17.0", "-17", "0x11", "NIL"}) {
    const MessageRow r = row("* 3 FETCH (UID " + std::string(bad) + ")");
    EXPECT_TRUE(static_cast<bool>(r.error)) << bad;
    EXPECT_EQ(r.error.where, "message number 3") << bad;
  }
  Response status = response(
      "* STATUS x (MESSAGES 3.0 UIDNEXT -1 UIDVALIDITY NIL UNSEEN 1e+03 SIZE 1.5e+09 DELETED 4 MAILBOXID "
      "(F1))");
  std::string name;
  const StatusData d = parse_status(status, name);
  EXPECT_EQ(d.messages, 3u);
  EXPECT_FALSE(d.uid_next || d.uid_validity);
  EXPECT_EQ(d.unseen, 1000u);
  EXPECT_EQ(d.size, 1'500'000'000u);
  EXPECT_EQ(d.deleted, 4u);
  EXPECT_EQ(d.mailbox_id, "F1");
  Response empty = response("* STATUS INBOX ()");  // from 163.com
  EXPECT_FALSE(parse_status(empty, name).messages);
}

// Quirk missing_value.
TEST(FetchRow, AnEmptyPartMayHaveNoValue) {
  const MessageRow r = row("* 3 FETCH (UID 17 BODY[1.2] )");
  EXPECT_FALSE(r.error) << r.error.line();
  ASSERT_NE(r.section("1.2"), nullptr);
  EXPECT_FALSE(r.section("1.2")->nil);
  EXPECT_EQ(r.section("1.2")->bytes, "");
  for (const char* whole :
       {"* 3 FETCH (UID 17 BODY[])", "* 3 FETCH (UID 17 BODY[HEADER] )", "* 3 FETCH (UID 17 BODY[1.MIME])"}) {
    const MessageRow none = row(whole);
    EXPECT_EQ(none.error.where, "message UID 17") << whole;
    EXPECT_TRUE(none.sections.empty()) << whole;
  }
}

// Quirk empty_multipart.
TEST(BodyStructure, AMultipartWithoutPartsIsOneInEveryForm) {
  const std::pair<const char*, const char*> table[] = {
      {"(\"ALTERNATIVE\")", ":multipart/alternative"},
      {"(\"mixed\" (\"boundary\" \"x\") NIL NIL)", ":multipart/mixed"},
      {"(NIL \"MIXED\" (\"BOUNDARY\" \"x\") NIL NIL)", ":multipart/mixed"},
      {"(\"MULTIPART\" \"MIXED\" NIL NIL NIL \"7BIT\" 0)", "1:multipart/mixed"},
      {"((\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 1 1)(\"MESSAGE\" \"RFC822\" NIL NIL NIL \"7BIT\" 2942 "
       "(NIL) "
       "(\"ALTERNATIVE\") 51) \"REPORT\")",
       ":multipart/report (1:text/plain) (2:message/rfc822 (2.1:multipart/alternative))"},
      {"((\"mixed\" (\"boundary\" \"x\"))(\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 1 1) \"MIXED\")",
       ":multipart/mixed (1:multipart/mixed) (2:text/plain)"}};
  for (const auto& [text, wanted] : table) {
    const MessageRow r = row("* 1 FETCH (UID 1 BODYSTRUCTURE " + std::string(text) + " RFC822.SIZE 5)");
    ASSERT_TRUE(r.structure) << text << ": " << r.error.line();
    EXPECT_EQ(outline(*r.structure), wanted) << text;
    EXPECT_EQ(r.size, 5u) << text;
  }
}

// Quirk malformed_structure: what is only odd is read, and the message is named where it is not.
TEST(BodyStructure, WhatExchangeAndMailRuSend) {
  const MessageRow exchange =
      row("* 37 FETCH (UID 67 BODYSTRUCTURE ((\"text\" \"plain\" (\"charset\" \"ISO-8859-1\") NIL NIL "
          "\"QUOTED-PRINTABLE\" 850 31 "
          "NIL \"inline\" NIL NIL)(\"text\" \"html\" (\"charset\" \"ISO-8859-1\") NIL NIL "
          "\"QUOTED-PRINTABLE\" 14692 502 NIL \"inline\" "
          "NIL NIL) \"alternative\" (\"boundary\" \"b\") \"S/MIME Encrypted Message\" NIL))");
  ASSERT_TRUE(exchange.structure) << exchange.error.line();
  EXPECT_EQ(exchange.structure->parts.at(1).disposition, "inline");
  const MessageRow boundary =
      row("* 4 FETCH (UID 4 BODYSTRUCTURE ((\"text\" \"plain\" NIL NIL NIL \"8bit\" 536 0 NIL NIL NIL NIL) "
          "\"alternative\" (\"boundary\" NIL)))");
  ASSERT_TRUE(boundary.structure) << boundary.error.line();
  EXPECT_EQ(boundary.structure->params.at(0).second, "");
  const MessageRow behind =
      row("* 385 FETCH (UID 3342 BODYSTRUCTURE (\"text\" \"html\" NIL NIL NIL \"7bit\" 1840 0)((\"text\" "
          "\"html\" NIL NIL NIL \"base64\" 168 "
          "0) \"mixed\") FLAGS () RFC822.SIZE 9)");
  EXPECT_FALSE(behind.structure);
  EXPECT_EQ(behind.error.where, "message UID 3342");
  EXPECT_EQ(behind.size, 9u) << "the rest of the row is kept";
}

// Quirk unescaped_quotes.
TEST(BodyStructure, QuotesWithinAreReadOnceMore) {
  const MessageRow r =
      row("* 1 FETCH (UID 17 BODYSTRUCTURE ((\"TEXT\" \"HTML\"\" NIL NIL NIL \"8bit\" 74 2)(\"MESSAGE\" "
          "\"RFC822\" NIL NIL NIL \"7BIT\" 99 "
          "(NIL \"say \"hi\"!\" NIL NIL NIL NIL NIL NIL NIL \"<\"a\"@x>\") (\"TEXT\" \"PLAIN\" NIL NIL NIL "
          "\"7BIT\" 1 1) 4) \"MIXED\") "
          "RFC822.SIZE 5)");
  ASSERT_TRUE(r.structure) << r.error.line();
  EXPECT_EQ(outline(*r.structure), ":multipart/mixed (1:text/html\") (2:message/rfc822 (2.1:text/plain))");
  EXPECT_EQ(r.size, 5u);
  // Where it cannot be told, the message is named and comes without its structure.
  const MessageRow lost =
      row("* 1 FETCH (UID 17 BODYSTRUCTURE (\"TEXT\" \"say \"hi\" (now\" NIL NIL NIL \"8bit\" 74 2) "
          "RFC822.SIZE 5)");
  EXPECT_FALSE(lost.structure);
  EXPECT_EQ(lost.error.where, "message UID 17");
  // Short literals are there again when it is read once more.
  const MessageRow again =
      row("* 1 FETCH (UID 1 BODYSTRUCTURE (\"TEXT\" \"HTML\"\" NIL NIL NIL {4}\r\n8bit 74 2))");
  ASSERT_TRUE(again.structure) << again.error.line();
  EXPECT_EQ(again.structure->encoding, "8bit");
}

}  // namespace
}  // namespace mailroom::imap
