// Who belongs to a conversation, and what of an answer is quotation.
#include "read/conversation.hpp"

#include <gtest/gtest.h>

#include "mime/parse.hpp"
#include "read/quotes.hpp"

namespace mailroom::read {
namespace {

Member mail(imap::Uid uid, const std::string& header) {
  Member m;
  m.mailbox = "INBOX";
  m.summary.message = mime::parse_headers("From: ann@x\r\nTo: bob@x\r\n" + header + "\r\n\r\n");
  m.summary.row.uid = uid;
  m.summary.row.size = 100;
  return m;
}

using Indexes = std::vector<std::size_t>;

TEST(Conversation, IdsJoinEvenWhereTheMiddleIsMissing) {
  const std::vector<Member> all = {
      mail(1, "Message-ID: <root@x>\r\nSubject: Plan"),
      mail(2, "Message-ID: <c@x>\r\nReferences: <root@x> <gone@x>\r\nSubject: Re: Plan"),
      mail(3, "Message-ID: <d@x>\r\nIn-Reply-To: <gone@x>\r\nSubject: another subject"),
      mail(4, "Message-ID: <other@x>\r\nSubject: Plan"),
  };
  EXPECT_EQ(conversation_of(all, 0), (Indexes{0, 1, 2}));
  EXPECT_EQ(conversation_of(all, 2), (Indexes{0, 1, 2}));
  EXPECT_EQ(conversation_of(all, 3), (Indexes{3}));
}

TEST(Conversation, TheSubjectJoinsOnlyAnswersOfThoseWhoAreInIt) {
  std::vector<Member> all = {mail(1, "Message-ID: <root@x>\r\nSubject: Invoice"),
                             mail(2, "Subject: Re: Invoice"), mail(3, "Subject: Invoice"),
                             mail(4, "Subject: Re: Invoice"),
                             mail(5, "Subject: AW: invoice\r\nIn-Reply-To: <elsewhere@x>")};
  all[3].summary.message.from = {{"", "mallory@evil", {}}};
  EXPECT_EQ(conversation_of(all, 0), (Indexes{0, 1}));
}

TEST(Conversation, TheServersWordCounts) {
  std::vector<Member> all = {mail(1, "Message-ID: <a@x>"), mail(2, "Message-ID: <b@x>\r\nReferences: <a@x>"),
                             mail(3, "Message-ID: <c@x>")};
  all[0].summary.row.thread_id = all[2].summary.row.thread_id = "T1";
  all[1].summary.row.thread_id = "T2";
  EXPECT_EQ(conversation_of(all, 0), (Indexes{0, 2}));
  // One that is alone with its id learns nothing from it.
  all[2].summary.row.thread_id = "T3";
  EXPECT_EQ(conversation_of(all, 0), (Indexes{0, 1}));
}

TEST(Conversation, DoublesGoAndTheOldestComesFirst) {
  std::vector<Member> all = {mail(1, "Message-ID: <b@x>\r\nDate: Sun, 01 Nov 2026 12:00:00 +0000"),
                             mail(2, "Message-ID: <a@x>\r\nDate: Sun, 01 Nov 2026 10:00:00 +0000"),
                             mail(3, "Message-ID: <b@x>\r\nDate: Sun, 01 Nov 2026 12:00:00 +0000"),
                             mail(4, "Message-ID: <b@x>\r\nDate: Sun, 01 Nov 2036 12:00:00 +0000")};
  all[3].summary.row.size = 999;             // the same id, another message
  all[3].summary.row.internal_date_s = 100;  // whatever its sender says of its date
  std::vector<imap::Uid> uids;
  for (const Member& m : in_order(all)) uids.push_back(m.summary.row.uid);
  EXPECT_EQ(uids, (std::vector<imap::Uid>{4, 2, 1}));
}

TEST(Quotes, AreFoldedWithWhoWroteThem) {
  const Folded f = fold_quotes("Yes.\n\nOn 1 Nov 2026, Ann wrote:\n> a\n> b\n>\n> c\n\nRegards\n");
  EXPECT_EQ(f.text, "Yes.\n\n[5 quoted lines]\n\nRegards\n");
  EXPECT_EQ(f.lines, 5u);
  for (const char* block : {"-----Original Message-----\nFrom: Ann\n\nold\n",
                            "-------- Ursprüngliche Nachricht --------\nVon: Ann\n",
                            "From: Ann <ann@x>\nSent: Monday\nTo: Bob\nSubject: x\n\nold\n",
                            "Von: Ann\nGesendet: Montag\nAn: Bob\nBetreff: x\n\nold\n",
                            "*From:* Ann\n*Date:* Monday\n*Subject:* x\n",
                            "发件人: Ann\n发送时间: x\n收件人: y\n主题: z\n旧\n"}) {
    const Folded o = fold_quotes("Yes.\n\n" + std::string(block), "Re: x");
    EXPECT_TRUE(o.text.starts_with("Yes.\n\n[") && o.text.ends_with("quoted lines]\n")) << block << "\n"
                                                                                        << o.text;
  }
}

TEST(Quotes, WhatIsNoneOrAllThereIsStays) {
  for (const char* text : {"Yes.\n> short\nNo.\n", "> all\n> of\n> it\n> quoted\n",
                           "From: the beginning\nSent: it was\nTo: everybody\n", "plain\n", "",
                           "Costs:\n- From: A\n- Sent: never\n", "----\n", "no newline"})
    EXPECT_EQ(fold_quotes(text).text, text);
  const std::string forwarded = "See below.\n\nFrom: Ann\nSent: Monday\nTo: Bob\nSubject: x\n\nthe point\n";
  EXPECT_EQ(fold_quotes(forwarded, "FW: x").text, forwarded);
  EXPECT_NE(fold_quotes(forwarded, "RE: x").text, forwarded);
}

}  // namespace
}  // namespace mailroom::read
