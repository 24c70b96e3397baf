#include "policy/auth_results.hpp"

#include <gtest/gtest.h>

#include "mime/parse.hpp"

namespace mailroom::policy {
namespace {

std::string verdict(const std::string& fields, std::vector<std::string> trusted = {"mx.us.example"}) {
  return auth_verdict(mime::parse_headers(fields + "\r\n"), trusted).json().dump();
}
const char* const kNone = "{}";

TEST(AuthResults, OfATrustedServerOnly) {
  const std::string field =
      "Authentication-Results: MX.us.example 1; spf=pass (ok; dkim=fail) smtp.mailfrom=a@b;\r\n"
      " dkim=fail reason=\"a;b\" header.d=x; DKIM/1 = Pass header.d=b; dmarc=\r\n none\r\n";
  EXPECT_EQ(verdict(field), R"({"spf":"pass","dkim":"pass","dmarc":"none","by":"mx.us.example"})");
  EXPECT_EQ(verdict(field, {}), kNone);
  EXPECT_EQ(verdict(field, {"mx.them.example"}), kNone);
  EXPECT_EQ(verdict("Authentication-Results: \"mx.us.example\"; spf=softfail\r\n"),
            R"({"spf":"softfail","by":"mx.us.example"})");
}

TEST(AuthResults, AForgedOneBelowDoesNotCount) {
  const std::string real = "Authentication-Results: mx.us.example; dmarc=fail\r\n";
  const std::string forged = "Authentication-Results: mx.us.example; dmarc=pass; spf=pass\r\n";
  EXPECT_EQ(verdict("Received: by mx.us.example\r\n" + real + "Received: by x\r\n" + forged),
            R"({"dmarc":"fail","by":"mx.us.example"})");
  EXPECT_EQ(verdict(real + "Authentication-Results: mx.us.example; spf=neutral\r\n" + forged),
            R"({"spf":"neutral","dmarc":"fail","by":"mx.us.example"})");
  EXPECT_EQ(verdict("Authentication-Results: mx.them.example; dmarc=pass\r\n" + real),
            R"({"dmarc":"fail","by":"mx.us.example"})");
}

TEST(AuthResults, WhatIsNoResultIsNone) {
  for (const char* field :
       {"spf=pass smtp.mailfrom=a@b; dkim=pass", "mx.us.example; none", "mx.us.example; spf",
        "mx.us.example;", "(mx.us.example", "\"mx.us.example", "mx.us.example; spf=wonderful",
        "mx.us.example.evil.example; spf=pass", "evil.example mx.us.example; spf=pass",
        "mx.us.example; x=\"; spf=pass", ";;;;", "", "=", "\"\\"}) {
    const std::string v = verdict(std::string("Authentication-Results: ") + field + "\r\n");
    EXPECT_EQ(v.find("pass"), std::string::npos) << field << v;
    EXPECT_EQ(v.find("wonderful"), std::string::npos) << field << v;
  }
  std::string many = "Authentication-Results: mx.us.example";
  for (int i = 0; i < 1000; ++i) many += ";x=1";
  EXPECT_EQ(verdict(many + ";spf=pass\r\n"), R"({"by":"mx.us.example"})");
}

}  // namespace
}  // namespace mailroom::policy
