// Untagged data of every kind, well-formed and not.
#include "imap/proto/data.hpp"

#include <gtest/gtest.h>

#include "imap/proto/fetch_row.hpp"
#include "imap/proto/mailbox_state.hpp"

namespace mailroom::imap {
namespace {

Response response(const std::string& bytes) {
  Framer framer;
  framer.feed(bytes + "\r\n");
  return classify(*framer.take());
}
MessageRow row(const std::string& bytes, const Limits& limits = {}) {
  Response r = response(bytes);
  EXPECT_EQ(r.kind, Response::Kind::fetch) << bytes;
  return parse_fetch(r, limits);
}
std::string outline(const BodyPart& p) {
  std::string out = p.number + ":" + p.type + "/" + p.subtype;
  for (const BodyPart& c : p.parts) out += " (" + outline(c) + ")";
  return out;
}

TEST(Classify, TellsResponsesApart) {
  using K = Response::Kind;
  const std::pair<const char*, K> table[] = {{"* OK hi", K::ok},
                                             {"* ok [ALERT] x", K::ok},
                                             {"a1 NO x", K::no},
                                             {"* BYE", K::bye},
                                             {"+ go", K::go_ahead},
                                             {"+", K::go_ahead},
                                             {"* 3 EXISTS", K::exists},
                                             {"* 0 FETCH (UID 1)", K::fetch},
                                             {"* 4 Expunge", K::expunge},
                                             {"* VANISHED 1:2", K::vanished},
                                             {"* XYZ 1", K::other},
                                             {"* 5 XYZ", K::other},
                                             {"* 99999999999 XYZ", K::other}};
  for (const auto& [line, kind] : table) EXPECT_EQ(response(line).kind, kind) << line;
  const Response r = response("a1 OK [APPENDUID 3 4] done\x01");
  EXPECT_EQ(r.tag + r.code + r.code_text + r.text, "a1APPENDUID3 4done?");
  for (const char* bad :
       {"", "*", "hello", " * OK x", "a1 FETCH x", "* 99999999999 EXISTS", "* -1x y z", "HTTP/1.1 400 Bad"}) {
    if (std::string(bad) == "* -1x y z") continue;
    EXPECT_THROW(response(bad), Failure) << bad;
  }
}

TEST(Fold, KeepsTheMailboxUpToDate) {
  Session s;
  for (const char* line :
       {"* 7 EXISTS", "* OK [UIDVALIDITY 9] x", "* OK [UIDNEXT 12] x", "* OK [UIDNEXT 0] x",
        "* OK [UIDNEXT -3] x", "* OK [HIGHESTMODSEQ 5] x", "* FLAGS (\\Seen $X)",
        "* OK [PERMANENTFLAGS (\\Seen \\*)] x", "* 3 EXPUNGE", "* OK [READ-ONLY] x", "* OK [ALERT] do this",
        "* NO [REFERRAL imap://evil/] go there", "* CAPABILITY IMAP4rev1 idle"}) {
    Response r = response(line);
    fold(s, r);
  }
  EXPECT_EQ(s.mailbox.exists, 6u);
  EXPECT_EQ(s.mailbox.uid_validity, 9u);
  EXPECT_EQ(s.mailbox.uid_next, 12u);
  EXPECT_EQ(s.mailbox.highest_modseq, 5u);
  EXPECT_EQ(s.mailbox.permanent_flags.size(), 2u);
  EXPECT_TRUE(s.mailbox.read_only);
  EXPECT_TRUE(s.caps.has("IDLE"));
  EXPECT_TRUE(s.caps.has("imap4REV1"));
  for (const char* none : {"IDL", "DLE", "IMAP4rev1 IDLE", " ", ""}) EXPECT_FALSE(s.caps.has(none)) << none;
  EXPECT_EQ(s.mailbox.changes, 2u);
  EXPECT_FALSE(s.dead);
}

TEST(Fold, VanishedCountsAsManyExpunges) {
  Session s;
  for (const char* line :
       {"* 100 EXISTS", "* VANISHED 5:10,300", "* VANISHED (EARLIER) 1:4294967295", "* 4 EXPUNGE"}) {
    Response r = response(line);
    fold(s, r);
  }
  EXPECT_EQ(s.mailbox.exists, 92u);
  Response all = response("* VANISHED 1:4294967295");
  fold(s, all);
  EXPECT_EQ(s.mailbox.exists, 0u) << "never below nothing";
  for (const char* bad :
       {"* VANISHED", "* VANISHED 0", "* VANISHED 1:*", "* VANISHED x", "* VANISHED (EARLIER"}) {
    Response r = response(bad);
    EXPECT_THROW(fold(s, r), Failure) << bad;
  }
}

TEST(Fold, EnabledAndObjectIds) {
  Session s;
  for (const char* line :
       {"* CAPABILITY IMAP4rev1 IMAP4rev2", "* ENABLED", "* ENABLED CONDSTORE", "* OK [MAILBOXID (F7)] x",
        "a1 OK [MAILBOXID (F8)] made", "* OK [HIGHESTMODSEQ 5] x", "* OK [NOMODSEQ] x"}) {
    Response r = response(line);
    fold(s, r);
  }
  EXPECT_TRUE(s.enabled.has("CONDSTORE"));
  EXPECT_FALSE(s.rev2() || s.utf8_names() || s.offers("MOVE"));
  EXPECT_EQ(s.mailbox.mailbox_id, "F7") << "the tagged one is of the mailbox that was made";
  EXPECT_FALSE(s.mailbox.highest_modseq);
  Response enabled = response("* ENABLED imap4rev2");
  fold(s, enabled);
  EXPECT_TRUE(s.rev2() && s.utf8_names() && s.offers("MOVE") && s.offers("uidplus"));
  EXPECT_FALSE(s.offers("CONDSTORE"));
  s.reset_for_tls();
  EXPECT_FALSE(s.rev2());
  s.caps = Capabilities("IMAP4rev2");
  EXPECT_TRUE(s.rev2()) << "a server that has nothing else";
  s.quirks.add(Quirk::stale_uid_next);
  Response next = response("* OK [UIDNEXT 12] x");
  fold(s, next);
  EXPECT_FALSE(s.mailbox.uid_next);
}

TEST(Data, ListStatusSearchAndId) {
  Response list = response("* LIST (\\HasNoChildren \\Sent) \"/\" \"Entw&APw-rfe\"");
  const ListEntry e = parse_list(list);
  EXPECT_EQ(e.name, "Entwürfe");
  EXPECT_EQ(e.delimiter, '/');
  EXPECT_TRUE(e.has("\\sent"));
  Response flat = response("* LIST () NIL {5}\r\nin]ox");
  EXPECT_EQ(parse_list(flat).name, "in]ox");
  Response bracket = response("* LIST () \"/\" a]b");
  EXPECT_EQ(parse_list(bracket).name, "a]b");

  Response utf8 = response(
      "* LIST (\\NonExistent) \"/\" \"Entwürfe &- x\" (\"OLDNAME\" (\"y\") \"CHILDINFO\" (\"SUBSCRIBED\"))");
  EXPECT_EQ(parse_list(utf8, true).name, "Entwürfe &- x");

  Response status = response("* STATUS inbox (MESSAGES 3 UIDNEXT 4 X-NEW (1 2) UNSEEN 0)");
  std::string name;
  const StatusData d = parse_status(status, name);
  EXPECT_EQ(d.messages, 3u);
  EXPECT_EQ(d.unseen, 0u);
  EXPECT_FALSE(d.uid_validity);

  std::vector<Uid> uids;
  Limits few;
  few.search_results = 5;
  Response search = response("* SEARCH 5 1 (MODSEQ 9)");
  parse_search(search, uids, few);
  Response extended = response("* ESEARCH (TAG \"a2\") UID ALL 7:6,9 COUNT 3");
  EXPECT_TRUE(parse_esearch(extended, "a2", uids, few));
  EXPECT_EQ(uids, (std::vector<Uid>{5, 1, 6, 7, 9}));
  Response other = response("* ESEARCH (TAG \"a1\") UID ALL 1");
  EXPECT_FALSE(parse_esearch(other, "a2", uids, few));
  for (const char* bad : {"* SEARCH 0", "* SEARCH -1", "* SEARCH 1.5", "* SEARCH 4294967296", "* SEARCH 6"}) {
    Response r = response(bad);
    EXPECT_THROW(parse_search(r, uids, few), Failure) << bad;
  }
  for (const char* bad : {"* ESEARCH UID ALL 1:*", "* ESEARCH UID ALL 1:4294967295", "* ESEARCH UID ALL 0",
                          "* ESEARCH UID ALL ,"}) {
    Response r = response(bad);
    EXPECT_THROW(parse_esearch(r, "a2", uids, few), Failure) << bad;
  }
  Response id = response("* ID (\"Name\" \"Dove\\\"cot\" \"os\" NIL)");
  EXPECT_EQ(parse_id(id)["name"], "Dove\"cot");
}

TEST(FetchRow, AnIdThatIsNoneIsAbsent) {
  // Cyrus 3.6 without conversations, and RFC 8474 §5.2.
  for (const char* none : {"(NIL)", "NIL", "()"}) {
    const MessageRow r = row("* 1 FETCH (UID 1 EMAILID (M1) THREADID " + std::string(none) + ")");
    EXPECT_EQ(r.email_id + "/" + r.thread_id, "M1/") << none << r.error.line();
  }
}

TEST(FetchRow, ReadsEverything) {
  const MessageRow r =
      row("* 3 FETCH (UID 17 FLAGS (\\Seen \"$Quoted\" \\Recent) RFC822.SIZE 44 INTERNALDATE \" 1-Feb-2026 "
          "10:00:00 +0130\" MODSEQ (77) EMAILID (M1) "
          "X-GM-MSGID 128 ENVELOPE (\"x\" NIL ((NIL NIL \"a)\" \"b\"))) BODY[1.2]<5> {3}\r\n)x( "
          "BODY[HEADER.FIELDS (\"TO\" X)] \"a\\\"b\" BODY[9] NIL UNKNOWN (1 (2) \"3)\"))");
  EXPECT_FALSE(r.error) << r.error.line();
  EXPECT_EQ(r.uid, 17u);
  EXPECT_EQ(r.flags, (std::vector<std::string>{"\\Seen", "$Quoted", "\\Recent"}));
  EXPECT_EQ(r.size, 44u);
  EXPECT_EQ(r.internal_date_s, 1769934600);
  EXPECT_EQ(r.modseq, 77u);
  EXPECT_EQ(r.email_id + r.gm_message_id, "M1128");
  ASSERT_NE(r.section("1.2"), nullptr);
  EXPECT_EQ(r.section("1.2")->bytes, ")x(");
  EXPECT_EQ(r.section("1.2")->origin, 5u);
  EXPECT_EQ(r.section("HEADER.FIELDS (\"TO\" X)")->bytes, "a\"b");
  EXPECT_TRUE(r.section("9")->nil);
}

TEST(FetchRow, DatesThatDoNotExistAreNone) {
  EXPECT_EQ(parse_internal_date("01-Jan-1970 00:00:00 +0000"), 0);
  EXPECT_EQ(parse_internal_date(" 1-Jan-1970 01:00:00 +0100"), 0);
  EXPECT_EQ(parse_internal_date("31-Dec-1969 23:00:00 -0100"), 0);
  for (const char* bad : {"00-Jan-0000 00:00:00 +0000", "31-Feb-2026 00:00:00 +0000",
                          "1-Foo-2026 00:00:00 +0000", "", "1-Jan-2026", "1-Jan-2026 25:00:00 +0000",
                          "1-Jan-2026 00:00:00", "1-Jan-2026 00:00:00 +0000x", "1-anF-2026 00:00:00 +0000"})
    EXPECT_FALSE(parse_internal_date(bad)) << bad;
}

TEST(FetchRow, AMalformedRowNamesItsMessage) {
  for (const char* bad :
       {"* 3 FETCH (FLAGS (\\Seen UID 17", "* 3 FETCH (UID 17 BODY[", "* 3 FETCH (UID 17 BODY[] (x))",
        "* 3 FETCH (UID 17", "* 3 FETCH (UID 17 MODSEQ 5)"}) {
    const MessageRow r = row(bad);
    EXPECT_TRUE(static_cast<bool>(r.error)) << bad;
    EXPECT_EQ(r.uid, 17u) << bad;
    EXPECT_EQ(r.error.where, "message UID 17") << bad;
  }
  EXPECT_EQ(row("* 3 FETCH (UID 4294967296)").error.where, "message number 3");
  EXPECT_EQ(row("* 3 FETCH (X \" UID 9\" (").uid, 0u);
  // Where a quote was not escaped nobody knows any more what the server wrote and what the sender: such a row
  // is an error that names no UID rather than perhaps another message's.
  for (const char* unsure :
       {"* 3 FETCH (BODY[] \"unescaped \" quote\" UID 17)", "* 3 FETCH (BODY[] \"x\" UID 9 \"y\" UID 17)",
        "* 3 FETCH (BODY[] \"x\") UID 9 \"\" UID 17)", "* 3 FETCH (UID 17 BODY[] \"x\" UID 9 \"y\")"}) {
    const MessageRow r = row(unsure);
    EXPECT_EQ(r.error.code, Errc::protocol) << unsure;
    EXPECT_EQ(r.uid, 0u) << unsure;
    EXPECT_EQ(r.error.where, "message number 3") << unsure;
  }
  EXPECT_EQ(row("* 3 FETCH (UID 17 BODY[] \"x\" UID 17)").uid, 17u);
  EXPECT_FALSE(row("* 0 FETCH (UID 5)").error);
  Framer framer(Limits{.literal = 4});
  framer.feed("* 1 FETCH (BODY[] {9}\r\n123456789 UID 8 FLAGS ())\r\n");
  Response r = classify(*framer.take());
  const MessageRow large = parse_fetch(r, {});
  EXPECT_EQ(large.error.code, Errc::limit);
  EXPECT_EQ(large.uid, 8u);
  EXPECT_TRUE(large.flags.has_value()) << "the rest of the row is kept";
}

TEST(BodyStructure, PartNumbersAreThoseOfTheRfc) {
  const MessageRow r =
      row("* 1 FETCH (UID 1 BODYSTRUCTURE ((\"TEXT\" \"PLAIN\" (\"CHARSET\" \"utf-8\") NIL NIL \"7BIT\" 10 2 "
          "NIL NIL NIL)"
          "(\"MESSAGE\" \"RFC822\" NIL NIL NIL \"7BIT\" 99 (NIL \"s\" NIL NIL NIL NIL NIL NIL NIL NIL) "
          "((\"TEXT\" \"HTML\" NIL NIL NIL \"8BIT\" 3 1)(\"IMAGE\" \"PNG\" "
          "(\"NAME\" \"x.png\") \"<id>\" \"desc\" \"BASE64\" 7 NIL (\"ATTACHMENT\" (\"FILENAME\" \"y.png\")) "
          "NIL \"loc\") \"MIXED\" (\"BOUNDARY\" \"b\")) 4)"
          "(\"MESSAGE\" \"RFC822\" NIL NIL NIL \"7BIT\" 9 (NIL) (\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 1 "
          "1) 1) \"ALTERNATIVE\" (\"BOUNDARY\" \"a\") NIL NIL))");
  ASSERT_TRUE(r.structure.has_value()) << r.error.line();
  EXPECT_EQ(outline(*r.structure),
            ":multipart/alternative (1:text/plain) (2:message/rfc822 (2:multipart/mixed (2.1:text/html) "
            "(2.2:image/png))) (3:message/rfc822 (3.1:text/plain))");
  const BodyPart& png = r.structure->parts[1].parts[0].parts[1];
  EXPECT_EQ(png.disposition, "attachment");
  EXPECT_EQ(png.disposition_params.at(0).second, "y.png");
  EXPECT_EQ(png.params.at(0).second, "x.png");
  EXPECT_EQ(png.id + png.description + png.encoding, "<id>descbase64");
}

TEST(BodyStructure, ToleratesWhatServersSend) {
  for (const char* odd : {"(\"TEXT\" \"PLAIN\")", "(NIL NIL NIL NIL NIL NIL NIL)",
                          "(\"TEXT\" \"PLAIN\" \"\" NIL NIL \"7BIT\" -5 1.5)",
                          "(\"MULTIPART\" \"MIXED\" NIL NIL NIL \"7BIT\" 0)",
                          "(\"TEXT\" \"PLAIN\" (\"CHARSET\" NIL) NIL NIL NIL NIL NIL)", "()",
                          "(\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 99999999999999 1)",
                          "((\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 1 1))",
                          "(\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 1 1 NIL \"INLINE\")",
                          "(\"A\" \"B\" NIL NIL NIL \"7BIT\" 1 NIL NIL NIL NIL (X (Y)) 5)"}) {
    const MessageRow r = row("* 1 FETCH (UID 1 BODYSTRUCTURE " + std::string(odd) + " RFC822.SIZE 5)");
    EXPECT_FALSE(r.error) << odd << ": " << r.error.line();
    EXPECT_EQ(r.size, 5u) << odd;
  }
  for (const char* bad :
       {"(TEXT PLAIN)", "(\"TEXT\" (\"a\"))", "(\"TEXT\" \"PLAIN\")((\"TEXT\" \"HTML\") \"MIXED\")", "NIL",
        "\"TEXT\"", "((((\"a\" x))))"}) {
    const MessageRow r = row("* 1 FETCH (UID 1 BODYSTRUCTURE " + std::string(bad) + " RFC822.SIZE 5)");
    EXPECT_TRUE(static_cast<bool>(r.error)) << bad;
    EXPECT_FALSE(r.structure) << bad;
    EXPECT_EQ(r.size, 5u) << "the row goes on behind it: " << bad;
    EXPECT_NE(r.error.what.find("BODYSTRUCTURE"), std::string::npos);
  }
}

TEST(BodyStructure, DeepAndManyPartsAreRefusedNotFollowed) {
  const MessageRow deep =
      row("* 1 FETCH (UID 1 BODYSTRUCTURE " + std::string(100'000, '(') + std::string(100'000, ')') + ")");
  EXPECT_TRUE(static_cast<bool>(deep.error));
  EXPECT_EQ(deep.uid, 1u);
  std::string many = "(";
  for (int i = 0; i < 6000; ++i) many += "(\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 1 1)";
  const MessageRow wide = row("* 1 FETCH (UID 1 BODYSTRUCTURE " + many + " \"MIXED\") RFC822.SIZE 5)");
  EXPECT_EQ(wide.error.code, Errc::limit);
  EXPECT_EQ(wide.size, 5u);
}

}  // namespace
}  // namespace mailroom::imap
