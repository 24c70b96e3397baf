#include "policy/match.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "mime/parse.hpp"

namespace mailroom::policy {
namespace {

mime::Message message(const std::string& from, const std::string& subject) {
  return mime::parse_headers("From: " + from + "\r\nSubject: " + subject + "\r\n\r\n");
}

TEST(Match, AllConditionsHoldAndCaseIsIgnored) {
  const Match m = Match::compile({{"folder", "INBOX/Quotes"},
                                  {"from_regex", "@supplier\\.example$"},
                                  {"subject_regex", "(quote|quotation)"}});
  EXPECT_EQ(m.folder(), "INBOX/Quotes");
  EXPECT_EQ(m.mismatch(message("Sales <Sales@SUPPLIER.example>", "Your QUOTE 7")), "");
  EXPECT_EQ(m.mismatch(message("sales@supplier.example.org", "quote")), "from_regex");
  EXPECT_EQ(m.mismatch(message("sales@supplier.example", "invoice")), "subject_regex");
  EXPECT_EQ(m.mismatch(message("a@b.example, sales@supplier.example", "quote")), "");
  EXPECT_EQ(m.mismatch(message("a@supplier.example", "=?utf-8?q?Qu?= =?utf-8?q?ote?=")), "");
}

TEST(Match, NameIsSearchedToo) {
  const Match m = Match::compile({{"from_regex", "^Big Supplier <"}});
  EXPECT_EQ(m.mismatch(message("\"Big Supplier\" <x@y.example>", "")), "");
  EXPECT_EQ(m.mismatch(message("x@y.example", "")), "from_regex");
}

TEST(Match, NothingGivenMatchesEverything) {
  const Match m = Match::compile(aoh::Json::object());
  EXPECT_EQ(m.folder(), "INBOX");
  EXPECT_EQ(m.mismatch(mime::parse_headers("")), "");
}

TEST(Match, MissingFieldsDoNotMatchAPattern) {
  EXPECT_EQ(Match::compile({{"subject_regex", "."}}).mismatch(mime::parse_headers("From: a@b\r\n\r\n")),
            "subject_regex");
  EXPECT_EQ(Match::compile({{"from_regex", "."}}).mismatch(mime::parse_headers("Subject: x\r\n\r\n")),
            "from_regex");
}

TEST(Match, ABadPatternNamesItsField) {
  try {
    Match::compile({{"subject_regex", "(a"}});
    FAIL() << "accepted";
  } catch (const Failure& f) {
    EXPECT_EQ(f.error.code, Errc::config);
    EXPECT_EQ(f.error.where, "match.subject_regex");
    EXPECT_NE(f.error.what.find("missing )"), std::string::npos) << f.error.what;
  }
  EXPECT_THROW(Match::compile({{"from_regex", "(?=x)"}}), Failure);
  EXPECT_THROW(Match::compile({{"from_regex", 7}}), Failure);
}

}  // namespace
}  // namespace mailroom::policy
