// The text of many messages, in few round trips and without their attachments.
#pragma once
#include <cstdint>
#include <functional>
#include <vector>

#include "imap/client.hpp"
#include "mime/message.hpp"
#include "read/part_plan.hpp"

namespace mailroom::read {

struct TextsOptions {
  std::size_t window = 250;     ///< messages whose heads are held at a time
  std::size_t held = 8u << 20;  ///< bytes of heads held, about; what is beyond waits for a later window
  bool compress = true;  ///< COMPRESS where offered, for a hundred messages or more, not on one machine
  TextLimits limits;     ///< of each message
};

struct TextsSummary {
  std::size_t messages = 0;       ///< given to the consumer
  std::uint64_t bytes = 0;        ///< of headers and parts fetched
  std::size_t round_trips = 0;    ///< times that an answer was awaited
  std::vector<imap::Uid> unread;  ///< the server's answer for these could not be read
};

/// One message's text as fetch_text() gives it, and the row of its head. Nothing is read meanwhile.
using OnText = std::function<void(mime::Message&& message, const imap::MessageRow& head)>;

/// Those of `uids` that exist, in the order in which they come. Heads are asked for a window at a time; the
/// parts of messages of one make by one command each; the next window's heads go out in the same breath, so a
/// window costs one round trip. Memory: two windows' heads and one message's text. Never sets \Seen. Throws
/// Failure of Client::uid_fetch, and what `on_text` throws, which ends the session.
net::Task<TextsSummary> fetch_texts(imap::Client& client, std::vector<imap::Uid> uids, OnText on_text,
                                    TextsOptions options = {});

}  // namespace mailroom::read
