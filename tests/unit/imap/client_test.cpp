// What takes several commands of a client: plain ways where a server does not do what it announces, and
// servers that never come to an end.
#include <gtest/gtest.h>

#include "host/providers.hpp"
#include "imap/talk.hpp"

namespace mailroom::imap {
namespace {

using namespace testing;

TEST(Quirks, AreKnownByName) {
  for (const QuirkInfo& q : known_quirks()) {
    EXPECT_FALSE(q.reason.empty()) << q.name;
    const std::vector<std::string> one{std::string(q.name)};
    EXPECT_TRUE(Quirks::from(one).has(q.quirk)) << q.name;
  }
  const std::vector<std::string> unknown{"plain_lsit"};
  EXPECT_THROW(Quirks::from(unknown), Failure);
  std::size_t named = 0;
  for (const host::Preset& p : host::presets()) {
    EXPECT_NO_THROW(Quirks::from(p.quirks)) << p.name;
    named += p.quirks.size();
  }
  EXPECT_GE(named, 15u);
}

TEST(Client, AListThatIsRefusedThoughAnnouncedIsAskedPlainlyFromThenOn) {
  const Talk t =
      talk(signed_in("IMAP4rev1 LIST-EXTENDED SPECIAL-USE LIST-STATUS",
                     {C("a2 LIST \"\" \"*\" RETURN (SPECIAL-USE)"), S("a2 BAD Command Argument Error. 12"),
                      C("a3 LIST \"\" \"*\""), S("* LIST (\\Sent) \"/\" Sent"), S("a3 OK"),
                      C("a4 LIST \"\" \"*\""), S("* LIST (\\Sent) \"/\" Sent"), S("a4 OK"),
                      C("a5 STATUS Sent (MESSAGES UIDNEXT UIDVALIDITY UNSEEN)"),
                      S("* STATUS Sent (MESSAGES 3)"), S("a5 OK")}),
           [](Client& c) -> net::Task<void> {
             const auto list = co_await c.list_with_uses();
             EXPECT_EQ(list.size(), 1u);
             const auto counted = co_await c.list_with_counts();
             EXPECT_EQ(counted.size(), 1u);
             if (counted.size() != 1) co_return;
             EXPECT_EQ(counted[0].status.value_or(StatusData{}).messages, 3u);
           });
  EXPECT_FALSE(t.error) << t.error.line();
  EXPECT_EQ(t.wrong, "");
}

TEST(Client, AListThatCannotBeHadNowIsNotAskedAnotherWay) {
  const Talk t =
      talk(signed_in("IMAP4rev1 LIST-EXTENDED SPECIAL-USE",
                     {C("a2 LIST \"\" \"*\" RETURN (SPECIAL-USE)"), S("a2 NO [UNAVAILABLE] later")}),
           [](Client& c) -> net::Task<void> { co_await c.list_with_uses(); });
  EXPECT_EQ(t.error.code, Errc::temporary);
  EXPECT_EQ(t.wrong, "");
}

TEST(Client, CountsComeInOneAnswerOrOneByOne) {
  const Work counts = [](Client& c) -> net::Task<void> {
    const auto all = co_await c.list_with_counts("*", 2);
    EXPECT_EQ(all.size(), 4u);
    if (all.size() != 4) co_return;
    EXPECT_EQ(all[0].status.value_or(StatusData{}).unseen, 2u);
    EXPECT_FALSE(all[1].status) << "it cannot be selected";
    EXPECT_FALSE(all[2].status) << "it could not be looked into";
    EXPECT_FALSE(all[3].status) << "one too many";
  };
  const Talk plain = talk(
      signed_in("IMAP4rev1",
                {C("a2 LIST \"\" \"*\""), S("* LIST () \"/\" INBOX"), S("* LIST (\\Noselect) \"/\" x"),
                 S("* LIST () \"/\" y"), S("* LIST () \"/\" z"), S("a2 OK"),
                 C("a3 STATUS INBOX (MESSAGES UIDNEXT UIDVALIDITY UNSEEN)"), S("* STATUS INBOX (UNSEEN 2)"),
                 S("a3 OK"), C("a4 STATUS y (MESSAGES UIDNEXT UIDVALIDITY UNSEEN)"), S("a4 NO [NOPERM] no")}),
      counts);
  EXPECT_FALSE(plain.error) << plain.error.line();
  EXPECT_EQ(plain.wrong, "");
  const Talk at_once = talk(
      signed_in("IMAP4rev1 LIST-EXTENDED LIST-STATUS",
                {C("a2 LIST \"\" \"*\" RETURN (STATUS (MESSAGES UIDNEXT UIDVALIDITY UNSEEN))"),
                 S("* LIST () \"/\" INBOX"), S("* STATUS INBOX (UNSEEN 2)"), S("* LIST (\\Noselect) \"/\" x"),
                 S("* LIST () \"/\" y"), S("* LIST () \"/\" z"), S("a2 OK")}),
      counts);
  EXPECT_FALSE(at_once.error) << at_once.error.line();
  EXPECT_EQ(at_once.wrong, "");
}

// Quirks plain_search and unsorted_results.
TEST(Client, ASearchThatIsNotUnderstoodIsAskedPlainlyFromThenOn) {
  const Work twice = [](Client& c) -> net::Task<void> {
    for (int i = 0; i < 2; ++i) {
      const std::vector<Uid> found = co_await c.uid_search(Criteria().seen());
      EXPECT_EQ(found, (std::vector<Uid>{3, 7, 20}));
    }
  };
  const Talk learnt =
      talk(signed_in("IMAP4rev1 ESEARCH",
                     {C("a2 UID SEARCH RETURN (ALL) SEEN"), S("a2 BAD UID SEARCH invalid argument"),
                      C("a3 UID SEARCH SEEN"), S("* SEARCH 20 3 7 3"), S("a3 OK"), C("a4 UID SEARCH SEEN"),
                      S("* SEARCH 7 20"), S("* SEARCH 3"), S("a4 OK")}),
           twice);
  EXPECT_FALSE(learnt.error) << learnt.error.line();
  EXPECT_EQ(learnt.wrong, "");
  Login known;
  known.quirks.add(Quirk::plain_search);
  const Talk from_the_start =
      talk(signed_in("IMAP4rev1 ESEARCH", {C("a2 UID SEARCH SEEN"), S("* SEARCH 20 3 7"), S("a2 OK"),
                                           C("a3 UID SEARCH SEEN"), S("* SEARCH 7 20 3"), S("a3 OK")}),
           twice, std::move(known));
  EXPECT_FALSE(from_the_start.error) << from_the_start.error.line();
  EXPECT_EQ(from_the_start.wrong, "");
  const Talk refused = talk(signed_in("IMAP4rev1", {C("a2 UID SEARCH SEEN"), S("a2 BAD no")}), twice);
  EXPECT_EQ(refused.error.code, Errc::refused) << "there is no plainer form";
}

TEST(Client, Rev2NamesAndSearches) {
  const Talk t =
      talk(signed_in("IMAP4rev1 IMAP4rev2 ENABLE UTF8=ACCEPT LITERAL+",
                     {C("a2 ENABLE IMAP4rev2 UTF8=ACCEPT"), S("* ENABLED IMAP4rev2 UTF8=ACCEPT"), S("a2 OK"),
                      C("a3 SELECT \"Entwürfe\""), S("* 3 EXISTS"), S("* OK [UIDVALIDITY 1] x"),
                      S("* LIST () \"/\" \"Entwürfe\""), S("a3 OK [READ-WRITE] x"),
                      Craw("a4 UID SEARCH RETURN (ALL) SUBJECT {5+}\r\ngrün\r\n"),
                      S("* ESEARCH (TAG \"a4\") UID ALL 2:3"), S("a4 OK")}),
           [](Client& c) -> net::Task<void> {
             const MailboxState box = co_await c.select("Entwürfe");
             EXPECT_EQ(box.exists, 3u);  // and no RECENT
             const std::vector<Uid> found = co_await c.uid_search(Criteria().subject("grün"));
             EXPECT_EQ(found, (std::vector<Uid>{2, 3}));
           });
  EXPECT_FALSE(t.error) << t.error.line();
  EXPECT_EQ(t.wrong, "");
}

// Quirk stale_uid_next.
TEST(Client, AStaleUidNextIsNone) {
  Login login;
  login.quirks.add(Quirk::stale_uid_next);
  const Talk t = talk(
      signed_in("IMAP4rev1", {C("a2 SELECT INBOX"), S("* OK [UIDNEXT 7] x"), S("a2 OK"),
                              C("a3 STATUS Sent (MESSAGES UIDNEXT UIDVALIDITY UNSEEN)"),
                              S("* STATUS Sent (MESSAGES 1 UIDNEXT 9)"), S("a3 OK")}),
      [](Client& c) -> net::Task<void> {
        const MailboxState box = co_await c.select("INBOX");
        EXPECT_FALSE(box.uid_next);
        const StatusData status = co_await c.status("Sent");
        EXPECT_EQ(status.messages, 1u);
        EXPECT_FALSE(status.uid_next);
      },
      std::move(login));
  EXPECT_FALSE(t.error) << t.error.line();
}

/// Says `text` again and again, `pause_ms` apart.
std::function<void(int)> babble(std::string text, int pause_ms) {
  return [text = std::move(text), pause_ms](int peer) {
    while (::send(peer, text.data(), text.size(), MSG_NOSIGNAL) > 0)
      std::this_thread::sleep_for(std::chrono::milliseconds(pause_ms));
  };
}

TEST(Client, WhatHasChangedIsToldInThreeWays) {
  const auto since_then = [](std::uint64_t modseq, const char* changed, const char* vanished,
                             bool renumbered = false) -> Work {
    return [=](Client& c) -> net::Task<void> {
      Known known;
      known.uid_validity = 7;
      known.modseq = modseq;
      known.uids = UidSet::parse("1:5");
      Since since;
      const MailboxState box = co_await c.select("INBOX", true, known, since);
      EXPECT_EQ(box.exists, 3u);
      EXPECT_EQ(since.renumbered, renumbered);
      EXPECT_EQ(since.vanished.text(), vanished);
      std::string uids;
      for (const MessageRow& row : since.changed) uids += std::to_string(row.uid) + " ";
      EXPECT_EQ(uids, changed);
    };
  };
  const std::vector<Line> opened = {S("* 3 EXISTS"), S("* OK [UIDVALIDITY 7] x"),
                                    S("* OK [HIGHESTMODSEQ 90] x")};
  const auto with = [&](std::vector<Line> first, std::vector<Line> rest) {
    first.insert(first.end(), opened.begin(), opened.end());
    first.insert(first.end(), rest.begin(), rest.end());
    return first;
  };
  Login resync;
  resync.resync = true;
  const std::string caps = "IMAP4rev1 ENABLE CONDSTORE QRESYNC";
  const Talk at_once =
      talk(signed_in(caps, with({C("a2 ENABLE CONDSTORE QRESYNC"), S("* ENABLED CONDSTORE QRESYNC"),
                                 S("a2 OK"), C("a3 EXAMINE INBOX (QRESYNC (7 80 1:5))")},
                                {S("* VANISHED (EARLIER) 2:3"), S("* 1 FETCH (UID 1 FLAGS () MODSEQ (85))"),
                                 S("a3 OK")})),
           since_then(80, "1 ", "2:3"), std::move(resync));
  EXPECT_FALSE(at_once.error) << at_once.error.line();
  EXPECT_EQ(at_once.wrong, "");
  const Talk condstore = talk(
      signed_in("IMAP4rev1 CONDSTORE", with({C("a2 EXAMINE INBOX (CONDSTORE)")},
                                            {S("a2 OK"), C("a3 UID FETCH 1:5 (UID FLAGS) (CHANGEDSINCE 80)"),
                                             S("* 1 FETCH (UID 1 FLAGS () MODSEQ (85))"), S("a3 OK"),
                                             C("a4 UID SEARCH UID 1:5"), S("* SEARCH 1 4 5"), S("a4 OK")})),
      since_then(80, "1 ", "2:3"));
  EXPECT_FALSE(condstore.error) << condstore.error.line();
  EXPECT_EQ(condstore.wrong, "");
  const Talk plain =
      talk(signed_in("IMAP4rev1",
                     with({C("a2 EXAMINE INBOX")},
                          {S("a2 OK"), C("a3 UID FETCH 1:5 (UID FLAGS)"), S("* 1 FETCH (UID 1 FLAGS ())"),
                           S("* 2 FETCH (UID 4 FLAGS ())"), S("* 3 FETCH (UID 5 FLAGS ())"), S("a3 OK")})),
           since_then(80, "1 4 5 ", "2:3"));
  EXPECT_FALSE(plain.error) << plain.error.line();
  EXPECT_EQ(plain.wrong, "");
  const Talk renumbered = talk(signed_in("IMAP4rev1", {C("a2 EXAMINE INBOX"), S("* 3 EXISTS"),
                                                       S("* OK [UIDVALIDITY 8] x"), S("a2 OK")}),
                               since_then(80, "", "", true));
  EXPECT_FALSE(renumbered.error) << renumbered.error.line();
  EXPECT_EQ(renumbered.wrong, "");
}

TEST(Client, NewsOfOtherMailboxes) {
  const Talk t =
      talk(signed_in("IMAP4rev1 IDLE NOTIFY",
                     {C("a2 NOTIFY SET STATUS (selected (MessageNew MessageExpunge FlagChange)) (mailboxes "
                        "(Lists INBOX) (MessageNew MessageExpunge))"),
                      S("* STATUS Lists (MESSAGES 5)"), S("* STATUS INBOX (MESSAGES 1)"), S("a2 OK"),
                      C("a3 IDLE"), S("+"), S("* STATUS Lists (MESSAGES 6)"), C("DONE"), S("a3 OK")}),
           [](Client& c) -> net::Task<void> {
             NotifyRequest request;
             request.mailboxes = {"Lists", "INBOX"};
             request.status_now = true;
             const auto now = co_await c.notify(request);
             EXPECT_EQ(now.at("Lists").messages, 5u);
             const IdleResult news = co_await c.idle(INT64_MAX);
             EXPECT_EQ(news.others.at("Lists").messages, 6u);
           });
  EXPECT_FALSE(t.error) << t.error.line();
  EXPECT_EQ(t.wrong, "");
  const Talk without =
      talk(signed_in("IMAP4rev1", {}), [](Client& c) -> net::Task<void> { co_await c.notify({}); });
  EXPECT_EQ(without.error.code, Errc::unsupported);
}

Login impatient() {
  Login login;
  login.timeouts.opening = login.timeouts.whole = login.timeouts.transfer = std::chrono::milliseconds(300);
  login.timeouts.idle_done = std::chrono::milliseconds(150);
  return login;
}

TEST(Client, AServerThatDripsOrFloodsHoldsNoCommandForEver) {
  const std::string line = "* OK still working\r\n";
  const Work noop = [](Client& c) -> net::Task<void> { co_await c.noop(); };
  const Work fetch = [](Client& c) -> net::Task<void> {
    const UidSet all = UidSet::from(1);
    const FetchItems items;
    const OnRow none = [](MessageRow&&) {};
    co_await c.uid_fetch(all, items, none);
  };
  const Work append = [](Client& c) -> net::Task<void> {
    const std::vector<std::string> flags;
    co_await c.append("INBOX", flags, "a\r\n");
  };
  const Work idle = [](Client& c) -> net::Task<void> { co_await c.idle(0); };
  for (const int pause_ms : {20, 0}) {
    // In the opening, in a plain command, in those that move much, and behind DONE.
    EXPECT_EQ(talk({S("* OK [CAPABILITY IMAP4rev1] hi"), C("a1 LOGIN \"tim\" \"pw\"")}, noop, impatient(),
                   babble(line, pause_ms))
                  .error.code,
              Errc::timeout);
    EXPECT_EQ(
        talk(signed_in("IMAP4rev1", {C("a2 NOOP")}), noop, impatient(), babble(line, pause_ms)).error.code,
        Errc::timeout);
    EXPECT_EQ(talk(signed_in("IMAP4rev1", {C("a2 UID FETCH 1:* (UID FLAGS)")}), fetch, impatient(),
                   babble("* 1 FETCH (UID 1 FLAGS ())\r\n", pause_ms))
                  .error.code,
              Errc::timeout);
    EXPECT_EQ(talk(signed_in("IMAP4rev1", {Craw("a2 APPEND INBOX {3}\r\n")}), append, impatient(),
                   babble(line, pause_ms))
                  .error.code,
              Errc::timeout);
    EXPECT_EQ(talk(signed_in("IMAP4rev1 IDLE", {C("a2 IDLE"), S("+ idling"), C("DONE")}), idle, impatient(),
                   babble(line, pause_ms))
                  .error.code,
              Errc::timeout);
  }
}

}  // namespace
}  // namespace mailroom::imap
