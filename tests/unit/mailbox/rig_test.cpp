// Drafts and Sent copies on a real Dovecot.
#include <gtest/gtest.h>

#include "mailbox/draft_box.hpp"
#include "mailbox/sent.hpp"
#include "net/loop.hpp"
#include "read/part.hpp"
#include "read/reader.hpp"
#include "rig/rig.hpp"

namespace mailroom::mailbox {
namespace {

using testing::Loop;
using testing::Rig;

class Mailboxes : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { rig = new Rig; }
  static void TearDownTestSuite() {
    delete rig;
    rig = nullptr;
  }
  net::Task<std::unique_ptr<imap::Client>> session(std::string user, std::string host = {}) {
    imap::Login l;
    l.endpoint.host = host.empty() ? rig->host() : host;
    l.endpoint.port = static_cast<std::uint16_t>(rig->imap_tls_port());
    l.endpoint.tls = net::TlsMode::implicit;
    l.endpoint.ca_file = rig->ca_file();
    l.credentials.user = user;
    l.credentials.password = aoh::Secret(rig->password());
    co_return co_await imap::Client::connect(loop.executor(), loop.context(), std::move(l));
  }
  static std::string message(const std::string& id) {
    return "From: a@rig.test\r\nSubject: x\r\nMessage-ID: <" + id + ">\r\n\r\nhello\r\n";
  }
  static Rig* rig;
  Loop loop;
};
Rig* Mailboxes::rig = nullptr;

TEST_F(Mailboxes, TheSentCopyIsThereOnceHoweverOftenItIsTried) {
  loop.run([&]() -> net::Task<void> {
    auto client = co_await session("sent@rig.test");
    const std::string bytes = message("once@rig.test");
    const SentCopy first = co_await append_sent(*client, bytes, "once@rig.test", 1'700'000'000, false);
    EXPECT_FALSE(first.found);
    EXPECT_EQ(first.place.mailbox, "Sent");
    EXPECT_NE(first.place.uid, 0u);
    const SentCopy second = co_await append_sent(*client, bytes, "once@rig.test", std::nullopt, true);
    EXPECT_TRUE(second.found);
    EXPECT_EQ(second.place.uid, first.place.uid);
    // SEARCH finds parts of an id; another message's id that contains it is not taken for it.
    const std::string longer = message("not-once@rig.test");
    const SentCopy other = co_await append_sent(*client, longer, "not-once@rig.test", std::nullopt, true);
    EXPECT_FALSE(other.found);
    const auto found = co_await find_by_message_id(*client, "Sent", "once@rig.test");
    EXPECT_EQ(found, std::vector<imap::Uid>{first.place.uid});
    EXPECT_EQ((co_await client->select("Sent", true)).exists, 2u);
    std::string date;
    std::vector<std::string> flags;
    imap::FetchItems items;
    items.internal_date = true;
    const auto row = co_await read::fetch_one(*client, first.place.uid, items);
    EXPECT_TRUE(row.has_value());
    if (row) {
      EXPECT_EQ(row->internal_date_s, 1'700'000'000);
      EXPECT_EQ(std::count(row->flags->begin(), row->flags->end(), "\\Seen"), 1);
    }
    co_await client->logout();
  });
}

TEST_F(Mailboxes, OneDraftIsRemovedAndWhatOthersMarkedStays) {
  loop.run([&]() -> net::Task<void> {
    auto client = co_await session("drafts@rig.test");
    const std::string drafts = co_await special_mailbox(*client, imap::Use::drafts);
    EXPECT_EQ(drafts, "Drafts");
    const std::string one = message("1@rig.test"), two = message("2@rig.test");
    const Place a = co_await append_draft(*client, drafts, one, "1@rig.test", false);
    const Place again = co_await append_draft(*client, drafts, one, "1@rig.test", true);
    EXPECT_EQ(again.uid, a.uid);
    const Place b = co_await append_draft(*client, drafts, two, "2@rig.test", false);
    co_await client->select(drafts);
    const imap::UidSet marked = imap::UidSet::one(b.uid);
    const std::vector<std::string> deleted{"\\Deleted"};
    co_await client->uid_store(marked, imap::StoreMode::add, deleted);
    EXPECT_EQ(co_await remove_message(*client, a), Removal::removed);
    EXPECT_EQ(co_await remove_message(*client, a), Removal::gone);
    EXPECT_EQ((co_await client->select(drafts)).exists, 1u) << "what somebody else marked is still there";
    Place wrong = b;
    wrong.uid_validity += 1;
    Errc code = Errc::ok;
    try {
      co_await remove_message(*client, wrong);
    } catch (const Failure& f) {
      code = f.error.code;
    }
    EXPECT_EQ(code, Errc::state);
    code = Errc::ok;
    try {
      co_await check_still_there(*client, b);  // marked \Deleted
    } catch (const Failure& f) {
      code = f.error.code;
    }
    EXPECT_EQ(code, Errc::state);
    co_await client->logout();
  });
}

TEST_F(Mailboxes, WithoutUidplusAMessageIsOnlyMarked) {
  loop.run([&]() -> net::Task<void> {
    auto client = co_await session("noplus@rig.test", rig->info["no_idle_host"].str());
    EXPECT_FALSE(client->can_expunge_alone());
    const std::string bytes = message("1@rig.test");
    const Place a = co_await append_draft(*client, "Drafts", bytes, "1@rig.test", false);
    EXPECT_EQ(co_await remove_message(*client, a), Removal::marked);
    EXPECT_EQ((co_await client->select("Drafts", true)).exists, 1u);
    EXPECT_FALSE(co_await exists(*client, a.uid));
    const auto found = co_await find_by_message_id(*client, "Drafts", "1@rig.test");
    EXPECT_TRUE(found.empty()) << "marked as deleted is as good as gone";
    co_await client->logout();
  });
}

TEST_F(Mailboxes, OnlyDraftsAndSentAreMade) {
  loop.run([&]() -> net::Task<void> {
    auto client = co_await session("made@rig.test");
    EXPECT_FALSE((co_await find_mailbox(*client, imap::Use::trash)).has_value());
    Errc code = Errc::ok;
    try {
      co_await special_mailbox(*client, imap::Use::trash);
    } catch (const Failure& f) {
      code = f.error.code;
    }
    EXPECT_EQ(code, Errc::not_found);
    co_await client->create("Papierkorb");
    EXPECT_EQ((co_await find_mailbox(*client, imap::Use::trash)).value_or(""), "Papierkorb");
    co_await client->logout();
  });
}

}  // namespace
}  // namespace mailroom::mailbox
