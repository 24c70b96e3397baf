#include "store/proto/xml.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "support/markup.hpp"

namespace mailroom::store {
namespace {

TEST(Xml, ElementsTextAndReferences) {
  const Xml x = parse_xml(
      "<?xml version=\"1.0\"?>\n<!-- c --><s3:Error xmlns:s3='urn:x'><Code>A&amp;B "
      "&#x20AC;&#65;</Code><Empty/>"
      "<Message a=\"1>2\"> two\nlines </Message></s3:Error>\n");
  EXPECT_EQ(x.name, "Error");
  EXPECT_EQ(x.text_of("Code"),
            "A&B \xE2\x82\xAC"
            "A");
  EXPECT_EQ(x.text_of("Message"), " two\nlines ");
  ASSERT_TRUE(x.child("Empty"));
  EXPECT_EQ(x.text_of("Nothing"), "");
}

TEST(Xml, WhatIsNoneIsRefused) {
  std::string deep, many = "<a>";
  for (int i = 0; i < 9; ++i) deep += "<a>";
  for (int i = 0; i < 9; ++i) deep += "</a>";
  for (int i = 0; i < 20'001; ++i) many += "<b/>";
  many += "</a>";
  for (const std::string& bad : {std::string(),
                                 std::string("text"),
                                 std::string("<a>"),
                                 std::string("<a></b>"),
                                 std::string("<a/><b/>"),
                                 std::string("<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>"),
                                 std::string("<a>&x;</a>"),
                                 std::string("<a>&#0;</a>"),
                                 std::string("<a>&#xD800;</a>"),
                                 std::string("<a>&#99999999;</a>"),
                                 std::string("<a>& b</a>"),
                                 std::string("<a><![CDATA[x]]></a>"),
                                 std::string("<a b></a>"),
                                 std::string("<a b=c></a>"),
                                 std::string("<a b='c></a>"),
                                 std::string("<a\0/>", 5),
                                 "<" + std::string(101, 'n') + "/>",
                                 deep,
                                 many,
                                 "<a>" + std::string(1 << 20, 'x') + "</a>"})
    try {
      parse_xml(bad);
      ADD_FAILURE() << bad.substr(0, 80);
    } catch (const Failure& f) {
      EXPECT_EQ(f.error.code, Errc::protocol);
    }
}

TEST(Xml, EveryPrefixAndEveryFlippedByteEndsInGoodOrder) {
  const std::string whole = "<?xml version='1.0'?><a x='1'><b>t&lt;</b><c/><!-- d --></a>";
  std::size_t refused = 0;
  for (std::size_t n = 0; n < whole.size(); ++n) {
    EXPECT_THROW(parse_xml(whole.substr(0, n)), Failure) << n;
    for (const char c : {'<', '>', '&', '\'', '\0', '\xFF'}) {
      std::string flipped = whole;
      flipped[n] = c;
      try {
        parse_xml(flipped);
      } catch (const Failure&) {
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, whole.size());
}

TEST(Xml, WhatIsEscapedReadsBack) {
  const std::string hard = "\"<&>'&amp;";
  EXPECT_EQ(parse_xml("<a>" + aoh::escaped_markup(hard) + "</a>").text, hard);
}

}  // namespace
}  // namespace mailroom::store
