// UID FETCH: which rows are answers, and what a poisoned one does.
#include "imap/proto/fetch.hpp"

#include <gtest/gtest.h>

#include "net/script.hpp"

namespace mailroom::imap {
namespace {

using namespace testing;

struct Result {
  Played played;
  Session session;
};

Result fetch(const Script& script, const FetchItems& items, const UidSet& set = UidSet::from(5),
             Cut cut = {}) {
  Result r;
  r.session.limits.literal = 20;
  r.session.framer = Framer(r.session.limits);
  Fetch f(r.session, set, items);
  r.played = play(
      f, script,
      [&] {
        const MessageRow row = f.take_row();
        std::string s = std::to_string(row.uid);
        for (const Section& x : row.sections) s += ":" + x.bytes;
        return row.error ? s + "!" + std::string(name(row.error.code)) : s;
      },
      cut);
  return r;
}

FetchItems bodies() {
  FetchItems items;
  items.flags = false;
  items.sections.emplace_back();
  return items;
}

const Script kBodies = {
    C("a1 UID FETCH 5:* (UID BODY.PEEK[])"),
    S("* 2 FETCH (FLAGS (\\Seen))"),         // unasked, without UID
    S("* 2 FETCH (UID 6 FLAGS (\\Seen))"),   // unasked, of a message that was asked for
    S("* 1 FETCH (UID 4 BODY[] {1}\r\nx)"),  // the last message, below the set: "5:*" has it so
    S("* 2 FETCH (UID 6 BODY[] {3}\r\nabc)"),
    S("* 9 EXISTS"),
    S("* 3 FETCH (BODY[] {30}\r\n012345678901234567890123456789 UID 7)"),
    S("* 4 FETCH (UID 8 BODYSTRUCTURE (broken) BODY[] \"ok\")"),
    S("* 5 FETCH (UID 9 BODY[] NIL)"),
    S("* 6 FETCH (UID 10 garbage"),
    S("a1 OK done")};

TEST(Fetch, GivesEachRowAsItComesAndGoesOnBehindAPoisonedOne) {
  const std::vector<std::string> wanted = {"6:abc", "7:!limit", "8:ok!protocol", "9:", "10!protocol"};
  const auto check = [&](Cut c) {
    const Result r = fetch(kBodies, bodies(), UidSet::from(5), c);
    EXPECT_EQ(r.played.end, Action::Kind::done) << r.played.error.line();
    EXPECT_EQ(r.played.events, wanted);
    EXPECT_EQ(r.session.mailbox.exists, 9u);
    EXPECT_EQ(r.session.mailbox.changes, 4u);
  };
  check({});
  every_cut(kBodies, check);
}

TEST(Fetch, ANoAfterSomeRowsIsARefusal) {
  Script s(kBodies.begin(), kBodies.begin() + 5);
  s.push_back(S("a1 NO [SERVERBUG] cannot read the rest"));
  const Result r = fetch(s, bodies());
  EXPECT_EQ(r.played.events, std::vector<std::string>{"6:abc"});
  EXPECT_EQ(r.played.error.code, Errc::temporary);
  EXPECT_FALSE(r.session.dead);
}

TEST(Fetch, AsksOnlyForWhatTheServerKnows) {
  FetchItems items;
  items.size = items.internal_date = items.structure = items.modseq = true;
  items.sections.resize(2);
  items.sections[0].name = "1.2";
  items.sections[0].limit = 100;
  items.sections[0].origin = 50;
  items.sections[1].name = "HEADER.FIELDS (FROM)";
  const Script plain = {
      C("a1 UID FETCH 3 (UID FLAGS RFC822.SIZE INTERNALDATE BODYSTRUCTURE BODY.PEEK[1.2]<50.100> "
        "BODY.PEEK[HEADER.FIELDS (FROM)])"),
      S("a1 OK nothing there")};
  EXPECT_EQ(fetch(plain, items, UidSet::one(3)).played.end, Action::Kind::done);
  Session s;
  s.caps = Capabilities("CONDSTORE OBJECTID X-GM-EXT-1");
  Fetch all(s, UidSet::one(3), FetchItems{.modseq = true});
  EXPECT_EQ(all.next().bytes, "a1 UID FETCH 3 (UID FLAGS MODSEQ EMAILID THREADID X-GM-MSGID X-GM-THRID)\r\n");
  FetchItems evil;
  evil.sections.emplace_back();
  for (const char* section : {"]", "1] BODY[2", "a\r\nb", "\"", "{3}", "<1>"}) {
    evil.sections[0].name = section;
    EXPECT_THROW(Fetch(s, UidSet::one(3), evil), Failure) << section;
  }
  EXPECT_THROW(Fetch(s, UidSet(), {}), Failure);
}

}  // namespace
}  // namespace mailroom::imap
