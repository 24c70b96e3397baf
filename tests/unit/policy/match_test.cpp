#include "policy/match.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.hpp"
#include "mime/parse.hpp"

namespace mailroom::policy {
namespace {

mime::Message message(const std::string& from, const std::string& subject) {
  return mime::parse_headers("From: " + from + "\r\nSubject: " + subject + "\r\n\r\n");
}

// "" when it matches, else the condition that failed, "text?" or "parts?" when that must be known first.
std::string mismatch(const Match& match, const mime::Message& m, Facts facts = {}) {
  facts.message = &m;
  const Outcome o = match.test(facts);
  if (o.truth == Truth::unknown)
    return std::string(o.needs_parts ? "parts?" : "") + (o.needs_text ? "text?" : "");
  EXPECT_FALSE(o.needs_parts || o.needs_text);
  EXPECT_EQ(o.truth == Truth::no, !o.why.empty());
  return std::string(o.why);
}
std::string mismatch(const aoh::Json& match, const mime::Message& m, Facts facts = {}) {
  return mismatch(Match::compile(match), m, facts);
}

TEST(Match, AllConditionsHoldAndCaseIsIgnored) {
  const Match m = Match::compile({{"folder", "INBOX/Quotes"},
                                  {"from_regex", "@supplier\\.example$"},
                                  {"subject_regex", "(quote|quotation)"}});
  EXPECT_EQ(m.folder(), "INBOX/Quotes");
  EXPECT_EQ(mismatch(m, message("Sales <Sales@SUPPLIER.example>", "Your QUOTE 7")), "");
  EXPECT_EQ(mismatch(m, message("sales@supplier.example.org", "quote")), "from_regex");
  EXPECT_EQ(mismatch(m, message("sales@supplier.example", "invoice")), "subject_regex");
  EXPECT_EQ(mismatch(m, message("a@b.example, sales@supplier.example", "quote")), "");
  EXPECT_EQ(mismatch(m, message("a@supplier.example", "=?utf-8?q?Qu?= =?utf-8?q?ote?=")), "");
}

TEST(Match, NameIsSearchedToo) {
  const Match m = Match::compile({{"from_regex", "^Big Supplier <"}});
  EXPECT_EQ(mismatch(m, message("\"Big Supplier\" <x@y.example>", "")), "");
  EXPECT_EQ(mismatch(m, message("x@y.example", "")), "from_regex");
}

TEST(Match, NothingGivenMatchesEverything) {
  const Match m = Match::compile(aoh::Json::object());
  EXPECT_EQ(m.folder(), "INBOX");
  EXPECT_EQ(mismatch(m, mime::parse_headers("")), "");
}

TEST(Match, MissingFieldsDoNotMatchAPattern) {
  const mime::Message none = mime::parse_headers("Date: x\r\n\r\n");
  for (const char* field : {"from_regex", "to_regex", "cc_regex", "subject_regex", "list_id_regex"})
    EXPECT_EQ(mismatch(aoh::Json{{field, "."}}, none), field);
  EXPECT_EQ(mismatch(aoh::Json{{"header_regex", {{"X-A", "."}}}}, none), "header_regex.X-A");
}

TEST(Match, HeaderFields) {
  const mime::Message m = mime::parse_headers(
      "From: a@b.example\r\nTo: Quotes <quotes@us.example>\r\nCc: boss@us.example\r\nList-Id: News "
      "<news.x.example>\r\n"
      "X-Spam: no\r\nx-spam: YES, 7\r\n\r\n");
  EXPECT_EQ(mismatch({{"to_regex", "^quotes <"}, {"cc_regex", "^BOSS@"}, {"list_id_regex", "<news\\."}}, m),
            "");
  EXPECT_EQ(mismatch({{"to_regex", "boss"}}, m), "to_regex");
  EXPECT_EQ(mismatch({{"header_regex", {{"X-SPAM", "^yes"}}}}, m), "");
  EXPECT_EQ(mismatch({{"header_regex", {{"X-Spam", "maybe"}, {"To", "us"}}}}, m), "header_regex.X-Spam");
}

TEST(Match, TheTextIsAskedForOnlyWhereTheHeaderDoesNotTell) {
  const aoh::Json both{{"body_regex", "total: [0-9]+"}, {"from_regex", "@a\\.example"}};
  const mime::Message head = message("x@a.example", "s");
  EXPECT_EQ(mismatch(both, message("x@b.example", "s")), "from_regex");
  EXPECT_EQ(mismatch(both, head), "text?");
  EXPECT_EQ(mismatch({{"any", aoh::Json::array({both, {{"subject_regex", "s"}}})}}, head), "");
  EXPECT_EQ(mismatch({{"not", both}}, head), "text?");
  EXPECT_EQ(mismatch({{"not", {{"subject_regex", "x"}, {"body_regex", "y"}}}}, head), "");
  const mime::Message whole = mime::parse("From: x@a.example\r\n\r\nThe Total: 12\r\n");
  Facts text;
  text.parts = text.text = true;
  EXPECT_EQ(mismatch(both, whole, text), "");
  EXPECT_EQ(mismatch({{"not", both}}, whole, text), "not");
  EXPECT_EQ(mismatch({{"body_regex", "sum"}}, whole, text), "body_regex");
}

TEST(Match, PartsAndAttachments) {
  const std::string raw =
      "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhello\r\n--b\r\n"
      "Content-Type: Application/PDF\r\nContent-Disposition: attachment; "
      "filename=Offer.pdf\r\n\r\n12345\r\n--b\r\n"
      "Content-Type: image/png; name=logo.png\r\nContent-Disposition: attachment\r\n\r\n1\r\n--b--\r\n";
  const mime::Message head = mime::parse_headers(raw), whole = mime::parse(raw);
  Facts parts;
  parts.parts = true;
  const auto with = [&](aoh::Json attachment) {
    return mismatch({{"attachment", std::move(attachment)}}, whole, parts);
  };
  EXPECT_EQ(mismatch({{"mime_type", "application/pdf"}}, head), "parts?");
  EXPECT_EQ(mismatch({{"mime_type", "multipart/*"}}, head), "");
  EXPECT_EQ(mismatch({{"mime_type", "image/*"}}, message("a@b", "")), "mime_type");  // it has no other part
  EXPECT_EQ(mismatch({{"attachment", aoh::Json::object()}}, head), "parts?");
  EXPECT_EQ(mismatch({{"mime_type", "application/pdf"}}, whole, parts), "");
  EXPECT_EQ(mismatch({{"mime_type", aoh::Json::array({"audio/*", "Image/*"})}}, whole, parts), "");
  EXPECT_EQ(mismatch({{"mime_type", "image/jpeg"}}, whole, parts), "mime_type");
  EXPECT_EQ(with(aoh::Json::object()), "");
  EXPECT_EQ(
      with({{"name_regex", "\\.PDF$"}, {"mime_type", "application/pdf"}, {"larger", 4}, {"smaller", 6}}), "");
  EXPECT_EQ(with({{"name_regex", "\\.pdf$"}, {"larger", 5}}), "attachment");
  EXPECT_EQ(with({{"name_regex", "\\.png$"}, {"mime_type", "application/pdf"}}), "attachment");  // not of one
}

TEST(Match, SizeAgeAndFlags) {
  const mime::Message m = message("a@b", "s");
  const std::vector<std::string> flags{"\\Seen", "$Junk"};
  Facts f;
  f.size = 1000;
  f.now_s = 100'000;
  f.arrived_s = 100'000 - 3600;
  f.flags = &flags;
  EXPECT_EQ(mismatch({{"larger", 999}, {"smaller", 1001}}, m, f), "");
  EXPECT_EQ(mismatch({{"larger", 1000}}, m, f), "larger");
  EXPECT_EQ(mismatch({{"smaller", 1000}}, m, f), "smaller");
  EXPECT_EQ(mismatch({{"older_than", "59m"}, {"newer_than", "2h"}}, m, f), "");
  EXPECT_EQ(mismatch({{"older_than", "1h"}}, m, f), "older_than");
  EXPECT_EQ(mismatch({{"newer_than", "3600s"}}, m, f), "newer_than");
  EXPECT_EQ(mismatch({{"flags", aoh::Json::array({"seen", "$junk"})}}, m, f), "");
  EXPECT_EQ(mismatch({{"flags", "\\seen"}}, m, f), "");
  EXPECT_EQ(mismatch({{"flags", "flagged"}}, m, f), "flags");
  for (const char* unknown : {"larger", "smaller"}) EXPECT_EQ(mismatch(aoh::Json{{unknown, 0}}, m), unknown);
  EXPECT_EQ(mismatch({{"older_than", "0s"}}, m), "older_than");
}

TEST(Match, NestedFolderIsACondition) {
  Facts f;
  f.folder = "inbox";
  const mime::Message m = message("a@b", "s");
  EXPECT_EQ(mismatch({{"any", aoh::Json::array({{{"folder", "INBOX"}}})}}, m, f), "");
  EXPECT_EQ(mismatch({{"any", aoh::Json::array({{{"folder", "Archive"}}})}}, m, f), "any");
  EXPECT_EQ(mismatch({{"folder", "Archive"}}, m, f), "");  // at the top it says what is watched
}

TEST(Match, ManyPatternsOfAFieldAreOnePass) {
  aoh::Json any = aoh::Json::array();
  for (int i = 0; i < 240; ++i) any.push({{"subject_regex", "\\bcase " + std::to_string(i) + "$"}});
  const Match m = Match::compile({{"any", any}});
  EXPECT_EQ(mismatch(m, message("a@b", "Re: CASE 239")), "");
  EXPECT_EQ(mismatch(m, message("a@b", "Re: CASE 240")), "any");
}

TEST(Patterns, AllSetsTogetherStayWithinTheirMemory) {
  for (const std::size_t headers : {2u, 24u, 200u}) {
    Patterns p;
    std::vector<Patterns::Ref> last;
    for (std::size_t h = 0; h < headers; ++h)
      for (int i = 0; i < 6; ++i)
        last.push_back(p.add(Field::header, "X-" + std::to_string(h), "word" + std::to_string(i) + "$", "x"));
    p.finish();
    const auto [n, each] = p.automatons();
    EXPECT_EQ(n, std::min<std::size_t>(headers, 24));
    EXPECT_GE(each, Patterns::kLeastSetBytes);
    EXPECT_LE(static_cast<std::int64_t>(n) * each, Patterns::kSetsBytes);
    for (const auto& ref : last) {
      Patterns::Bits bits = p.none(ref.set);
      p.search(ref.set, "A WORD" + std::to_string(ref.index), bits);
      EXPECT_EQ(bits, Patterns::Bits{std::uint64_t{1} << ref.index});
    }
  }
}

// The pattern or the place that is wrong, and what is said about it.
TEST(Match, AMistakeNamesItsPlace) {
  aoh::Json deep{{"flags", "seen"}};
  for (int i = 0; i < 8; ++i) deep = aoh::Json{{"not", deep}};
  aoh::Json many = aoh::Json::array();
  for (int i = 0; i < 300; ++i) many.push({{"larger", i}});
  const std::tuple<aoh::Json, const char*, const char*> cases[] = {
      {{{"subject_regex", "(a"}}, "match.subject_regex", "missing )"},
      {{{"from_regex", "(?=x)"}}, "match.from_regex", "RE2"},
      {{{"from_regex", 7}}, "match.from_regex", "not a string"},
      {{{"body_regex", std::string(8001, 'x')}}, "match.body_regex", "longer than 8000 bytes"},
      {{{"any", aoh::Json::array({{{"from_regex", "x"}}, {{"form_regex", "x"}}})}},
       "match.any.1.form_regex",
       "not a condition"},
      {{{"any", aoh::Json::array()}}, "match.any", "not a list"},
      {{{"not", 1}}, "match.not", "not a map"},
      {{{"mime_type", "*/pdf"}}, "match.mime_type", "not a MIME type"},
      {{{"attachment", {{"nam_regex", "x"}}}},
       "match.attachment.nam_regex",
       "not a condition on an attachment"},
      {{{"larger", -1}}, "match.larger", "bytes"},
      {{{"older_than", "7w"}}, "match.older_than", "duration"},
      {{{"newer_than", "9999d"}}, "match.newer_than", "duration"},
      {{{"authentication", {{"dmarc", "passed"}}}}, "match.authentication.dmarc", "not a verdict"},
      {{{"authentication", {{"arc", "pass"}}}}, "match.authentication.arc", "not a method"},
      {{{"header_regex", {{"X Y", "a"}}}}, "match.header_regex", "no header field"},
      {deep, "match.not.not.not.not.not.not.not.not", "deeper than 8"},
      {{{"any", many}}, "match.any.249", "more than 500"},
  };
  for (const auto& [match, where, what] : cases) {
    try {
      Match::compile(match);
      ADD_FAILURE() << "accepted: " << match.dump();
    } catch (const Failure& f) {
      EXPECT_EQ(f.error.code, Errc::config);
      EXPECT_EQ(f.error.where.substr(0, std::string(where).size()), where);
      EXPECT_NE(f.error.what.find(what), std::string::npos) << f.error.what;
    }
  }
  aoh::Json huge = aoh::Json::array();
  for (int i = 0; i < 90; ++i)
    huge.push({{"subject_regex", "(?:[a-z]{1,20}" + std::to_string(i) + "){1,40}"}});
  EXPECT_THROW(Match::compile({{"any", huge}}), Failure);
}

}  // namespace
}  // namespace mailroom::policy
