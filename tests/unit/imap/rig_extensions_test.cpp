// Extensions that Dovecot 2.3 and Cyrus 3.6 have: LIST-STATUS, QRESYNC, BINARY, ESEARCH; NOTIFY of the one,
// OBJECTID of the other. What neither has is shown on written dialogues.
#include <gtest/gtest.h>

#include <thread>

#include "imap/rig_fixture.hpp"

namespace mailroom::imap {
namespace {

using Extensions = ImapRig;

const std::string kMessage = "Subject: x\r\n\r\nHello.\r\n";

TEST_F(Extensions, CountsOfAllMailboxesComeInOneCommand) {
  loop.run([&]() -> net::Task<void> {
    auto client =
        co_await Client::connect(loop.executor(), loop.context(), login("counts@rig.test"), tracer());
    const std::vector<std::string> none;
    co_await client->create("Größe & Maß");
    co_await client->append("Größe & Maß", none, kMessage);
    trace.clear();
    const std::vector<Counted> all = co_await client->list_with_counts();
    std::size_t counted = 0;
    for (const Counted& c : all) {
      counted += c.status.has_value();
      if (c.entry.name == "Größe & Maß") {
        EXPECT_EQ(c.status.value_or(StatusData{}).messages, 1u);
      }
      if (c.entry.name == "Drafts") {
        EXPECT_TRUE(c.entry.has("\\Drafts"));
      }
    }
    EXPECT_GE(counted, 3u);
    EXPECT_NE(trace.find("C: a4 LIST"), std::string::npos) << trace;
    EXPECT_EQ(trace.find("C: a5"), std::string::npos) << trace;
    co_await client->logout();
  });
}

TEST_F(Extensions, WhatHasChangedIsToldByTheSelect) {
  const auto mine = [&](bool resync) {
    Login l = login("resync@rig.test");
    l.resync = resync;
    return l;
  };
  const std::vector<std::string> none, seen{"\\Seen"}, deleted{"\\Deleted"};
  Known known;
  loop.run([&]() -> net::Task<void> {
    auto client = co_await Client::connect(loop.executor(), loop.context(), mine(false), tracer());
    for (int i = 0; i < 5; ++i) co_await client->append("INBOX", none, kMessage);
    const Known nothing;
    Since unused;
    const MailboxState box = co_await client->select("INBOX", false, nothing, unused);
    known.uid_validity = box.uid_validity;
    known.modseq = box.highest_modseq.value_or(0);
    known.uids = UidSet::range(1, 5);
    EXPECT_NE(known.modseq, 0u);
    const UidSet two = UidSet::one(2), gone = UidSet::range(4, 5);
    co_await client->uid_store(two, StoreMode::add, seen);
    co_await client->uid_store(gone, StoreMode::add, deleted);
    co_await client->uid_expunge(gone);
    co_await client->logout();
  });
  for (const bool resync : {true, false}) {
    trace.clear();
    loop.run([&]() -> net::Task<void> {
      auto client = co_await Client::connect(loop.executor(), loop.context(), mine(resync), tracer());
      Since since;
      const MailboxState box = co_await client->select("INBOX", true, known, since);
      EXPECT_EQ(box.exists, 3u);
      EXPECT_FALSE(since.renumbered);
      EXPECT_EQ(since.vanished.text(), "4:5") << trace;
      EXPECT_EQ(since.changed.size(), 1u) << trace;
      for (const MessageRow& row : since.changed) EXPECT_EQ(row.uid, 2u);
      Known other = known;
      ++other.uid_validity;
      co_await client->select("INBOX", true, other, since);
      EXPECT_TRUE(since.renumbered);
      co_await client->logout();
    });
    EXPECT_EQ(trace.find("QRESYNC (") != std::string::npos, resync) << trace;
  }
}

TEST_F(Extensions, APartComesWithoutItsEncoding) {
  const std::vector<std::string> none;
  loop.run([&]() -> net::Task<void> {
    auto client =
        co_await Client::connect(loop.executor(), loop.context(), login("binary@rig.test"), tracer());
    co_await client->append("INBOX", none,
                            "MIME-Version: 1.0\r\nContent-Type: application/octet-stream\r\n"
                            "Content-Transfer-Encoding: base64\r\n\r\nAAECAw==\r\n");
    co_await client->append("INBOX", none,
                            "MIME-Version: 1.0\r\nContent-Type: application/octet-stream\r\n"
                            "Content-Transfer-Encoding: x-unheard-of\r\n\r\nabc\r\n");
    co_await client->select("INBOX", true);
    FetchItems items;
    items.sections = {{"1", std::nullopt, 0, true}};
    std::map<Uid, Section> came;
    const OnRow on_row = [&](MessageRow&& row) {
      EXPECT_FALSE(row.error) << row.error.line();
      if (const Section* s = row.section("1")) came[row.uid] = *s;
    };
    const UidSet both = UidSet::range(1, 2);
    co_await client->uid_fetch(both, items, on_row);
    EXPECT_TRUE(came[1].decoded) << trace;
    EXPECT_EQ(came[1].bytes, std::string("\0\1\2\3", 4));
    EXPECT_FALSE(came[2].decoded) << "an encoding that the server does not know comes as it is";
    EXPECT_EQ(came[2].bytes, "abc\r\n") << trace;
    co_await client->logout();
  });
}

net::Task<Errc> notify_refused(Client& client, const NotifyRequest& request) {
  try {
    co_await client.notify(request);
  } catch (const Failure& f) {
    co_return f.error.code;
  }
  co_return Errc{};
}

TEST_F(Extensions, NewsOfAnotherMailboxEndTheIdle) {
  const std::vector<std::string> none;
  loop.run([&]() -> net::Task<void> {
    auto client =
        co_await Client::connect(loop.executor(), loop.context(), login("notify@rig.test"), tracer());
    auto other = co_await Client::connect(loop.executor(), loop.context(), login("notify@rig.test"));
    co_await client->create("Lists");
    co_await client->select("INBOX", true);
    NotifyRequest request;
    request.mailboxes = {"Lists"};
    request.status_now = true;
    if (rig->cyrus()) {  // which does not have it: nothing is sent, and the session goes on
      const Errc refused = co_await notify_refused(*client, request);
      EXPECT_EQ(refused, Errc::unsupported);
      co_await client->logout();
      co_await other->logout();
      co_return;
    }
    const auto now = co_await client->notify(request);
    EXPECT_EQ(now.count("Lists"), 1u) << trace;
    co_await other->append("Lists", none, kMessage);
    const IdleResult news = co_await client->idle(net::after(loop.clock.now_ns(), std::chrono::seconds(20)));
    EXPECT_EQ(news.others.count("Lists"), 1u) << trace;
    EXPECT_FALSE(news.deadline);
    EXPECT_FALSE(news.exists);
    co_await other->logout();
    co_await client->logout();
  });
}

}  // namespace
}  // namespace mailroom::imap
