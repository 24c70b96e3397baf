// UID FETCH: which rows are answers, and what a poisoned one does.
#include "imap/proto/fetch.hpp"

#include <gtest/gtest.h>

#include "imap/proto/fetch_row.hpp"
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

struct Into : SectionSink {
  std::string got;
  std::size_t fail_at = SIZE_MAX;
  bool begin(const SectionStart& s) override {
    if (s.size < 4) return false;
    got += "[" + std::to_string(s.uid) + " " + std::string(s.name) +
           (s.origin ? "@" + std::to_string(*s.origin) : "") + " " + std::to_string(s.size) + "]";
    return true;
  }
  void bytes(std::string_view piece) override {
    got += piece;
    if (got.size() > fail_at) throw std::runtime_error("the disk is full");
  }
};

std::vector<FetchRequest> two_requests() {
  std::vector<FetchRequest> requests(2);
  requests[0] = {UidSet::one(5), bodies()};
  requests[1] = {UidSet::one(7), bodies()};
  requests[1].items.sections[0].name = "1.2";
  return requests;
}

const Script kTwo = {
    Craw("a1 UID FETCH 5 (UID BODY.PEEK[])\r\na2 UID FETCH 7 (UID BODY.PEEK[1.2])\r\n"),
    S("* 1 FETCH (UID 5 BODY[] {6}\r\nabcdef)"),
    S("* 8 FETCH (UID 9 BODY[] {5}\r\nother)"),       // not asked for: kept, and folded
    S("* 3 FETCH (BODY[1.2]<0> {4}\r\nwxyz UID 7)"),  // its UID comes behind
    S("* 1 FETCH (UID 5 BODYSTRUCTURE (\"BODY[]\" {7}\r\nBODY[] ) BODY[] {2}\r\nhi)"),  // no section; too
                                                                                        // small
    S("a2 OK done"), S("a1 OK done")};

TEST(Fetch, SectionsFlowToTheSinkAndSeveralCommandsAreOneBreath) {
  const auto check = [&](Cut c) {
    Session session;
    Into sink;
    std::vector<std::string> rows;
    Fetch f(session, two_requests(), &sink);
    const Played p = play(
        f, kTwo,
        [&] {
          const MessageRow row = f.take_row();
          std::string s = std::to_string(row.uid);
          for (const Section& x : row.sections)
            s += ":" + x.name + "=" + std::to_string(x.size) + (x.streamed ? " flowed" : " " + x.bytes);
          return s;
        },
        c);
    EXPECT_EQ(p.end, Action::Kind::done) << p.error.line();
    EXPECT_EQ(p.events, (std::vector<std::string>{"5:=6 flowed", "7:1.2=4 flowed", "5:=2 hi"}));
    EXPECT_EQ(sink.got, "[5  6]abcdef[0 1.2@0 4]wxyz");
    EXPECT_EQ(session.mailbox.changes, 1u);
  };
  check({});
  every_cut(kTwo, check);
}

TEST(Fetch, ANoToOneOfSeveralIsToldWhenAllAreAnswered) {
  Script s = kTwo;
  s[5] = S("a2 NO [SERVERBUG] not that one");
  Session session;
  Into sink;
  Fetch f(session, two_requests(), &sink);
  const Played p = play(f, s, [&] { return std::to_string(f.take_row().uid); });
  EXPECT_EQ(p.error.code, Errc::temporary);
  EXPECT_EQ(p.events.size(), 3u);
  EXPECT_FALSE(session.dead);
  EXPECT_FALSE(f.sink_error());
  Fetch twice(session, two_requests(), nullptr);
  const Played q =
      play(twice, {Craw("a3 UID FETCH 5 (UID BODY.PEEK[])\r\na4 UID FETCH 7 (UID BODY.PEEK[1.2])\r\n"),
                   S("a3 OK done"), S("a3 OK again")});
  EXPECT_EQ(q.error.code, Errc::protocol);
}

TEST(Fetch, WhatTheSinkThrowsEndsItAndIsKept) {
  for (const std::size_t every : {0, 1, 3}) {
    Session session;
    Into sink;
    sink.fail_at = 10;
    Fetch f(session, two_requests(), &sink);
    Played p;
    try {
      p = play(f, kTwo, [&] { return std::to_string(f.take_row().uid); }, {every, 0});
      EXPECT_EQ(p.end, Action::Kind::failed);
    } catch (const Failure& e) {  // fed in the middle of it: the driver hands it back as fail()
      f.fail(e.error);
    }
    EXPECT_TRUE(session.dead);
    EXPECT_TRUE(f.sink_error());
    EXPECT_THROW(std::rethrow_exception(f.sink_error()), std::runtime_error);
  }
}

TEST(Fetch, TellsASectionFromWhatOnlyLooksLikeOne) {
  const auto at = [](std::string_view line) { return section_start(line, 9); };
  EXPECT_EQ(at("* 1 FETCH (UID 5 BODY[1.MIME] ")->name, "1.MIME");
  EXPECT_EQ(at("* 1 fetch (body[]<7> ")->origin, 7u);
  EXPECT_EQ(at("* 1 FETCH (BODY[] ")->uid, 0u);
  EXPECT_EQ(at("* 1 FETCH (UID 5 BODY[HEADER.FIELDS (FROM)] ")->name, "HEADER.FIELDS (FROM)");
  for (const std::string_view line :
       {"* 1 FETCH (UID 5 XBODY[] ", "* 1 FETCH (UID 5 BODY ", "* 1 FETCH (UID 5 BODY[]<x> ",
        "* LIST BODY[] ", "* 1x FETCH (BODY[] ", "* 1 FETCH (BODY[] NIL FLAGS ", "] ", "", "* ",
        "* 1 FETCH (]", "* 1 FETCH (<>"})
    EXPECT_FALSE(at(line)) << line;
}

}  // namespace
}  // namespace mailroom::imap
