// Servers at their worst (docs/imap.md has the whole table): what they say is read, or it is an error that
// names the message, and never another message's.
#include <gtest/gtest.h>

#include "imap/proto/data.hpp"
#include "imap/proto/fetch_row.hpp"
#include "imap/proto/mailbox_state.hpp"

namespace mailroom::imap {
namespace {

/// One response, fed in pieces of `piece` bytes.
Response response(const std::string& bytes, std::size_t piece = 1'000'000) {
  Framer framer;
  const std::string all = bytes + "\r\n";
  for (std::size_t at = 0; at < all.size(); at += piece) framer.feed(std::string_view(all).substr(at, piece));
  return classify(*framer.take());
}
MessageRow row(const std::string& bytes, std::size_t piece = 1'000'000) {
  Response r = response(bytes, piece);
  EXPECT_EQ(r.kind, Response::Kind::fetch) << bytes;
  return parse_fetch(r, {});
}

TEST(Servers, NilAndStringsChangePlaces) {
  for (const char* item :
       {"FLAGS NIL", "INTERNALDATE NIL", "RFC822.SIZE NIL", "BODY[HEADER] NIL", "EMAILID NIL",
        "X-GM-LABELS NIL", "ENVELOPE NIL", "X-NEW NIL", "X-NEW \"x\"", "X-NEW (NIL \"x\" (NIL))",
        "BODYSTRUCTURE (NIL NIL NIL NIL NIL NIL NIL NIL NIL)",
        "BODYSTRUCTURE (\"TEXT\" \"PLAIN\" \"\" \"\" \"\" \"7BIT\" \"12\" \"1\" \"\" \"\" \"\")",
        "BODYSTRUCTURE (\"MESSAGE\" \"RFC822\" NIL NIL NIL \"7BIT\" 9 NIL NIL NIL)"}) {
    const MessageRow r = row("* 3 FETCH (" + std::string(item) + " UID 17)");
    EXPECT_FALSE(r.error) << item << ": " << r.error.line();
    EXPECT_EQ(r.uid, 17u) << item;
  }
  for (const char* item :
       {"FLAGS \"x\"", "FLAGS x", "INTERNALDATE (x)", "MODSEQ NIL", "MODSEQ \"5\"", "BODY[HEADER] (x)",
        "BODY[HEADER]", "EMAILID \"x\"", "X-GM-LABELS \"x\"", "BODYSTRUCTURE NIL", "BODYSTRUCTURE \"x\""}) {
    const MessageRow r = row("* 3 FETCH (UID 17 " + std::string(item) + ")");
    EXPECT_TRUE(static_cast<bool>(r.error)) << item;
    EXPECT_EQ(r.uid, 17u) << item;
    EXPECT_EQ(r.error.where, "message UID 17") << item;
  }
  Response flat = response("* LIST NIL NIL NIL");
  EXPECT_EQ(parse_list(flat).name, "NIL") << "a mailbox may be called so";
  Response id = response("* ID NIL");
  EXPECT_TRUE(parse_id(id).empty());
}

TEST(Servers, LiteralsStandWhereverAStringMay) {
  const std::string fetch =
      "* 3 FETCH (INTERNALDATE {26}\r\n 1-Feb-2026 10:00:00 +0000 BODY[HEADER.FIELDS ({2}\r\nTO "
      "{4}\r\nCC]x)] {4}\r\n)\r\n( BODYSTRUCTURE "
      "(({4}\r\nTEXT {4}\r\nHTML ({7}\r\nCHARSET {5}\r\nutf-8) {0}\r\n NIL {4}\r\n8BIT 3 1)(\"IMAGE\" "
      "{3}\r\nPNG NIL NIL NIL \"BASE64\" 7 NIL "
      "({10}\r\nATTACHMENT ({8}\r\nFILENAME {7}\r\na \"b\r\nc))) {5}\r\nMIXED) UID 17)";
  for (const std::size_t piece : {1, 2, 3, 7, 1'000'000}) {
    const MessageRow r = row(fetch, piece);
    ASSERT_FALSE(r.error) << r.error.line();
    EXPECT_EQ(r.uid, 17u);
    EXPECT_EQ(r.internal_date_s, 1769940000);
    ASSERT_EQ(r.sections.size(), 1u);
    EXPECT_EQ(r.sections[0].bytes, ")\r\n(");
    ASSERT_TRUE(r.structure);
    EXPECT_EQ(r.structure->subtype + r.structure->parts[0].subtype + r.structure->parts[1].subtype,
              "mixedhtmlpng");
    EXPECT_EQ(r.structure->parts[1].disposition_params.at(0).second, "a \"b\r\nc");
    Response list = response("* LIST (\\Sent) {1}\r\n/ {9}\r\nSent\r\n(x)", piece);
    const ListEntry e = parse_list(list);
    EXPECT_EQ(e.name, "Sent\r\n(x)");
    EXPECT_EQ(e.delimiter, '/');
    std::string name;
    Response status = response("* STATUS {3}\r\na b (MESSAGES 5)", piece);
    EXPECT_EQ(parse_status(status, name).messages, 5u);
    EXPECT_EQ(name, "a b");
    Response id = response("* ID ({4}\r\nname {5}\r\na\r\n)b)", piece);
    EXPECT_EQ(parse_id(id)["name"], std::string("a?") + "?)b");
    std::vector<Uid> uids;
    Response found = response("* ESEARCH (TAG {2}\r\na2) UID ALL 5", piece);
    EXPECT_TRUE(parse_esearch(found, "a2", uids, {}));
    EXPECT_EQ(uids, std::vector<Uid>{5});
  }
  // Where no string may stand it is an error, and of the right message.
  EXPECT_EQ(row("* 3 FETCH (UID 17 FLAGS ({5}\r\n\\Seen))").error.where, "message UID 17");
  EXPECT_EQ(row("* 3 FETCH (UID {1}\r\n5 FLAGS ())").error.where, "message number 3");
  // What stands in a literal is not the server's word.
  EXPECT_EQ(row("* 3 FETCH (X {8}\r\n UID 99  FLAGS x UID 17").uid, 17u);
}

TEST(Servers, DepthIsBounded) {
  const std::string deep(300'000, '('), shut(300'000, ')');
  for (const std::string& line :
       {"* 1 FETCH (X " + deep + shut + " UID 7)", "* 1 FETCH (ENVELOPE " + deep + " UID 7)",
        "* 1 FETCH (UID 7 FLAGS " + deep + shut + ")"}) {
    const MessageRow r = row(line);
    EXPECT_EQ(r.uid, 7u);
  }
  std::vector<Uid> uids;
  std::string name;
  Response esearch = response("* ESEARCH UID X " + deep + shut + " ALL 3");
  EXPECT_TRUE(parse_esearch(esearch, "a1", uids, {}));
  EXPECT_EQ(uids, std::vector<Uid>{3});
  Response status = response("* STATUS x (X " + deep + shut + " MESSAGES 3)");
  EXPECT_EQ(parse_status(status, name).messages, 3u);
  Response list = response("* LIST () \"/\" x " + deep);
  EXPECT_EQ(parse_list(list).name, "x");
  Response search = response("* SEARCH 5 " + deep);
  EXPECT_THROW(parse_search(search, uids, {}), Failure);
}

TEST(Servers, SequenceNumbersThatCannotBeAreNoHarm) {
  Session s;
  for (const char* line : {"* 0 FETCH (UID 5)", "* 0 EXPUNGE", "* 4294967295 EXPUNGE", "* 3 EXISTS",
                           "* 0 RECENT", "* 2 EXPUNGE"}) {
    Response r = response(line);
    fold(s, r);
  }
  EXPECT_EQ(s.mailbox.exists, 2u);
  EXPECT_EQ(row("* 0 FETCH (UID 5 FLAGS ())").uid, 5u);
  EXPECT_THROW(response("* 4294967296 EXPUNGE"), Failure);
}

}  // namespace
}  // namespace mailroom::imap
