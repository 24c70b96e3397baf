// LIST with uses and counts in one answer, cut and broken everywhere.
#include "imap/proto/listing.hpp"

#include <gtest/gtest.h>

#include "net/script.hpp"

namespace mailroom::imap {
namespace {

using namespace testing;

const Script kListed = {
    C("a1 LIST \"\" \"*\" RETURN (SPECIAL-USE STATUS (MESSAGES UIDNEXT UIDVALIDITY UNSEEN "
      "HIGHESTMODSEQ))"),
    S("* LIST () \"/\" INBOX"),
    S("* STATUS INBOX (MESSAGES 17 UIDNEXT 20 UIDVALIDITY 9 UNSEEN 2 HIGHESTMODSEQ 77 MAILBOXID (F1))"),
    S("* 18 EXISTS"),
    S("* LIST (\\Drafts) \"/\" \"Entw&APw-rfe\""),
    Sraw("* STATUS {12}\r\nEntw&APw-rfe (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 10 UNSEEN 0)\r\n"),
    S("* LIST (\\NonExistent) \"/\" \"gone\" (\"OLDNAME\" (\"x\"))"),
    S("a1 OK done")};

struct Result {
  Played played;
  Session session;
  std::vector<ListEntry> entries;
  std::map<std::string, StatusData> statuses;
};
Result list(const Script& script, const char* caps, Quirks quirks = {}, Cut cut = {},
            Strict strict = Strict::yes) {
  Result r;
  r.session.caps = Capabilities(caps);
  r.session.quirks = quirks;
  Listing listing(r.session, "*", {true, true});
  r.played = play(listing, script, {}, cut, Errc::closed, strict);
  r.entries = listing.entries;
  r.statuses = listing.statuses;
  return r;
}
constexpr const char* kAll = "IMAP4rev1 LIST-EXTENDED LIST-STATUS SPECIAL-USE CONDSTORE OBJECTID";

TEST(Listing, TellsUsesAndCountsHoweverItIsCut) {
  every_cut(kListed, [&](Cut cut) {
    const Result r = list(kListed, kAll, {}, cut);
    EXPECT_EQ(r.played.end, Action::Kind::done) << r.played.error.line();
    ASSERT_EQ(r.entries.size(), 3u);
    EXPECT_EQ(r.entries[1].name, "Entwürfe");
    EXPECT_EQ(r.statuses.size(), 2u);
    EXPECT_EQ(r.statuses.at("INBOX").messages, 17u);
    EXPECT_EQ(r.statuses.at("INBOX").highest_modseq, 77u);
    EXPECT_EQ(r.statuses.at("INBOX").mailbox_id, "F1");
    EXPECT_EQ(r.statuses.at("Entwürfe").messages, 0u);
    EXPECT_EQ(r.session.mailbox.exists, 18u);
  });
}

TEST(Listing, EveryBreakIsAnError) {
  every_break(kListed,
              {"* LIST (\r\n", "* STATUS\r\n", "* STATUS x (MESSAGES\r\n", "garbage\r\n", "a1 BYE\r\n"},
              [&](const Script& broken, std::size_t) {
                const Result r = list(broken, kAll, {}, {}, Strict::no);
                EXPECT_EQ(r.played.end, Action::Kind::failed);
                EXPECT_TRUE(is_fatal(r.played.error.code)) << r.played.error.line();
                EXPECT_TRUE(r.session.dead);
              });
}

TEST(Listing, AsksOnlyForWhatIsOffered) {
  const auto command = [](const char* caps, Quirks quirks = {}) {
    Session s;
    s.caps = Capabilities(caps);
    s.quirks = quirks;
    Listing listing(s, "*", {true, true});
    return std::string(listing.next().bytes);
  };
  EXPECT_EQ(command("IMAP4rev1"), "a1 LIST \"\" \"*\"\r\n");
  EXPECT_EQ(command("IMAP4rev1 SPECIAL-USE"), "a1 LIST \"\" \"*\"\r\n") << "RETURN is LIST-EXTENDED's";
  EXPECT_EQ(command("IMAP4rev1 LIST-EXTENDED SPECIAL-USE"), "a1 LIST \"\" \"*\" RETURN (SPECIAL-USE)\r\n");
  EXPECT_EQ(command("IMAP4rev1 LIST-EXTENDED LIST-STATUS"),
            "a1 LIST \"\" \"*\" RETURN (STATUS (MESSAGES UIDNEXT UIDVALIDITY UNSEEN))\r\n");
  EXPECT_EQ(command("IMAP4rev2"),
            "a1 LIST \"\" \"*\" RETURN (SPECIAL-USE STATUS (MESSAGES UIDNEXT UIDVALIDITY UNSEEN))\r\n");
  Quirks exchange;
  exchange.add(Quirk::plain_list);
  EXPECT_EQ(command(kAll, exchange), "a1 LIST \"\" \"*\"\r\n");
}

TEST(Listing, ManyMoreThanAskedForHaveAnEnd) {
  Session s;
  s.limits.list_entries = 10;
  Listing listing(s, "*", {});
  listing.next();
  listing.written();
  for (int i = 0; i < 20; ++i) listing.feed("* LIST () \"/\" x" + std::to_string(i) + "\r\n");
  EXPECT_EQ(listing.next().kind, Action::Kind::failed);
  EXPECT_EQ(listing.error().code, Errc::limit);
}

}  // namespace
}  // namespace mailroom::imap
