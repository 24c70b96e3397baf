#include "mailbox/sent.hpp"

namespace mailroom::mailbox {

net::Task<SentCopy> append_sent(imap::Client& client, const std::string& bytes, std::string message_id,
                                std::optional<std::int64_t> sent_unix_seconds, bool maybe_done) {
  SentCopy copy;
  copy.place.mailbox = co_await special_mailbox(client, imap::Use::sent);
  if (maybe_done) {
    const std::vector<imap::Uid> there = co_await find_by_message_id(client, copy.place.mailbox, message_id);
    if (!there.empty()) {
      copy.found = true;
      copy.place.uid = there.back();
      copy.place.uid_validity = client.mailbox().uid_validity;
      co_return copy;
    }
  }
  const std::vector<std::string> flags{"\\Seen"};
  const imap::AppendResult put = co_await client.append(copy.place.mailbox, flags, bytes, sent_unix_seconds);
  copy.place.uid = put.uid;
  copy.place.uid_validity = put.uid_validity;
  co_return copy;
}

}  // namespace mailroom::mailbox
