// In no order of replies do credentials go out before TLS, and nothing that was said before it is kept.
#include <gtest/gtest.h>

#include "net/orders.hpp"
#include "smtp/proto/opening.hpp"

namespace mailroom::smtp {
namespace {

using namespace testing;

TEST(SmtpOpening, NoOrderOfRepliesHasCredentialsBeforeTls) {
  const std::vector<std::string> replies = {
      "220 hi\r\n",      "250-mx\r\n250-AUTH PLAIN LOGIN\r\n250 STARTTLS\r\n",
      "250 mx\r\n",      "250-mx\r\n250-SIZE 5\r\n250 AUTH PLAIN LOGIN\r\n",
      "235 ok\r\n",      "334 VXNlcm5hbWU6\r\n",
      "334 \r\n",        "421 bye\r\n",
      "454 later\r\n",   "500 what\r\n",
      "530 first\r\n",   "354 go\r\n",
      "220-more\r\n",    "\xff\r\n",
      "250 \r\n250\r\n",
  };
  const auth::Credentials who{"tim", aoh::Secret("pw")};
  Session session;
  std::uint64_t kept = 0;
  const Orders o = every_order(
      replies, 4,
      [&] {
        session = Session();
        OpeningOptions options;
        options.ehlo_name = "me";
        options.starttls = true;
        options.credentials = &who;
        return std::make_unique<Opening>(session, std::move(options));
      },
      [](std::string_view wrote) { return wrote == "EHLO me\r\n" || wrote == "STARTTLS\r\n"; },
      [&] {
        kept += session.caps.starttls || !session.caps.auth.empty() || session.caps.max_size != 0 ||
                session.replies.has_rest() || session.dead;
      });
  EXPECT_GE(o.handshakes, 16u);
  EXPECT_EQ(o.secrets, 0u);
  EXPECT_EQ(o.breaches, 0u);
  EXPECT_EQ(kept, 0u);
  std::printf("%lu orders, %lu handshakes\n", static_cast<unsigned long>(o.sequences),
              static_cast<unsigned long>(o.handshakes));
}

}  // namespace
}  // namespace mailroom::smtp
