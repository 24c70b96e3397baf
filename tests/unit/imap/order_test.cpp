// SORT, THREAD, COPY and MOVE: what is sent, and what is made of the answers.
#include "imap/proto/order.hpp"

#include <gtest/gtest.h>

#include "imap/proto/exchange.hpp"
#include "imap/proto/transfer.hpp"
#include "net/script.hpp"

namespace mailroom::imap {
namespace {

using namespace testing;

std::string shown(Command c) {
  c.settle_names(false);
  std::string out;
  for (const Command::Piece& p : c.pieces())
    out += p.is_literal ? "<" + (p.borrowed.empty() ? p.text : std::string(p.borrowed)) + ">" : p.text;
  return out;
}

Response response(const std::string& line) {
  Framer framer;
  framer.feed(line + "\r\n");
  return classify(*framer.take());
}

std::string threads(const std::string& line, const Limits& limits = {}) {
  Response r = response(line);
  EXPECT_EQ(r.kind, Response::Kind::thread) << line;
  std::vector<std::vector<Uid>> found;
  parse_thread(r, found, limits);
  std::string out;
  for (const auto& thread : found) {
    out += "[";
    for (const Uid uid : thread) out += (out.ends_with('[') ? "" : " ") + std::to_string(uid);
    out += "]";
  }
  return out;
}

TEST(ImapOrder, SortAndThreadAlwaysSayTheirCharset) {
  EXPECT_EQ(shown(sort_command({SortKey::date, true}, Criteria().seen(false))),
            "UID SORT (REVERSE DATE) US-ASCII UNSEEN");
  EXPECT_EQ(shown(sort_command({SortKey::from, false}, Criteria().subject("ä"))),
            "UID SORT (FROM) UTF-8 SUBJECT <ä>");
  EXPECT_EQ(shown(thread_command(Threading::refs, Criteria())), "UID THREAD REFS US-ASCII ALL");
  EXPECT_EQ(shown(thread_command(Threading::references, Criteria().subject("ä"))),
            "UID THREAD REFERENCES UTF-8 SUBJECT <ä>");
}

TEST(ImapOrder, TheServersOrderIsKept) {
  std::vector<Uid> uids;
  Response r = response("* SORT 5 3 4 (MODSEQ 7)");
  EXPECT_EQ(r.kind, Response::Kind::sort);
  parse_sort(r, uids, {});
  EXPECT_EQ(uids, (std::vector<Uid>{5, 3, 4}));
  for (const char* bad : {"* SORT x", "* SORT 0", "* SORT -1", "* SORT 4294967296"}) {
    Response broken = response(bad);
    EXPECT_THROW(parse_sort(broken, uids, {}), Failure) << bad;
  }
}

TEST(ImapOrder, ThreadsAreReadHoweverTheyNest) {
  EXPECT_EQ(threads("* THREAD (2)(3 6 (4 23)(44 7 96))"), "[2][3 6 4 23 44 7 96]");
  EXPECT_EQ(threads("* THREAD ((3)(5))"), "[3 5]");  // a parent that is not there (RFC 5256 §4)
  EXPECT_EQ(threads("* THREAD"), "");
  EXPECT_EQ(threads("* THREAD ()"), "[]");
  std::string deep = "* THREAD ";
  for (int i = 1; i <= 50'000; ++i) deep += "(" + std::to_string(i);
  EXPECT_GT(threads(deep + std::string(50'000, ')')).size(), 50'000u);
  for (const char* bad : {"* THREAD 2", "* THREAD (2", "* THREAD (2))", "* THREAD (x)", "* THREAD (\"2\")"})
    EXPECT_THROW(threads(bad), Failure) << bad;
  Limits few;
  few.search_results = 3;
  EXPECT_THROW(threads("* THREAD (1)(2 (3)(4))", few), Failure);
}

TEST(ImapSearch, GmailsAndTheServersConversations) {
  EXPECT_EQ(shown(Criteria().thread_id("T64b_-").keys()), "THREADID T64b_-");
  EXPECT_EQ(shown(Criteria().gmail_thread_id("1266894439832287888").keys()),
            "X-GM-THRID 1266894439832287888");
  EXPECT_EQ(shown(Criteria().gmail_raw("has:attachment \"x\"").bcc("b").keys()),
            "X-GM-RAW \"has:attachment \\\"x\\\"\" BCC \"b\"");
  for (const char* bad : {"", "a b", "a)", "a\r\nb", "ä"}) {
    EXPECT_THROW(Criteria().thread_id(bad), Failure) << bad;
    EXPECT_THROW(Criteria().gmail_thread_id(bad), Failure) << bad;
  }
}

TEST(ImapTransfer, CommandsCannotBeBrokenOutOf) {
  const UidSet set = UidSet::range(3, 5);
  EXPECT_EQ(shown(copy_command(set, "Entwürfe")), "UID COPY 3:5 Entw&APw-rfe");
  EXPECT_EQ(shown(move_command(set, "a) (b")), "UID MOVE 3:5 \"a) (b\"");
  EXPECT_EQ(shown(rename_command("a", "b c")), "RENAME a \"b c\"");
  EXPECT_EQ(shown(delete_command("inbox")), "DELETE INBOX");
  EXPECT_EQ(shown(label_command(set, StoreMode::add, {"\\Important", "Größe", "a b"})),
            "UID STORE 3:5 +X-GM-LABELS (\\Important Gr&APYA3w-e \"a b\")");
  EXPECT_EQ(shown(label_command(set, StoreMode::replace, {})), "UID STORE 3:5 X-GM-LABELS ()");
  EXPECT_THROW(copy_command({}, "a"), Failure);
  EXPECT_THROW(move_command({}, "a"), Failure);
  EXPECT_THROW(copy_command(set, ""), Failure);
  EXPECT_THROW(copy_command(set, std::string_view("a\0b", 3)), Failure);
  EXPECT_THROW(label_command(set, StoreMode::add, {"\\Seen) x"}), Failure);
  EXPECT_THROW(label_command({}, StoreMode::add, {"a"}), Failure);
}

TEST(ImapTransfer, CopyuidIsReadOrTakenForMissing) {
  CopyResult r;
  EXPECT_TRUE(take_copyuid(response("a1 OK [COPYUID 38505 304,319:320 3956:3958] Done"), r));
  EXPECT_EQ(r.uid_validity, 38505u);
  EXPECT_EQ(r.there(304), 3956u);
  EXPECT_EQ(r.there(320), 3958u);
  EXPECT_EQ(r.there(305), 0u);
  EXPECT_TRUE(take_copyuid(response("* OK [COPYUID 38505 400 4000] x"), r));
  EXPECT_EQ(r.there(400), 4000u);
  // What does not fit together tells nothing, rather than the wrong message.
  for (const char* code :
       {"COPYUID 38505 1:2 3", "COPYUID 38506 1 2", "COPYUID 38505 1:4294967295 1:4294967295",
        "COPYUID 38505 * 2", "COPYUID 0 1 2", "COPYUID 38505 1", "COPYUID", "COPYUID 38505 x y",
        "COPYUID 38505 1 2 3", "APPENDUID 38505 1", "READ-ONLY"}) {
    CopyResult same = r;
    EXPECT_FALSE(take_copyuid(response("a1 OK [" + std::string(code) + "] x"), same)) << code;
    EXPECT_EQ(same.uids, r.uids) << code;
  }
}

TEST(ImapTransfer, AServerWithoutUtf8IsToldApart) {
  Session session;
  Exchange e(session, Command("UID SEARCH CHARSET UTF-8 TEXT ").string("ä"), "the search failed");
  const Script s = {C("a1 UID SEARCH CHARSET UTF-8 TEXT {2}"), S("+ go"), Craw("ä\r\n"),
                    S("a1 NO [BADCHARSET (US-ASCII)] no")};
  EXPECT_EQ(play(e, s).error.code, Errc::unsupported);
  EXPECT_FALSE(session.dead);
}

}  // namespace
}  // namespace mailroom::imap
