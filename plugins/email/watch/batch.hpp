// The messages that are dealt with together.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "mime/message.hpp"
#include "watch/watcher.hpp"

namespace mailroom::watch {

struct Watcher::Batch {
  struct Item {
    imap::Uid uid = 0;
    std::optional<imap::MessageRow> head;  // absent: expunged meanwhile
    std::string digest;                    // of the head
    std::vector<std::size_t> wanted_by;    // blueprints that match
    std::vector<std::string>
        ignored_why;  // for each blueprint; empty where it matches or the message does not count
    std::optional<mime::Message> message;  // with text, when some blueprint wants it
    std::string parked;                    // why nobody can read it
    bool gone = false;                     // expunged between head and text
    bool report = false;                   // a delivery report, by its header
  };
  std::shared_ptr<const Source> source;  // as it was when the batch began
  std::vector<Item> items;               // ascending
};

}  // namespace mailroom::watch
