// Items of extensions in UID FETCH: asked for where they are known, read as they come.
#include <gtest/gtest.h>

#include "imap/proto/fetch.hpp"
#include "imap/proto/fetch_row.hpp"
#include "net/script.hpp"

namespace mailroom::imap {
namespace {

using namespace testing;

std::string command(const char* caps, const FetchItems& items, Quirks quirks = {}) {
  Session s;
  s.caps = Capabilities(caps);
  s.quirks = quirks;
  Fetch fetch(s, UidSet::one(5), items);
  const std::string words(fetch.next().bytes);
  EXPECT_EQ(uses_extensions(s, items), words != "a1 UID FETCH 5 (UID FLAGS BODY.PEEK[1])\r\n") << words;
  return words;
}

TEST(FetchItems, OfExtensionsGoOutWhereTheyAreOffered) {
  FetchItems items;
  items.modseq = items.labels = true;
  items.changed_since = 77;
  items.sections = {{"1", std::nullopt, 0, true}};
  const std::string plain = "a1 UID FETCH 5 (UID FLAGS BODY.PEEK[1])\r\n";
  EXPECT_EQ(command("IMAP4rev1", items), plain);
  EXPECT_EQ(command("CONDSTORE", items),
            "a1 UID FETCH 5 (UID FLAGS MODSEQ BODY.PEEK[1]) (CHANGEDSINCE 77)\r\n");
  EXPECT_EQ(command("X-GM-EXT-1", items),
            "a1 UID FETCH 5 (UID FLAGS X-GM-MSGID X-GM-THRID X-GM-LABELS BODY.PEEK[1])\r\n");
  EXPECT_EQ(command("OBJECTID", items), "a1 UID FETCH 5 (UID FLAGS EMAILID THREADID BODY.PEEK[1])\r\n");
  EXPECT_EQ(command("BINARY", items), "a1 UID FETCH 5 (UID FLAGS BINARY.PEEK[1])\r\n");
  Quirks quirks;
  quirks.add(Quirk::plain_items);
  EXPECT_EQ(command("CONDSTORE X-GM-EXT-1 OBJECTID BINARY", items, quirks), plain);
  items.sections = {{"HEADER", std::nullopt, 0, true}};
  Session s;
  s.caps = Capabilities("BINARY");
  EXPECT_THROW(Fetch(s, UidSet::one(5), items), Failure) << "a header has no transfer encoding";
}

MessageRow row(const std::string& bytes) {
  Framer framer;
  framer.feed(bytes + "\r\n");
  Response r = classify(*framer.take());
  return parse_fetch(r, {});
}

TEST(FetchItems, OfExtensionsAreRead) {
  const MessageRow gmail =
      row("* 3 FETCH (X-GM-THRID 1266894439832287888 X-GM-MSGID 1278455344230334865 X-GM-LABELS (\\Inbox "
          "\\Sent Important "
          "\"Muy Importante\" {12}\r\nEntw&APw-rfe \"a)b\") UID 17)");
  EXPECT_FALSE(gmail.error) << gmail.error.line();
  EXPECT_EQ(gmail.gm_labels, (std::vector<std::string>{"\\Inbox", "\\Sent", "Important", "Muy Importante",
                                                       "Entwürfe", "a)b"}));
  EXPECT_EQ(gmail.gm_message_id + "/" + gmail.gm_thread_id, "1278455344230334865/1266894439832287888");
  EXPECT_EQ(row("* 3 FETCH (UID 17 X-GM-LABELS ())").gm_labels, std::vector<std::string>());
  EXPECT_EQ(row("* 3 FETCH (UID 17 X-GM-LABELS NIL)").gm_labels, std::vector<std::string>());
  const MessageRow broken = row("* 3 FETCH (UID 17 X-GM-LABELS (a");
  EXPECT_EQ(broken.error.where, "message UID 17");
  const MessageRow ids =
      row("* 3 FETCH (UID 17 EMAILID (M6d99ac3275bb4e) THREADID NIL BINARY.SIZE[1] 12 BINARY[1] ~{2}\r\nab)");
  EXPECT_FALSE(ids.error) << ids.error.line();
  EXPECT_EQ(ids.email_id, "M6d99ac3275bb4e");
  EXPECT_EQ(ids.thread_id, "");
  ASSERT_NE(ids.section("1"), nullptr);
  EXPECT_TRUE(ids.section("1")->decoded);
  EXPECT_EQ(ids.section("1")->bytes, "ab");
}

}  // namespace
}  // namespace mailroom::imap
