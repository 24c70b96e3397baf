// What an IMAP connection remembers between its machines.
#pragma once
#include <string>

#include "imap/proto/framer.hpp"
#include "imap/proto/quirks.hpp"
#include "imap/proto/types.hpp"

namespace mailroom::imap {

struct Session {
  explicit Session(const Limits& l = {}, const Timeouts& t = {}) : limits(l), timeouts(t), framer(l) {}

  Limits limits;
  Timeouts timeouts;
  Framer framer;            // what has come and not been looked at yet?
  Capabilities caps;        // what did the server last announce?
  bool caps_fresh = false;  // are they from after the last change of TLS or sign-in?
  Capabilities enabled;     // what has an ENABLE switched on (RFC 5161)?
  Quirks quirks;            // what does the provider's entry say, and what has the server shown?
  MailboxState mailbox;     // what is selected, and what do we know of it?
  unsigned tags = 0;        // how many commands have been sent?
  bool tls = false;         // is the connection encrypted?
  bool signed_in = false;
  bool dead = false;  // has a BYE, a cut or a broken dialogue ended it?
  std::string bye;    // the server's words with its BYE

  /// Is IMAP4rev2 (RFC 9051) in force: enabled, or the only one the server knows?
  bool rev2() const { return enabled.has("IMAP4REV2") || (caps.has("IMAP4REV2") && !caps.has("IMAP4REV1")); }
  /// Are mailbox names UTF-8 on the wire (RFC 9051 §5.1, RFC 6855 §3), not modified UTF-7?
  bool utf8_names() const { return rev2() || enabled.has("UTF8=ACCEPT"); }
  /// Announced, or part of IMAP4rev2 where that is in force (RFC 9051 appendix E).
  bool offers(std::string_view extension) const;

  /// The connection is another one now (STARTTLS): a new session, to which of the old one nothing comes over
  /// that a server has said: limits, time-outs and quirks are the configuration's, the tags go on.
  void reset_for_tls() {
    Session fresh(limits, timeouts);
    fresh.quirks = quirks;
    fresh.tags = tags;
    fresh.tls = true;
    *this = std::move(fresh);
  }
};

}  // namespace mailroom::imap
