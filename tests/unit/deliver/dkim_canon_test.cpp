#include "deliver/dkim_canon.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"

namespace mailroom::deliver {
namespace {

std::string header(std::string_view message, Canon canon) {
  std::string_view body;
  std::string out;
  for (const RawField& f : header_fields(message, body)) out += canonical_field(f.whole, canon);
  return out;
}
std::string_view body_of(std::string_view message) {
  std::string_view body;
  (void)header_fields(message, body);
  return body;
}

// The example of RFC 6376 §3.4.5.
constexpr std::string_view kExample =
    "A: X\r\n"
    "B : Y\t\r\n"
    "\tZ  \r\n"
    "\r\n"
    " C \r\n"
    "D \t E\r\n"
    "\r\n"
    "\r\n";

TEST(DkimCanon, TheExampleOfTheStandard) {
  EXPECT_EQ(header(kExample, Canon::relaxed), "a:X\r\nb:Y Z\r\n");
  EXPECT_EQ(header(kExample, Canon::simple), "A: X\r\nB : Y\t\r\n\tZ  \r\n");
  EXPECT_EQ(canonical_body(body_of(kExample), Canon::relaxed), " C\r\nD E\r\n");
  EXPECT_EQ(canonical_body(body_of(kExample), Canon::simple), " C \r\nD \t E\r\n");
}

TEST(DkimCanon, Bodies) {
  struct Row {
    const char* body;
    const char* simple;
    const char* relaxed;
  };
  const Row rows[] = {
      {"", "\r\n", ""},
      {"\r\n", "\r\n", ""},
      {"\r\n\r\n\r\n", "\r\n", ""},
      {"x", "x\r\n", "x\r\n"},
      {"x\r\n\r\ny", "x\r\n\r\ny\r\n", "x\r\n\r\ny\r\n"},
      {"x\r\n \t\r\n", "x\r\n \t\r\n", "x\r\n"},
      {"\r\n\r\nx", "\r\n\r\nx\r\n", "\r\n\r\nx\r\n"},
      {" \t x\t\t y \r\n", " \t x\t\t y \r\n", " x y\r\n"},
      {"a\xC2\xA0 b\r\n", "a\xC2\xA0 b\r\n", "a\xC2\xA0 b\r\n"},  // only space and tab are white space
  };
  for (const Row& r : rows) {
    SCOPED_TRACE(r.body);
    EXPECT_EQ(canonical_body(r.body, Canon::simple), r.simple);
    EXPECT_EQ(canonical_body(r.body, Canon::relaxed), r.relaxed);
  }
}

TEST(DkimCanon, Fields) {
  EXPECT_EQ(canonical_field("SUBJect:  a  b\t c \r\n", Canon::relaxed), "subject:a b c\r\n");
  EXPECT_EQ(canonical_field("X:\r\n \r\n", Canon::relaxed), "x:\r\n");
  EXPECT_EQ(canonical_field("X: :: a: b\r\n", Canon::relaxed), "x::: a: b\r\n");
  EXPECT_EQ(canonical_field("X: : b\r\n", Canon::relaxed), "x:: b\r\n");
}

TEST(DkimCanon, WhereTheBodyBegins) {
  EXPECT_EQ(body_of("A: b\r\n\r\nx\r\n"), "x\r\n");
  EXPECT_EQ(body_of("A: b\r\n\r\n"), "");
  EXPECT_EQ(body_of("A: b\r\n"), "");
  EXPECT_EQ(body_of("A: b\r\n\r\n\r\nx"), "\r\nx");
}

TEST(DkimCanon, WhatTwoReadersReadDifferentlyIsRefused) {
  std::string_view body;
  for (const char* message :
       {"A: b\nC: d\r\n\r\n", "A: b\rC: d\r\n\r\n", "no colon\r\n\r\n", " folded first\r\n\r\n",
        ": no name\r\n\r\n", "A b: c\r\n\r\n", "\xC3\xA4: x\r\n\r\n"}) {
    SCOPED_TRACE(message);
    EXPECT_THROW((void)header_fields(message, body), Failure);
  }
}

}  // namespace
}  // namespace mailroom::deliver
