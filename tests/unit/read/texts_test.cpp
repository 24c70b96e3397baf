// The texts of many messages read as each message's text alone does; from a real Dovecot, also compressed.
#include "read/texts.hpp"

#include <gtest/gtest.h>

#include <map>

#include "mime/json.hpp"
#include "net/loop.hpp"
#include "read/reader.hpp"
#include "rig/rig.hpp"

namespace mailroom::read {
namespace {

using testing::Loop;
using testing::Rig;

std::string message(int i) {
  const std::string n = std::to_string(i);
  std::string head = "From: a@rig.test\r\nSubject: =?utf-8?Q?Nr=2E_" + n + "?=\r\nMIME-Version: 1.0\r\n";
  const std::string alternative =
      "Content-Type: multipart/alternative; boundary=a\r\n\r\n--a\r\nContent-Type: text/plain; "
      "charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\ntext =FC " +
      n + "\r\n--a\r\nContent-Type: text/html\r\n\r\n<p>html " + n +
      std::string(200u * static_cast<unsigned>(i), 'h') + "</p>\r\n--a--\r\n";
  switch (i % 5) {
    case 0:
      return head + "\r\nplain " + n + "\r\n";
    case 1:
      return head + alternative;
    case 2:
      return head + "Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\n" + alternative +
             "\r\n--m\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=x.pdf\r\n"
             "Content-Transfer-Encoding: base64\r\n\r\n" +
             std::string(40'000, 'A') + "\r\n--m--\r\n";
    case 3:
      return head + "Content-Type: application/pdf; name=y.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
             std::string(8'000, 'A') + "\r\n";
    default:
      return head + "Content-Type: text/html; charset=utf-8\r\n\r\n<b>only html " + n + "</b>\r\n";
  }
}

TEST(TextsRig, ManyReadAsEachAlone) {
  Rig rig;
  Loop loop;
  constexpr int kMessages = 23;
  const std::vector<std::string> none;
  const std::vector<std::string> deleted{"\\Deleted"};
  loop.run([&]() -> net::Task<void> {
    imap::Login l;
    l.endpoint.host = rig.host();
    l.endpoint.port = static_cast<std::uint16_t>(rig.imap_tls_port());
    l.endpoint.tls = net::TlsMode::implicit;
    l.endpoint.ca_file = rig.ca_file();
    l.credentials.user = "texts@rig.test";
    l.credentials.password = aoh::Secret(rig.password());
    auto client = co_await imap::Client::connect(loop.executor(), loop.context(), std::move(l));
    for (int i = 0; i < kMessages; ++i) {
      const std::string raw = message(i);
      co_await client->append("INBOX", none, raw);
    }
    co_await client->select("INBOX");
    co_await client->uid_store(imap::UidSet::one(4), imap::StoreMode::add, deleted);
    co_await client->uid_expunge(imap::UidSet::one(4));
    std::map<imap::Uid, std::string> alone;
    const imap::FetchItems items = head_items(*client);
    std::vector<imap::Uid> uids;
    for (imap::Uid uid = 1; uid <= kMessages; ++uid) {
      uids.push_back(uid);
      const auto head = co_await fetch_one(*client, uid, items);
      if (!head) continue;
      const mime::Message m = co_await fetch_text(*client, *head);
      alone[uid] = mime::to_json(m).dump();
    }
    EXPECT_EQ(alone.size(), kMessages - 1u);
    struct Case {
      std::size_t window, held, most_trips;
    };
    for (const Case c : {Case{1000, 8u << 20, 2}, Case{4, 8u << 20, 8}, Case{1000, 1, 40}}) {
      std::map<imap::Uid, std::string> many;
      const OnText on_text = [&](mime::Message&& m, const imap::MessageRow& head) {
        EXPECT_TRUE(many.emplace(head.uid, mime::to_json(m).dump()).second);
      };
      TextsOptions options;
      options.window = c.window;
      options.held = c.held;
      const TextsSummary s = co_await fetch_texts(*client, uids, on_text, options);
      EXPECT_EQ(many, alone);
      EXPECT_EQ(s.messages, alone.size());
      EXPECT_TRUE(s.unread.empty());
      EXPECT_LE(s.round_trips, c.most_trips);
      EXPECT_LT(s.bytes, 60'000u);  // none of the attachments' 190 KB
      if (c.window == 4) {
        const bool compressed = co_await client->compress();
        EXPECT_TRUE(compressed);
      }
    }
    co_await client->logout();
  });
}

}  // namespace
}  // namespace mailroom::read
