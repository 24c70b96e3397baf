// Parts and messages into blobs, from a real Dovecot.
#include "read/to_blob.hpp"

#include <gtest/gtest.h>

#include "email_fakes/fake_host.hpp"
#include "net/loop.hpp"
#include "read/reader.hpp"
#include "rig/rig.hpp"

namespace mailroom::read {
namespace {

using testing::FakeHost;
using testing::Loop;
using testing::Rig;

class ToBlobRig : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { rig = new Rig; }
  static void TearDownTestSuite() {
    delete rig;
    rig = nullptr;
  }
  net::Task<std::unique_ptr<imap::Client>> session(std::string user) {
    imap::Login l;
    l.endpoint.host = rig->host();
    l.endpoint.port = static_cast<std::uint16_t>(rig->imap_tls_port());
    l.endpoint.tls = net::TlsMode::implicit;
    l.endpoint.ca_file = rig->ca_file();
    l.credentials.user = user;
    l.credentials.password = aoh::Secret(rig->password());
    l.limits.literal = 1 << 20;  // what flows is under no limit of what is held
    co_return co_await imap::Client::connect(loop.executor(), loop.context(), std::move(l));
  }
  static Rig* rig;
  Loop loop;
  FakeHost host;
  host::Services services{host.c()};
};
Rig* ToBlobRig::rig = nullptr;

TEST_F(ToBlobRig, APartAndAMessageOfMegabytes) {
  // 3 MB of attachment: 76 characters a line are 57 bytes, "base64 of zeroes" is easy to write down.
  std::string lines;
  for (int i = 0; i < 52'632; ++i) lines += std::string(76, 'A') + "\r\n";
  const std::string raw =
      "From: a@rig.test\r\nSubject: big\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; "
      "boundary=b\r\n\r\n"
      "--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n"
      "--b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n"
      "Content-Disposition: attachment; filename*=UTF-8''Gr%C3%B6%C3%9Fe..%2F.bin\r\n\r\n" +
      lines + "--b--\r\n";
  const std::vector<std::string> none;
  loop.run([&]() -> net::Task<void> {
    auto client = co_await session("blob@rig.test");
    const imap::AppendResult put = co_await client->append("INBOX", none, raw);
    co_await client->select("INBOX", true);
    const imap::FetchItems items = head_items(*client);
    const auto head = co_await fetch_one(*client, put.uid, items);
    EXPECT_TRUE(head.has_value());
    if (!head) co_return;

    ToBlob to{services, "", 10u << 20};
    const Stored part = co_await part_to_blob(*client, *head, "2", to);
    EXPECT_EQ(part.fetched, lines.size() - 2);
    EXPECT_FALSE(part.broken);
    EXPECT_EQ(part.blob["size"].integer(), 52'632 * 57);
    const std::string id = part.blob["id"].str();
    EXPECT_TRUE(host.blobs[id] == std::string(52'632 * 57, '\0'));

    const Stored whole = co_await message_to_blob(*client, put.uid, to);
    EXPECT_TRUE(host.blobs[whole.blob["id"].str()] == raw);
    EXPECT_EQ(whole.fetched, raw.size());

    // What is refused leaves no blob, and the session is as good as before where nothing was on its way.
    const std::size_t blobs = host.blobs.size();
    to.max_bytes = 1000;
    const auto code = [&](net::Task<Stored> task) -> net::Task<Errc> {
      try {
        co_await std::move(task);
      } catch (const Failure& f) {
        co_return f.error.code;
      }
      co_return Errc::ok;
    };
    EXPECT_EQ(co_await code(part_to_blob(*client, *head, "2", to)), Errc::limit);
    EXPECT_EQ(co_await code(part_to_blob(*client, *head, "9", to)), Errc::not_found);
    EXPECT_EQ(co_await code(message_to_blob(*client, put.uid + 1, to)), Errc::not_found);
    co_await client->noop();
    EXPECT_EQ(co_await code(message_to_blob(*client, put.uid, to)), Errc::limit);
    EXPECT_EQ(host.blobs.size(), blobs);
    co_await client->logout();
  });
}

}  // namespace
}  // namespace mailroom::read
