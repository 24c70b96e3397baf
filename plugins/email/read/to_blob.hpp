// A part or a whole message of any size into a blob of the host's, as it comes off the connection.
#pragma once
#include <cstdint>
#include <string>

#include "host/services.hpp"
#include "imap/client.hpp"

namespace mailroom::read {

struct ToBlob {
  const host::Services& services;  // must outlive the task
  std::string owner;               // a call_id, whose session then owns the blob; empty: the module
  std::uint64_t max_bytes;         // of the part as it is encoded, or of the message
};

struct Stored {
  aoh::Json blob;             ///< what the host tells of it: id, size, sha256, mime_type, filename
  std::string charset;        ///< as labelled; empty when absent
  std::uint64_t fetched = 0;  ///< bytes that came, before the encoding was undone
  bool broken = false;        ///< the encoding was damaged; the blob holds what could be read
};

/// Part `number` of the message whose row `head` was fetched with head_items(), its transfer encoding undone
/// on the way, named as the sender named it (mime::safe_filename). Memory: about 2 MB whatever the part's
/// size (PartDecoder tells the exception). Writes the disk on the strand. No blob is left behind by a
/// failure. Throws Failure: not_found (no such part, or the message is gone), limit (more than max_bytes),
/// unsupported (the server tells no structure, or its answer cannot be read), temporary (the host's quota is
/// used up).
net::Task<Stored> part_to_blob(imap::Client& client, imap::MessageRow head, std::string number, ToBlob to);

/// The whole message as it is, as message/rfc822. Throws the same; after `limit` the session is over, so look
/// at the size that head_items() tells first.
net::Task<Stored> message_to_blob(imap::Client& client, imap::Uid uid, ToBlob to);

}  // namespace mailroom::read
