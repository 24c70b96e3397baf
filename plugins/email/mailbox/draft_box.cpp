#include "mailbox/draft_box.hpp"

namespace mailroom::mailbox {

net::Task<Place> append_draft(imap::Client& client, std::string mailbox, const std::string& bytes,
                              std::string message_id, bool again) {
  Place place;
  place.mailbox = mailbox;
  if (again) {
    const std::vector<imap::Uid> there = co_await find_by_message_id(client, mailbox, message_id);
    if (!there.empty()) {
      place.uid_validity = client.mailbox().uid_validity;
      place.uid = there.back();
      co_return place;
    }
  }
  const std::vector<std::string> flags{"\\Draft", "\\Seen"};
  const imap::AppendResult put = co_await client.append(mailbox, flags, bytes);
  place.uid_validity = put.uid_validity;
  place.uid = put.uid;
  if (place.uid == 0) {
    const std::vector<imap::Uid> there = co_await find_by_message_id(client, mailbox, message_id);
    place.uid_validity = client.mailbox().uid_validity;
    if (!there.empty()) place.uid = there.back();
  }
  co_return place;
}

net::Task<void> check_still_there(imap::Client& client, Place place) {
  co_await open_at(client, place, true);
  const bool there = co_await exists(client, place.uid);
  if (!there)
    throw Failure(Errc::state, "the draft with UID " + std::to_string(place.uid) + " is not there any more",
                  printable(place.mailbox, 200),
                  "It was changed, sent or discarded elsewhere: list the drafts, and take the newest");
}

}  // namespace mailroom::mailbox
