// Commands that change a mailbox, and what an APPEND is told.
#include "imap/proto/change.hpp"

#include <gtest/gtest.h>

#include "imap/proto/exchange.hpp"
#include "net/script.hpp"

namespace mailroom::imap {
namespace {

using namespace testing;

std::string shown(Command c, bool utf8_names = false) {
  c.settle_names(utf8_names);
  std::string out;
  for (const Command::Piece& p : c.pieces())
    out += p.is_literal ? "<" + (p.borrowed.empty() ? p.text : std::string(p.borrowed)) + ">" : p.text;
  return out;
}

TEST(ImapChange, AppendSaysFlagsAndDate) {
  EXPECT_EQ(shown(append_command("Drafts", {"\\Draft", "\\Seen"}, 1795461360, "a\r\n")),
            "APPEND Drafts (\\Draft \\Seen) \"23-Nov-2026 19:16:00 +0000\" <a\r\n>");
  EXPECT_EQ(shown(append_command("Entwürfe", {}, std::nullopt, "a\r\n")), "APPEND Entw&APw-rfe <a\r\n>");
  EXPECT_EQ(date_time(0), "\"01-Jan-1970 00:00:00 +0000\"");
  EXPECT_EQ(date_time(951827696), "\"29-Feb-2000 12:34:56 +0000\"");
}

TEST(ImapChange, AMessageIsBorrowedNotCopied) {
  const std::string message(1 << 20, 'x');
  const Command c = append_command("Sent", {}, std::nullopt, message);
  ASSERT_EQ(c.pieces().size(), 2u);
  EXPECT_EQ(c.pieces()[1].borrowed.data(), message.data());
  EXPECT_TRUE(c.pieces()[1].text.empty());
}

TEST(ImapChange, WhatWouldBreakOutIsRefused) {
  for (const std::string& bad : {std::string("a\nb\r\n"), std::string("a\rb\r\n"), std::string("a\r"),
                                 std::string("\n"), std::string("a\0b\r\n", 5), std::string()})
    EXPECT_THROW(append_command("Drafts", {}, std::nullopt, bad), Failure);
  EXPECT_THROW(append_command("Drafts", {"\\Seen) x"}, std::nullopt, "a\r\n"), Failure);
  EXPECT_THROW(append_command("Drafts", {""}, std::nullopt, "a\r\n"), Failure);
  EXPECT_THROW(append_command("", {}, std::nullopt, "a\r\n"), Failure);
  EXPECT_THROW(append_command("Drafts", {}, -1, "a\r\n"), Failure);
  EXPECT_THROW(append_command("Drafts", {}, 253402300800, "a\r\n"), Failure);
  EXPECT_THROW(expunge_command({}), Failure);
  EXPECT_THROW(store_command({}, StoreMode::add, {"\\Deleted"}), Failure);
}

TEST(ImapChange, OneMessageIsRemovedByItsUid) {
  EXPECT_EQ(shown(store_command(UidSet::one(7), StoreMode::add, {"\\Deleted"})),
            "UID STORE 7 +FLAGS.SILENT (\\Deleted)");
  EXPECT_EQ(shown(store_command(UidSet::one(7), StoreMode::remove, {"a"})), "UID STORE 7 -FLAGS.SILENT (a)");
  EXPECT_EQ(shown(expunge_command(UidSet::one(7))), "UID EXPUNGE 7");
}

TEST(ImapChange, CreateTellsTheUseWhereAsked) {
  EXPECT_EQ(shown(create_command("Drafts", Use::drafts)), "CREATE Drafts (USE (\\Drafts))");
  EXPECT_EQ(shown(create_command("a b", std::nullopt)), "CREATE \"a b\"");
}

TEST(ImapChange, AppendResultIsReadOrTakenForMissing) {
  const auto result = [](const std::string& line) {
    Framer framer;
    framer.feed(line + "\r\n");
    const AppendResult r = append_result(classify(*framer.take()));
    return std::to_string(r.uid_validity) + "/" + std::to_string(r.uid);
  };
  EXPECT_EQ(result("a1 OK [APPENDUID 38505 3955] APPEND completed"), "38505/3955");
  EXPECT_EQ(result("a1 OK done"), "0/0");
  // The message is stored whatever the words: a broken code must not make it look as if it were not.
  for (const char* code : {"APPENDUID", "APPENDUID x y", "APPENDUID 1", "APPENDUID 0 5",
                           "APPENDUID 99999999999 1", "APPENDUID -1 2", "COPYUID 1 2"})
    EXPECT_EQ(result("a1 OK [" + std::string(code) + "] done"), "0/0") << code;
}

TEST(ImapChange, AnAppendIsPlayedWithAndWithoutLeave) {
  const std::string message = "Subject: x\r\n\r\nhello\r\n";
  const auto play_it = [&](const Script& script, const char* caps, Cut cut = {}) {
    Session session;
    session.caps = Capabilities(caps);
    Exchange e(session, append_command("Drafts", {"\\Draft"}, std::nullopt, message), "storing failed");
    const Played p = play(e, script, {}, cut);
    return std::make_pair(p, p.end == Action::Kind::done ? append_result(e.answer()).uid : 0);
  };
  const Script waits = {C("a1 APPEND Drafts (\\Draft) {21}"), S("+ go"), Craw(message + "\r\n"),
                        S("* 1 EXISTS"), S("a1 OK [APPENDUID 7 9] done")};
  every_cut(waits, [&](Cut cut) { EXPECT_EQ(play_it(waits, "", cut).second, 9u); });
  const Script at_once = {Craw("a1 APPEND Drafts (\\Draft) {21+}\r\n" + message + "\r\n"),
                          S("a1 OK [APPENDUID 7 9] done")};
  EXPECT_EQ(play_it(at_once, "LITERAL+").second, 9u);
  const Script none = {C("a1 APPEND Drafts (\\Draft) {21}"), S("a1 NO [TRYCREATE] no such mailbox")};
  EXPECT_EQ(play_it(none, "").first.error.code, Errc::not_found);
  const Script full = {C("a1 APPEND Drafts (\\Draft) {21}"), S("a1 NO [OVERQUOTA] full")};
  EXPECT_EQ(play_it(full, "").first.error.code, Errc::refused);
}

}  // namespace
}  // namespace mailroom::imap
