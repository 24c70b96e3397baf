// What a search asks the server, and what is made of its answer.
#include "read/filter.hpp"

#include <gtest/gtest.h>

#include "read/finder.hpp"
#include "read/fold.hpp"

namespace mailroom::read {
namespace {

std::string asked(const Filter& f, const SearchWays& ways = {}) {
  std::string out;
  const imap::Command keys = criteria(f, ways).keys();
  for (const imap::Command::Piece& p : keys.pieces()) out += p.is_literal ? "<" + p.text + ">" : p.text;
  return out;
}

TEST(Fold, CaseFormsAndCompositionDoNotCount) {
  EXPECT_EQ(folded("GRÖSSE"), folded("größe"));
  EXPECT_EQ(folded("Ｇｒöße"), folded("gro\xCC\x88sse"));  // full width; o and a combining diaeresis
  EXPECT_TRUE(holds("Müller", folded("mu")));              // as i;unicode-casemap has it
  EXPECT_FALSE(holds("Muller", folded("mü")));
  EXPECT_TRUE(holds("anything", folded("")));
  EXPECT_NE(folded("a\xFFz"), "");
}

TEST(Filter, DaysAreAskedWideEnoughForAnyZone) {
  Filter f;
  f.deleted = true;
  f.since_s = 1'793'404'800;  // 2026-10-31T00:00:00Z
  f.before_s = 1'793'404'800;
  EXPECT_EQ(asked(f), "SINCE 30-Oct-2026 BEFORE 1-Nov-2026");
  f.since_s = 1'793'404'800 + 13 * 3'600;
  f.before_s = *f.since_s;
  EXPECT_EQ(asked(f), "SINCE 31-Oct-2026 BEFORE 2-Nov-2026");
}

TEST(Filter, WordsThatAServerRefusesAreLeftOut) {
  Filter f;
  f.from = "Jörg";
  f.subject = "x";
  f.body = "größer";
  EXPECT_EQ(asked(f), "UNDELETED FROM <Jörg> SUBJECT \"x\" BODY <größer>");
  EXPECT_EQ(asked(f, {.ascii_only = true}), "UNDELETED SUBJECT \"x\"");
}

TEST(Filter, AConversationIsAskedAsTheServerKnowsIt) {
  Filter f;
  f.deleted = true;
  f.thread = "T12";
  EXPECT_EQ(asked(f, {.object_id = true}), "THREADID T12");
  f.thread = "12";
  EXPECT_EQ(asked(f, {.gmail = true}), "X-GM-THRID 12");
  f.thread = "a@b";  // an id of a message, from a time when nobody knew better
  EXPECT_EQ(asked(f, {.object_id = true}),
            "OR (HEADER \"Message-ID\" \"a@b\") (OR (HEADER \"References\" \"a@b\") (HEADER \"In-Reply-To\" "
            "\"a@b\"))");
  f.gmail_raw = "x";
  EXPECT_THROW(criteria(f, {}), Failure);
}

TEST(Filter, FilesAreCountedAsAReaderIsOfferedThem) {
  const auto part = [](const char* type, const char* subtype, const char* disposition = "",
                       const char* name = "", const char* id = "") {
    imap::BodyPart p;
    p.type = type;
    p.subtype = subtype;
    p.disposition = disposition;
    p.id = id;
    if (*name) p.disposition_params.emplace_back("filename", name);
    return p;
  };
  imap::BodyPart mixed = part("multipart", "mixed"), related = part("multipart", "related");
  related.parts = {part("text", "html"), part("image", "png", "inline", "logo.png", "<logo>")};
  mixed.parts = {related, part("application", "pgp-signature")};
  EXPECT_EQ(attachments_in(mixed), 0u);
  mixed.parts.push_back(part("text", "plain", "", "a.txt"));
  mixed.parts.push_back(part("message", "rfc822"));
  mixed.parts.push_back(part("image", "png", "attachment", "", "<x>"));
  mixed.parts.push_back(part("application", "pdf"));
  EXPECT_EQ(attachments_in(mixed), 4u);
  EXPECT_EQ(attachments_in(part("text", "plain")), 0u);
  EXPECT_EQ(attachments_in(part("application", "pdf")), 1u);
}

TEST(Cursor, IsReadBackAndNothingElseIs) {
  Cursor c;
  c.order = Order::subject;
  c.uid_validity = 4294967295;
  c.uid = 17;
  c.top = 20;
  c.key = std::string("gro\0\xCC", 5);
  const std::string text = to_text(c);
  const Cursor same = cursor_from(text);
  EXPECT_EQ(to_text(same), text);
  EXPECT_EQ(same.key, c.key);
  for (std::size_t i = 0; i < text.size() - 2 * c.key.size() - 1; ++i)
    EXPECT_THROW(cursor_from(text.substr(0, i)), Failure) << i;
  EXPECT_THROW(cursor_from(text + "0"), Failure);
  EXPECT_THROW(cursor_from(text + std::string(1000, '0')), Failure);
}

TEST(SortKey, NumbersCompareAsTheyShould) {
  Summary past, now, large, small;
  past.message.date_unix = -5;
  now.message.date_unix = 1'793'404'800;
  small.row.size = 9;
  large.row.size = 10;
  EXPECT_LT(sort_key(Order::date_newest, past), sort_key(Order::date_newest, now));
  EXPECT_LT(sort_key(Order::largest, small), sort_key(Order::largest, large));
  past.message.subject = "Re: AW: größe";
  now.message.subject = "GRÖSSE";
  EXPECT_EQ(sort_key(Order::subject, past), sort_key(Order::subject, now));
}

}  // namespace
}  // namespace mailroom::read
