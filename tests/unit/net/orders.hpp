// Says every sequence of a set of replies, up to a length, to an opening dialogue that is to upgrade by
// STARTTLS.
#pragma once
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "base/machine.hpp"

namespace mailroom::testing {

struct Orders {
  std::uint64_t sequences = 0;   ///< all that were said
  std::uint64_t handshakes = 0;  ///< those that came to a handshake
  std::uint64_t secrets = 0;     ///< writes marked as secret before it
  std::uint64_t breaches = 0;    ///< those that wrote something else than `allowed` before it
};

/// `replies`: whole ones, with their line ends. Each sequence of 1 to `most` of them is said, each boundary
/// between two of them once as a segment's end and once not, to a machine made by `make`; `at_handshake`
/// looks at what the machine wants to keep when it asks for TLS, after tls_started(). `allowed`: may this be
/// written in the clear?
inline Orders every_order(const std::vector<std::string>& replies, std::size_t most,
                          const std::function<std::unique_ptr<Machine>()>& make,
                          const std::function<bool(std::string_view)>& allowed,
                          const std::function<void()>& at_handshake) {
  Orders out;
  const auto say = [&](const std::vector<std::string>& segments) {
    ++out.sequences;
    const std::unique_ptr<Machine> m = make();
    std::size_t next = 0;
    for (int turn = 0; turn < 200; ++turn) {
      const Action a = m->next();
      switch (a.kind) {
        case Action::Kind::write:
          out.secrets += a.secret;
          out.breaches += !allowed(a.bytes);
          m->written();
          break;
        case Action::Kind::read:
          if (next < segments.size())
            m->feed(segments[next++]);
          else
            m->fail({Errc::closed, "cut", {}, {}, {}});
          break;
        case Action::Kind::start_tls:
          ++out.handshakes;
          m->tls_started();
          at_handshake();
          return;
        case Action::Kind::done:
          ++out.breaches;  // signed in without TLS
          return;
        default:
          return;
      }
    }
    ADD_FAILURE() << "the machine never ends";
  };
  std::vector<std::size_t> digits;
  for (std::size_t length = 1; length <= most; ++length) {
    digits.assign(length, 0);
    for (bool more = true; more;) {
      for (std::size_t cuts = 0; cuts < (std::size_t{1} << (length - 1)); ++cuts) {
        std::vector<std::string> segments(1);
        for (std::size_t i = 0; i < length; ++i) {
          segments.back() += replies[digits[i]];
          if (i + 1 < length && (cuts >> i & 1) != 0) segments.emplace_back();
        }
        say(segments);
      }
      more = false;
      for (std::size_t& d : digits) {
        if (++d < replies.size()) {
          more = true;
          break;
        }
        d = 0;
      }
    }
  }
  return out;
}

}  // namespace mailroom::testing
