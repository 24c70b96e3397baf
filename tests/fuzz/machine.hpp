// Plays a stranger's bytes to a protocol machine, to its end.
#pragma once
#include <functional>
#include <string>

#include "base/machine.hpp"
#include "fuzz.hpp"

namespace mailroom::fuzz {

/// What a run of a machine comes to: the same however the bytes were cut.
struct Course {
  Action::Kind end = Action::Kind::event;
  Errc error = Errc::ok;
  std::string wrote, events;
  friend bool operator==(const Course&, const Course&) = default;
};

/// `seed` 0: all bytes at once. When they are used up the connection is lost. `on_event` takes the event and
/// says it in words.
inline Course play(Machine& m, std::string_view bytes, std::uint32_t seed,
                   const std::function<std::string()>& on_event) {
  Course out;
  Pieces pieces(bytes, seed);
  bool fed = false, lost = false;
  // Each turn takes a byte, writes, or takes an event that a frame of at least two bytes made.
  for (std::size_t turn = 0; turn < 1000 + 8 * bytes.size(); ++turn) {
    const Action a = m.next();
    must(m.next().kind == a.kind, "next() is idempotent");
    switch (a.kind) {
      case Action::Kind::write:
        must(!a.bytes.empty(), "a write writes something");
        must(a.timeout.count() > 0, "a write has a time-out");
        out.wrote += a.bytes;
        m.written();
        break;
      case Action::Kind::start_tls:
        out.wrote += "<TLS>";
        m.tls_started();
        break;
      case Action::Kind::event:
        out.events += on_event() + "\n";
        break;
      case Action::Kind::read:
        must(!lost, "a machine ends when the connection is lost");
        must(a.timeout.count() > 0, "a read has a time-out");
        if (seed == 0 && !fed && !bytes.empty()) {
          m.feed(bytes);
          fed = true;
        } else if (seed != 0 && !pieces.end()) {
          m.feed(pieces.next());
        } else {
          lost = true;
          m.fail({Errc::closed, "the connection was cut", {}, {}, {}});
        }
        break;
      case Action::Kind::done:
      case Action::Kind::failed:
        out.end = a.kind;
        if (a.kind == Action::Kind::failed) {
          out.error = m.error().code;
          must(out.error != Errc::ok, "a failure has a code");
          must_be_utf8(m.error().line(), "an error can be printed");
        }
        return out;
    }
  }
  must(false, "a machine ends");
  return out;
}

}  // namespace mailroom::fuzz
