#include "imap/proto/mailbox_state.hpp"

#include <algorithm>
#include <charconv>

#include "imap/proto/data.hpp"
#include "imap/proto/uid_set.hpp"

namespace mailroom::imap {
namespace {

template <typename N>
bool number(std::string_view text, N& n) {
  text = text.substr(0, text.find(' '));
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
  return ec == std::errc() && end == text.data() + text.size();
}

void fold_code(Session& s, Response& r) {
  MailboxState& box = s.mailbox;
  std::uint32_t n = 0;
  std::uint64_t big = 0;
  if (r.code == "CAPABILITY") {
    s.caps = Capabilities(r.code_text);
    s.caps_fresh = true;
  } else if (r.code == "UIDVALIDITY") {
    if (number(r.code_text, n)) box.uid_validity = n;
  } else if (r.code == "UIDNEXT") {
    // Else as if it were missing.
    if (number(r.code_text, n) && n > 0 && !s.quirks.has(Quirk::stale_uid_next)) box.uid_next = n;
  } else if (r.code == "HIGHESTMODSEQ") {
    if (number(r.code_text, big) && big > 0) box.highest_modseq = big;
  } else if (r.code == "NOMODSEQ") {  // RFC 7162 §3.1.2.2
    box.highest_modseq.reset();
  } else if (r.code == "MAILBOXID" && r.tag.empty()) {  // with a tag it is a new mailbox's (RFC 8474 §4.1)
    Frame frame{r.code_text, {}};
    Tokens t(frame);
    box.mailbox_id = object_id(t);
  } else if (r.code == "PERMANENTFLAGS") {
    Frame frame{r.code_text, {}};
    Tokens t(frame);
    box.permanent_flags = t.flags();
  } else if (r.code == "READ-ONLY") {
    box.read_only = true;
  } else if (r.code == "READ-WRITE") {
    box.read_only = false;
  }
}

}  // namespace

void fold(Session& s, Response& r) {
  using Kind = Response::Kind;
  switch (r.kind) {
    case Kind::ok:
    case Kind::no:
    case Kind::bad:
    case Kind::preauth:
      fold_code(s, r);
      break;
    case Kind::bye:
      s.dead = true;
      s.bye = r.text;
      break;
    case Kind::capability:
      s.caps = Capabilities(r.tokens().rest());
      s.caps_fresh = true;
      break;
    case Kind::enabled:
      s.enabled.add(r.tokens().rest());
      break;
    case Kind::exists:
      s.mailbox.exists = r.number;
      ++s.mailbox.changes;
      break;
    case Kind::expunge:
      if (s.mailbox.exists > 0) --s.mailbox.exists;
      ++s.mailbox.changes;
      break;
    case Kind::vanished: {  // instead of EXPUNGE (RFC 7162 §3.2.10); EARLIER: they were gone before
      Tokens t = r.tokens();
      const bool earlier = t.peek('(');
      if (earlier) t.skip();
      const std::uint64_t gone = earlier ? 0 : UidSet::parse(t.atom()).size();
      s.mailbox.exists -= static_cast<std::uint32_t>(std::min<std::uint64_t>(gone, s.mailbox.exists));
      ++s.mailbox.changes;
      break;
    }
    case Kind::fetch:
      ++s.mailbox.changes;
      break;
    default:
      break;
  }
}

}  // namespace mailroom::imap
