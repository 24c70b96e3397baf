// What an SMTP connection remembers between its machines.
#pragma once
#include <string>

#include "smtp/proto/reply_reader.hpp"
#include "smtp/proto/types.hpp"

namespace mailroom::smtp {

struct Session {
  Capabilities caps;    // what did the last EHLO announce?
  ReplyReader replies;  // what has come and not been looked at yet?
  Timeouts timeouts;    // how long may each step take?
  bool tls = false;     // is the connection encrypted?
  bool used = false;    // was there a transaction before, so that RSET comes first?
  bool dead = false;    // has a 421, a cut or a broken dialogue ended it?

  /// The connection is another one now (STARTTLS): a new session; of the old one the time-outs stay, which
  /// are ours.
  void reset_for_tls() {
    Session fresh;
    fresh.timeouts = timeouts;
    fresh.tls = true;
    *this = std::move(fresh);
  }
};

}  // namespace mailroom::smtp
