// Which messages make one conversation, and how they are found.
//
// The server's word (THREADID, X-GM-THRID) counts, where it joins the message to any other. Without it
// messages belong together by the ids in Message-ID, References and In-Reply-To; one that names nobody
// belongs to a conversation only as an answer
// ("Re: ...") with its subject, between people who are in it. What THREAD or a search for the subject finds
// is no more than a candidate: a stranger's mail with the same subject stays out.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "read/rows.hpp"

namespace mailroom::read {

struct Member {
  std::string mailbox;
  std::uint32_t uid_validity = 0;
  Summary summary;
};

/// Those of `all` that belong to the conversation of all[seed], itself among them; ascending. Pure.
std::vector<std::size_t> conversation_of(const std::vector<Member>& all, std::size_t seed);
/// Without messages that are there twice (the same EMAILID or X-GM-MSGID, or Message-ID and size): the first
/// stays. Oldest first, by the sender's date, but never later than they arrived. Pure.
std::vector<Member> in_order(std::vector<Member> members);

struct Conversation {
  std::vector<Member> members;        // in order
  std::vector<std::string> searched;  ///< mailboxes
  std::vector<std::pair<imap::Uid, Error>> unreadable;
  bool cut = false;  ///< a limit left some out: 300 messages looked at in each mailbox
};

/// The conversation of a message, among the mailbox that it lies in, INBOX and the one for sent mail (on
/// Gmail, where one holds all, that one). `seed` was fetched with summary_items().
net::Task<Conversation> find_conversation(imap::Client& client, Member seed);

}  // namespace mailroom::read
