// "Slow down" in words.
#include "imap/proto/throttle.hpp"

#include <gtest/gtest.h>

#include "imap/proto/exchange.hpp"

namespace mailroom::imap {
namespace {

TEST(Throttle, SaysHowLong) {
  const auto ms = [](const char* words) {
    return asked_to_wait(words).value_or(std::chrono::milliseconds(-1)).count();
  };
  EXPECT_EQ(ms("Request is throttled. Suggested Backoff Time: 299910 milliseconds"), 299910);
  EXPECT_EQ(ms("BAD Request is throttled. Suggested Backoff Time:89117 milliseconds"), 89117);
  EXPECT_EQ(ms("Request is throttled."), 0);
  EXPECT_EQ(ms("Request is throttled. Suggested Backoff Time: soon"), 0);
  EXPECT_EQ(ms("Request is throttled. Suggested Backoff Time: -5"), 0);
  EXPECT_EQ(ms("Request is throttled. Suggested Backoff Time: 99999999999999999999 milliseconds"), 3'600'000);
  EXPECT_EQ(ms("Suggested Backoff Time: 5 milliseconds"), -1);
  EXPECT_EQ(ms(""), -1);
}

TEST(Throttle, IsALaterWhateverTheAnswer) {
  for (const char* line : {"a1 NO Request is throttled. Suggested Backoff Time: 1500 milliseconds\r\n",
                           "a1 BAD Request is throttled. Suggested Backoff Time: 1500 milliseconds\r\n"}) {
    Framer framer;
    framer.feed(line);
    const Error e = status_error(classify(*framer.take()), "the fetch failed");
    EXPECT_EQ(e.code, Errc::temporary);
    EXPECT_NE(e.cure.find("2 s"), std::string::npos);
  }
}

}  // namespace
}  // namespace mailroom::imap
