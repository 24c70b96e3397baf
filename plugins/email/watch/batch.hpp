// The messages that are dealt with together.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "mime/message.hpp"
#include "policy/orders.hpp"
#include "watch/watcher.hpp"

namespace mailroom::watch {

// A failure that is not the message's: the session is over, or the server asks to come back later.
inline bool is_the_sessions(const Failure& f) {
  return is_fatal(f.error.code) || f.error.code == Errc::temporary;
}

struct Watcher::Batch {
  struct Item {
    imap::Uid uid = 0;
    std::optional<imap::MessageRow> head;           // absent: expunged meanwhile
    std::string digest;                             // of the head
    std::optional<mime::Message> header;            // parsed once for all that ask
    bool ruled = false;                             // have the rules been asked?
    policy::Orders orders;                          // what the rules say
    std::map<std::size_t, std::size_t> started_by;  // blueprints that a rule starts, by which of its orders
    std::vector<std::size_t> undecided;             // blueprints whose match is still to be asked
    bool needs_parts = false, needs_text = false;   // what their answer hangs on
    std::vector<std::size_t> wanted_by;             // blueprints that match
    std::vector<std::string>
        ignored_why;  // for each blueprint; empty where it matches or the message does not count
    std::optional<mime::Message> summary;  // with its parts named, when a match asks for them
    std::optional<mime::Message> message;  // with text, when some blueprint wants it or its match asks for it
    std::string parked;                    // why nobody can read it
    bool gone = false;                     // expunged between head and text
    bool report = false;                   // a delivery report, by its header
  };
  std::shared_ptr<const Source> source;  // as it was when the batch began
  std::vector<Item> items;               // ascending
};

}  // namespace mailroom::watch
