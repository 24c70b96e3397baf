// In no order of replies do credentials go out before TLS, and nothing that was said before it is kept.
#include <gtest/gtest.h>

#include "imap/proto/opening.hpp"
#include "net/orders.hpp"

namespace mailroom::imap {
namespace {

using namespace testing;

TEST(ImapOpening, NoOrderOfRepliesHasCredentialsBeforeTls) {
  const std::vector<std::string> replies = {
      "* OK [CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN SASL-IR LITERAL+] hi\r\n",
      "* OK hi\r\n",
      "* PREAUTH [CAPABILITY IMAP4rev1 AUTH=PLAIN] hi\r\n",
      "* CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN SASL-IR\r\n",
      "* CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR\r\n",
      "a1 OK done\r\n",
      "a2 OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] done\r\n",
      "a1 NO no\r\n",
      "a2 BAD bad\r\n",
      "* BYE bye\r\n",
      "+ \r\n",
      "* 5 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* ENABLED UTF8=ACCEPT\r\n",
      "* 1 FETCH (BODY[] {3}\r\nabc)\r\n",
      "\xff\r\n",
  };
  const auth::Credentials who{"tim", aoh::Secret("pw")};
  Session session;
  std::uint64_t kept = 0;
  const Orders o = every_order(
      replies, 4,
      [&] {
        session = Session();
        OpeningOptions options;
        options.starttls = true;
        options.credentials = &who;
        return std::make_unique<Opening>(session, std::move(options));
      },
      [](std::string_view wrote) {
        return wrote == "a1 CAPABILITY\r\n" || wrote == "a1 STARTTLS\r\n" || wrote == "a2 STARTTLS\r\n";
      },
      [&] {
        kept += !session.caps.names().empty() || session.caps_fresh || session.mailbox.exists != 0 ||
                session.mailbox.uid_validity != 0 || !session.enabled.names().empty() ||
                session.framer.has_rest() || session.signed_in || session.dead || !session.bye.empty();
      });
  EXPECT_GT(o.handshakes, 100u);
  EXPECT_EQ(o.secrets, 0u);
  EXPECT_EQ(o.breaches, 0u);
  EXPECT_EQ(kept, 0u);
  std::printf("%lu orders, %lu handshakes\n", static_cast<unsigned long>(o.sequences),
              static_cast<unsigned long>(o.handshakes));
}

}  // namespace
}  // namespace mailroom::imap
