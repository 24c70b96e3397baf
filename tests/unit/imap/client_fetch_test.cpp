// UID FETCH around what servers refuse: the message is named, and the others come.
#include <gtest/gtest.h>

#include "imap/talk.hpp"

namespace mailroom::imap {
namespace {

using namespace testing;

std::string shown(const MessageRow& row) {
  std::string out = std::to_string(row.uid);
  for (const Section& s : row.sections) out += ":" + s.bytes + (s.decoded ? "(decoded)" : "");
  if (row.error) out += "!" + std::string(name(row.error.code)) + "!" + row.error.where;
  return out;
}

/// Fetches the whole of each message of `set`; what came goes to `rows`.
Work fetching(const char* set, std::vector<std::string>& rows, FetchItems items = {}) {
  items.flags = false;
  if (items.sections.empty()) items.sections.emplace_back();
  return [set = UidSet::parse(set), &rows, items](Client& c) -> net::Task<void> {
    const OnRow on_row = [&rows](MessageRow&& row) { rows.push_back(shown(row)); };
    co_await c.uid_fetch(set, items, on_row);
  };
}

// Quirk refused_message, as Yahoo has it.
TEST(Client, AMessageThatIsRefusedIsNamedAndTheOthersCome) {
  std::vector<std::string> rows;
  const std::string no = " NO [UNAVAILABLE] UID FETCH Server error while fetching messages";
  const Talk t = talk(
      signed_in(
          "IMAP4rev1",
          {C("a2 UID FETCH 2:4,7,9 (UID BODY.PEEK[])"), S("* 1 FETCH (UID 2 BODY[] \"two\")"), S("a2" + no),
           C("a3 UID FETCH 3:4 (UID BODY.PEEK[])"), S("* 2 FETCH (UID 3 BODY[] \"three\")"), S("a3" + no),
           C("a4 UID FETCH 4 (UID BODY.PEEK[])"), S("a4" + no), C("a5 UID FETCH 7,9 (UID BODY.PEEK[])"),
           S("* 5 FETCH (UID 9 BODY[] \"nine\")"), S("* 4 FETCH (UID 7 BODY[] \"seven\")"), S("a5 OK")}),
      fetching("2:4,7,9", rows));
  EXPECT_FALSE(t.error) << t.error.line();
  EXPECT_EQ(t.wrong, "");
  EXPECT_EQ(rows,
            (std::vector<std::string>{"2:two", "3:three", "4!temporary!message UID 4", "9:nine", "7:seven"}));
}

TEST(Client, OneMessageAloneThatIsRefusedIsAnError) {
  std::vector<std::string> rows;
  const Talk t = talk(signed_in("IMAP4rev1", {C("a2 UID FETCH 4 (UID BODY.PEEK[])"), S("a2 NO no")}),
                      fetching("4", rows));
  EXPECT_EQ(t.error.code, Errc::refused);
  EXPECT_EQ(t.error.where, "message UID 4");
  EXPECT_TRUE(rows.empty());
}

TEST(Client, OfAnOpenSetOnlyWhatExistsIsAskedForAgain) {
  std::vector<std::string> rows;
  const Talk t = talk(
      signed_in("IMAP4rev1", {C("a2 UID FETCH 5:* (UID BODY.PEEK[])"), S("a2 NO no"),
                              C("a3 UID SEARCH UID 5:*"), S("* SEARCH 4 7 9"), S("a3 OK"),
                              C("a4 UID FETCH 7 (UID BODY.PEEK[])"), S("* 4 FETCH (UID 7 BODY[] \"seven\")"),
                              S("a4 OK"), C("a5 UID FETCH 9 (UID BODY.PEEK[])"), S("a5 NO no")}),
      [&rows](Client& c) -> net::Task<void> {
        const UidSet set = UidSet::from(5);
        FetchItems items;
        items.flags = false;
        items.sections.emplace_back();
        const OnRow on_row = [&rows](MessageRow&& row) { rows.push_back(shown(row)); };
        co_await c.uid_fetch(set, items, on_row);
      });
  EXPECT_FALSE(t.error) << t.error.line();
  EXPECT_EQ(t.wrong, "");
  EXPECT_EQ(rows, (std::vector<std::string>{"7:seven", "9!refused!message UID 9"}));
}

TEST(Client, AServerThatRefusesEveryMessageIsNotAskedForEver) {
  std::vector<std::string> rows;
  Login login;
  login.limits.refusals = 2;
  const Talk t = talk(signed_in("IMAP4rev1", {C("a2 UID FETCH 1:4 (UID BODY.PEEK[])"), S("a2 NO no"),
                                              C("a3 UID FETCH 1:2 (UID BODY.PEEK[])"), S("a3 NO no"),
                                              C("a4 UID FETCH 1 (UID BODY.PEEK[])"), S("a4 NO no"),
                                              C("a5 UID FETCH 2 (UID BODY.PEEK[])"), S("a5 NO no"),
                                              C("a6 UID FETCH 3:4 (UID BODY.PEEK[])"), S("a6 NO no"),
                                              C("a7 UID FETCH 3 (UID BODY.PEEK[])"), S("a7 NO I said no")}),
                      fetching("1:4", rows), std::move(login));
  EXPECT_EQ(t.error.code, Errc::refused);
  EXPECT_EQ(t.error.server, "I said no");
  EXPECT_EQ(t.wrong, "");
  EXPECT_EQ(rows.size(), 2u);
}

// Quirks one_range, as Tencent has it, and plain_items.
TEST(Client, AFetchThatIsNotUnderstoodIsAskedMorePlainly) {
  std::vector<std::string> rows;
  const Talk ranges = talk(
      signed_in(
          "IMAP4rev1 OBJECTID",
          {C("a2 UID FETCH 1:2,5 (UID EMAILID THREADID BODY.PEEK[])"), S("a2 BAD UID parameters!"),
           C("a3 UID FETCH 1:2 (UID EMAILID THREADID BODY.PEEK[])"), S("* 1 FETCH (UID 1 BODY[] \"one\")"),
           S("a3 OK"), C("a4 UID FETCH 5 (UID EMAILID THREADID BODY.PEEK[])"), S("a4 BAD what"),
           C("a5 UID FETCH 5 (UID BODY.PEEK[])"), S("* 3 FETCH (UID 5 BODY[] \"five\")"), S("a5 OK")}),
      fetching("1:2,5", rows));
  EXPECT_FALSE(ranges.error) << ranges.error.line();
  EXPECT_EQ(ranges.wrong, "");
  EXPECT_EQ(rows, (std::vector<std::string>{"1:one", "5:five"}));
  rows.clear();
  Login known;
  known.quirks.add(Quirk::one_range);
  const Talk from_the_start =
      talk(signed_in("IMAP4rev1", {C("a2 UID FETCH 1:2 (UID BODY.PEEK[])"), S("a2 OK"),
                                   C("a3 UID FETCH 5 (UID BODY.PEEK[])"), S("a3 OK")}),
           fetching("1:2,5", rows), std::move(known));
  EXPECT_FALSE(from_the_start.error) << from_the_start.error.line();
  EXPECT_EQ(from_the_start.wrong, "");
  const Talk never = talk(signed_in("IMAP4rev1", {C("a2 UID FETCH 5 (UID BODY.PEEK[])"), S("a2 BAD no")}),
                          fetching("5", rows));
  EXPECT_EQ(never.error.code, Errc::refused);
}

TEST(Client, BinaryFallsBackToTheEncodedForm) {
  FetchItems items;
  items.sections = {{"1.2", std::nullopt, 0, true}};
  std::vector<std::string> rows;
  std::string nul = "* 1 FETCH (UID 1 BINARY[1.2] ~{3}\r\naXb)\r\n";
  nul[nul.find('X')] = '\0';
  const Talk good =
      talk(signed_in("IMAP4rev1 BINARY",
                     {C("a2 UID FETCH 1:2 (UID BINARY.PEEK[1.2])"), Sraw(nul),
                      S("a2 NO [UNKNOWN-CTE] cannot decode"), C("a3 UID FETCH 2 (UID BODY.PEEK[1.2])"),
                      S("* 2 FETCH (UID 2 BODY[1.2] \"YQ==\")"), S("a3 OK")}),
           fetching("1:2", rows, items));
  EXPECT_FALSE(good.error) << good.error.line();
  EXPECT_EQ(good.wrong, "");
  EXPECT_EQ(rows, (std::vector<std::string>{std::string("1:a\0b(decoded)", 14), "2:YQ=="}));
  rows.clear();
  const Talk without = talk(signed_in("IMAP4rev1", {C("a2 UID FETCH 2 (UID BODY.PEEK[1.2])"),
                                                    S("* 2 FETCH (UID 2 BODY[1.2] \"YQ==\")"), S("a2 OK")}),
                            fetching("2", rows, items));
  EXPECT_FALSE(without.error) << without.error.line();
  EXPECT_EQ(rows, std::vector<std::string>{"2:YQ=="});
  // Cyrus says nothing of the part, and OK.
  rows.clear();
  const Talk silent = talk(
      signed_in("IMAP4rev1 BINARY",
                {C("a2 UID FETCH 1:2 (UID BINARY.PEEK[1.2])"), S("* 1 FETCH (UID 1 BINARY[1.2] {1}"),
                 Sraw("a)\r\n"), S("* 2 FETCH (UID 2)"), S("a2 OK"), C("a3 UID FETCH 2 (UID BODY.PEEK[1.2])"),
                 S("* 2 FETCH (UID 2 BODY[1.2] \"YQ==\")"), S("a3 OK")}),
      fetching("1:2", rows, items));
  EXPECT_FALSE(silent.error) << silent.error.line();
  EXPECT_EQ(silent.wrong, "");
  EXPECT_EQ(rows, (std::vector<std::string>{"1:a(decoded)", "2:YQ=="}));
}

}  // namespace
}  // namespace mailroom::imap
