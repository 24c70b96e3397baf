// The IMAP client against Dovecot.
#include <gtest/gtest.h>

#include <thread>

#include "imap/rig_fixture.hpp"

namespace mailroom::imap {
namespace {

TEST_F(ImapRig, ReadsAMessageOverImplicitTls) {
  const auto ids = rig->deliver({.to = "read@rig.test", .subject = "Quote 17", .body = "Forty two.\n"});
  rig->maildir("read@rig.test", 1);
  const std::map<std::string, std::string> own{{"name", "mailroom"}};
  loop.run([&]() -> net::Task<void> {
    auto client = co_await Client::connect(loop.executor(), loop.context(), login("read@rig.test"), tracer());
    EXPECT_TRUE(client->can_idle());
    const auto server = co_await client->id(own);
    EXPECT_EQ(server.count("name"), 1u);
    const MailboxState box = co_await client->select("INBOX", true);
    EXPECT_EQ(box.exists, 1u);
    EXPECT_NE(box.uid_validity, 0u);
    EXPECT_TRUE(box.uid_next.has_value());
    EXPECT_TRUE(box.read_only);
    EXPECT_EQ(box.name, "INBOX");

    const std::vector<Uid> found = co_await client->uid_search(Criteria().subject("Quote 17").seen(false));
    EXPECT_EQ(found.size(), 1u);
    if (found.size() != 1) co_return;
    const auto none = co_await client->uid_search(Criteria().subject("größer \"quoted\" \\"));
    EXPECT_TRUE(none.empty());

    FetchItems items;
    items.size = items.internal_date = items.structure = true;
    items.sections.emplace_back();
    std::vector<MessageRow> rows;
    co_await client->uid_fetch(UidSet::from(1), items,
                               [&](MessageRow&& row) { rows.push_back(std::move(row)); });
    EXPECT_EQ(rows.size(), 1u);
    if (rows.size() != 1) co_return;
    EXPECT_FALSE(rows[0].error) << rows[0].error.line();
    EXPECT_EQ(rows[0].uid, found[0]);
    const Section* whole = rows[0].section("");
    EXPECT_NE(whole, nullptr);
    if (whole == nullptr) co_return;
    EXPECT_EQ(whole->bytes.size(), rows[0].size.value_or(0));
    EXPECT_NE(whole->bytes.find("Forty two.\r\n"), std::string::npos);
    EXPECT_NE(whole->bytes.find(ids[0]), std::string::npos);
    EXPECT_TRUE(rows[0].internal_date_s.has_value()) << rows[0].internal_date;
    EXPECT_TRUE(rows[0].structure.has_value());
    if (rows[0].structure) {
      EXPECT_EQ(rows[0].structure->number, "1");
      EXPECT_EQ(rows[0].structure->type, "text");
    }
    co_await client->logout();
  });
  EXPECT_EQ(trace.find(rig->password()), std::string::npos);
  EXPECT_NE(trace.find("C: [withheld]"), std::string::npos) << trace;
  EXPECT_NE(trace.find("S: ["), std::string::npos) << trace;  // the literal's size
  EXPECT_EQ(trace.find("Forty two"), std::string::npos);
}

TEST_F(ImapRig, UpgradesByStartTls) {
  loop.run([&]() -> net::Task<void> {
    auto client = co_await Client::connect(loop.executor(), loop.context(),
                                           login("s@rig.test", net::TlsMode::starttls), tracer());
    EXPECT_FALSE(client->capabilities().has("STARTTLS"));  // told anew after the handshake
    EXPECT_EQ((co_await client->select("inbox")).exists, 0u);
    co_await client->noop();
    co_await client->logout();
  });
  EXPECT_NE(trace.find("C: a1 STARTTLS"), std::string::npos) << trace;
}

TEST_F(ImapRig, IdleWakesForAMessageAndForAnInterrupt) {
  loop.run([&]() -> net::Task<void> {
    auto client = co_await Client::connect(loop.executor(), loop.context(), login("idle@rig.test"), tracer());
    co_await client->select("INBOX");
    std::thread sender([] { rig->deliver({.to = "idle@rig.test"}); });
    IdleResult r = co_await client->idle(net::after(loop.clock.now_ns(), std::chrono::seconds(20)));
    sender.join();
    EXPECT_TRUE(r.exists);
    EXPECT_EQ(r.exists_count, 1u);
    EXPECT_FALSE(r.deadline);

    r = co_await client->idle(net::after(loop.clock.now_ns(), std::chrono::milliseconds(300)));
    EXPECT_TRUE(r.deadline);
    EXPECT_FALSE(r.exists);

    std::thread poker([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
      client->interrupt();
    });
    r = co_await client->idle(INT64_MAX);
    poker.join();
    EXPECT_TRUE(r.interrupted);
    co_await client->noop();  // the session is as good as before

    std::thread aborter([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
      client->abort();
    });
    Error e;
    try {
      co_await client->idle(INT64_MAX);
    } catch (const Failure& f) {
      e = f.error;
    }
    aborter.join();
    EXPECT_EQ(e.code, Errc::cancelled) << e.line();
  });
}

TEST_F(ImapRig, ListsStoresAppendsAndAsksForStatus) {
  const std::vector<std::string> flagged{"\\Flagged"}, handled{"\\Seen", "$Handled"};
  loop.run([&]() -> net::Task<void> {
    auto client = co_await Client::connect(loop.executor(), loop.context(), login("box@rig.test"), tracer());
    const std::vector<ListEntry> boxes = co_await client->list();
    EXPECT_TRUE(
        std::any_of(boxes.begin(), boxes.end(), [](const ListEntry& e) { return e.name == "INBOX"; }));
    EXPECT_TRUE(
        std::any_of(boxes.begin(), boxes.end(), [](const ListEntry& e) { return e.has("\\drafts"); }));
    const AppendResult put = co_await client->append(
        "INBOX", flagged, "Subject: draft\r\n\r\n" + std::string(200'000, 'x') + "\r\n");
    EXPECT_NE(put.uid, 0u);
    const StatusData status = co_await client->status("INBOX");
    EXPECT_EQ(status.messages, 1u);
    EXPECT_EQ(status.uid_validity, put.uid_validity);
    co_await client->select("INBOX");
    co_await client->uid_store(UidSet::one(put.uid), StoreMode::add, handled);
    std::vector<std::string> flags;
    co_await client->uid_fetch(UidSet::one(put.uid), {},
                               [&](MessageRow&& row) { flags = row.flags.value_or(flags); });
    EXPECT_EQ(std::count(flags.begin(), flags.end(), "$Handled"), 1);
    Error e;
    try {
      co_await client->select("Größe & Maß/nope");
    } catch (const Failure& f) {
      e = f.error;
    }
    EXPECT_EQ(e.code, Errc::not_found) << e.line();
    EXPECT_TRUE(client->mailbox().name.empty());
    co_await client->noop();
    co_await client->logout();
  });
}

TEST_F(ImapRig, SaysWhatIsWrong) {
  const auto connect = [&](Login l) {
    auto held = std::make_shared<Login>(std::move(l));
    return failure([this, held]() -> net::Task<void> {
      co_await Client::connect(loop.executor(), loop.context(), std::move(*held), tracer());
    });
  };
  Login wrong = login("w@rig.test");
  wrong.credentials.password = aoh::Secret("not-the-password");
  const Error auth = connect(std::move(wrong));
  EXPECT_EQ(auth.code, Errc::auth) << auth.line();
  EXPECT_FALSE(auth.cure.empty());
  EXPECT_EQ(auth.line().find("not-the-password"), std::string::npos);

  Login untrusted = login("w@rig.test");
  untrusted.endpoint.host = rig->untrusted_host();
  const Error chain = connect(std::move(untrusted));
  EXPECT_EQ(chain.code, Errc::certificate);
  EXPECT_NE(chain.what.find("not trusted"), std::string::npos) << chain.line();

  Login other = login("w@rig.test");
  other.endpoint.host = rig->wrong_name_host();
  const Error host = connect(std::move(other));
  EXPECT_EQ(host.code, Errc::certificate);
  EXPECT_NE(host.what.find("another host"), std::string::npos) << host.line();

  Login plain = login("w@rig.test", net::TlsMode::starttls);
  plain.endpoint.tls = net::TlsMode::implicit;
  const Error tls = connect(std::move(plain));
  EXPECT_EQ(tls.code, Errc::tls) << tls.line();
  EXPECT_NE(tls.cure.find("TLS port"), std::string::npos) << tls.line();
}

}  // namespace
}  // namespace mailroom::imap
