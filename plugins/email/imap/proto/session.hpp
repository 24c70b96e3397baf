// What an IMAP connection remembers between its machines.
#pragma once
#include <string>

#include "imap/proto/framer.hpp"
#include "imap/proto/types.hpp"

namespace mailroom::imap {

struct Session {
  explicit Session(const Limits& l = {}, const Timeouts& t = {}) : limits(l), timeouts(t), framer(l) {}

  Limits limits;
  Timeouts timeouts;
  Framer framer;            // what has come and not been looked at yet?
  Capabilities caps;        // what did the server last announce?
  bool caps_fresh = false;  // are they from after the last change of TLS or sign-in?
  MailboxState mailbox;     // what is selected, and what do we know of it?
  unsigned tags = 0;        // how many commands have been sent?
  bool tls = false;         // is the connection encrypted?
  bool signed_in = false;
  bool dead = false;  // has a BYE, a cut or a broken dialogue ended it?
  std::string bye;    // the server's words with its BYE

  /// The connection is another one now (STARTTLS): all that was heard before is forgotten; limits, time-outs
  /// and tags stay.
  void reset_for_tls() {
    framer = Framer(limits);
    caps = {};
    caps_fresh = false;
    mailbox = {};
    tls = true;
    bye.clear();
  }
};

}  // namespace mailroom::imap
