// What goes out: strings that cannot break out, sets, searches, mailbox names.
#include "imap/proto/command.hpp"

#include <gtest/gtest.h>

#include "imap/proto/search.hpp"
#include "imap/proto/utf7.hpp"

namespace mailroom::imap {
namespace {

std::string shown(Command c, bool utf8_names = false) {
  c.settle_names(utf8_names);
  std::string out;
  for (const Command::Piece& p : c.pieces())
    out += p.is_literal ? "<" + (p.borrowed.empty() ? p.text : std::string(p.borrowed)) + ">" : p.text;
  return out;
}

TEST(ImapCommand, StringsTakeTheFormThatHoldsThem) {
  EXPECT_EQ(shown(Command().astring("word")), "word");
  EXPECT_EQ(shown(Command().astring("nil")), "\"nil\"");
  EXPECT_EQ(shown(Command().astring("")), "\"\"");
  EXPECT_EQ(shown(Command().astring("a b")), "\"a b\"");
  EXPECT_EQ(shown(Command().string("say \"x\\y\"")), "\"say \\\"x\\\\y\\\"\"");
  EXPECT_EQ(shown(Command().string("a\r\nb")), "<a\r\nb>");
  EXPECT_EQ(shown(Command().string("ä")), "<ä>");
  EXPECT_EQ(shown(Command("X ").string("é").raw(" ").string("y")), "X <é> \"y\"");
  EXPECT_EQ(shown(Command().mailbox("inBox")), "INBOX");
  EXPECT_EQ(shown(Command().mailbox("a) (b")), "\"a) (b\"");
  EXPECT_THROW(Command().string(std::string_view("a\0", 2)), Failure);
  EXPECT_THROW(Command("a\r\nb"), Failure);
  EXPECT_THROW(Command().mailbox(""), Failure);
}

TEST(ImapCommand, MailboxNamesAreWrittenAsTheSessionHasThem) {
  const std::pair<const char*, std::pair<const char*, const char*>> table[] = {
      {"Entwürfe", {"Entw&APw-rfe", "\"Entwürfe\""}},
      {"R&D", {"R&-D", "\"R&D\""}},
      {"日本", {"&ZeVnLA-", "\"日本\""}},
      {"a\r\nb \"ü\"", {"\"a&AA0ACg-b \\\"&APw-\\\"\"", "<a\r\nb \"ü\">"}},
      {"Sent", {"Sent", "Sent"}},
      {"iNBox", {"INBOX", "INBOX"}}};
  for (const auto& [name, wire] : table) {
    EXPECT_EQ(shown(Command("X ").mailbox(name).raw(" y"), false), "X " + std::string(wire.first) + " y")
        << name;
    EXPECT_EQ(shown(Command("X ").mailbox(name).raw(" y"), true), "X " + std::string(wire.second) + " y")
        << name;
  }
  EXPECT_EQ(shown(Command("LIST \"\" ").mailbox_pattern("*")), "LIST \"\" \"*\"");
  EXPECT_EQ(shown(Command("LIST \"\" ").mailbox_pattern("Entwürfe/%")), "LIST \"\" \"Entw&APw-rfe/%\"");
  EXPECT_EQ(shown(Command("LIST \"\" ").mailbox_pattern("Entwürfe/%"), true), "LIST \"\" \"Entwürfe/%\"");
  EXPECT_EQ(shown(Command("A ").append(Command("B ").mailbox("ü").raw(" ").string("ä"))), "A B &APw- <ä>");
  EXPECT_FALSE(Command("X ").mailbox("ü").has_utf8()) << "a name is no search text";
}

TEST(ImapCommand, SearchesAreBuiltSafely) {
  EXPECT_EQ(shown(Criteria().keys()), "ALL");
  EXPECT_EQ(shown(Criteria().uid(UidSet::from(7)).seen(false).since({2026, 2, 1}).from("a\" OR ALL").keys()),
            "UID 7:* UNSEEN SINCE 1-Feb-2026 FROM \"a\\\" OR ALL\"");
  EXPECT_EQ(
      shown(
          Criteria().either(Criteria().subject("x"), Criteria().larger(9)).negate(Criteria().seen()).keys()),
      "OR (SUBJECT \"x\") (LARGER 9) NOT (SEEN)");
  const Command c = Criteria().subject("x\r\nA1 DELETE INBOX").text("grün").keys();
  EXPECT_EQ(shown(c), "SUBJECT <x\r\nA1 DELETE INBOX> TEXT <grün>");
  EXPECT_TRUE(c.has_utf8());
  EXPECT_FALSE(Criteria().subject("x").keys().has_utf8());
  EXPECT_THROW(Criteria().keyword("a b"), Failure);
  EXPECT_THROW(Criteria().since({2026, 13, 1}), Failure);
  EXPECT_THROW(Criteria().uid({}), Failure);
}

TEST(UidSet, WritesRangesAndKnowsWhatIsInThem) {
  const std::vector<Uid> uids = {9, 3, 1, 2, 3, 0, 12, 10};
  const UidSet set = UidSet::of(uids);
  EXPECT_EQ(set.text(), "1:3,9:10,12");
  EXPECT_TRUE(set.contains(3) && set.contains(9) && set.contains(12));
  EXPECT_FALSE(set.contains(0) || set.contains(4) || set.contains(11) || set.contains(13));
  EXPECT_EQ(UidSet::from(5).text(), "5:*");
  EXPECT_FALSE(UidSet::from(5).contains(4));
  EXPECT_TRUE(UidSet::from(5).contains(4'000'000'000u));
  UidSet joined = UidSet::range(1, 5);
  joined.add(7, 9);
  joined.add(6, 6);
  joined.add(20, 15);
  EXPECT_EQ(joined.text(), "1:9,15:20");
  EXPECT_TRUE(UidSet().empty());
}

TEST(Utf7, RoundTripsNames) {
  const std::pair<std::string, std::string> table[] = {
      {"INBOX", "INBOX"},
      {"a&b", "a&-b"},
      {"Entwürfe", "Entw&APw-rfe"},
      {"~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"},  // RFC 3501 §5.1.3
      {"😀", "&2D3eAA-"},
      {"tab\there", "tab&AAk-here"},
      {"", ""}};
  for (const auto& [utf8, utf7] : table) {
    EXPECT_EQ(to_utf7(utf8), utf7);
    EXPECT_EQ(from_utf7(utf7), utf8);
  }
  for (const char* odd : {"&", "&AP", "a&!-", "&2D0-", "&A-", "Grün"})
    EXPECT_EQ(from_utf7(odd), odd);  // as they are
}

}  // namespace
}  // namespace mailroom::imap
