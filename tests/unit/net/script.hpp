// Plays a written dialogue to a protocol machine, cut and broken in every way.
#pragma once
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/machine.hpp"

namespace mailroom::testing {

struct Line {
  enum class Who { client, server, tls };
  Who who;
  std::string text;
};
inline Line C(std::string text) { return {Line::Who::client, std::move(text) + "\r\n"}; }
inline Line S(std::string text) { return {Line::Who::server, std::move(text) + "\r\n"}; }
inline Line Craw(std::string text) { return {Line::Who::client, std::move(text)}; }
inline Line Sraw(std::string text) { return {Line::Who::server, std::move(text)}; }
inline Line Tls() { return {Line::Who::tls, {}}; }
using Script = std::vector<Line>;

struct Cut {
  std::size_t every = 0;  ///< pieces of this size; 0: a step at once
  std::size_t at = 0;     ///< one more cut behind this many bytes of all that the server says; 0: none
};

enum class Strict { yes, no };  ///< must the machine write what the script says?

struct Played {
  Action::Kind end = Action::Kind::event;
  Error error;
  std::vector<std::string> events;  ///< what `on_event` said of each
  std::string wrote;                ///< all that the machine wrote
  std::string before_tls;           ///< of it, what went out before the handshake
  std::size_t secrets = 0;          ///< writes marked as secret
  bool hung = false;
};

/// Plays `script`; where it ends and the machine wants more, the connection is lost with `last`.
inline Played play(Machine& m, const Script& script, const std::function<std::string()>& on_event = {},
                   Cut cut = {}, Errc last = Errc::closed, Strict strict = Strict::yes) {
  Played out;
  std::size_t step = 0, offset = 0, fed = 0;
  std::string owed;  // what the script says the client writes before the server's next words
  std::string written;
  const auto settle = [&] {
    while (step < script.size() && script[step].who == Line::Who::client) owed += script[step++].text;
    if (strict == Strict::yes && owed != written)
      ADD_FAILURE() << "the machine wrote\n" << written << "instead of\n" << owed;
    owed.clear();
    written.clear();
  };
  for (int turn = 0; turn < 1'000'000; ++turn) {
    const Action a = m.next();
    const Action same = m.next();  // idempotent
    EXPECT_EQ(a.kind, same.kind);
    switch (a.kind) {
      case Action::Kind::write:
        EXPECT_FALSE(a.bytes.empty());
        EXPECT_GT(a.timeout.count(), 0);
        written += a.bytes;
        out.wrote += a.bytes;
        out.secrets += a.secret;
        m.written();
        break;
      case Action::Kind::start_tls:
        settle();
        out.before_tls = out.wrote;
        if (step < script.size() && script[step].who == Line::Who::tls) {
          ++step;
          m.tls_started();
        } else {
          m.fail({Errc::tls, "no handshake", {}, {}, {}});
        }
        break;
      case Action::Kind::event:
        out.events.push_back(on_event ? on_event() : "event");
        break;
      case Action::Kind::read: {
        EXPECT_GT(a.timeout.count(), 0);
        if (offset == 0) settle();
        if (step >= script.size() || script[step].who != Line::Who::server) {
          m.fail({last, last == Errc::timeout ? "too late" : "the connection was cut", {}, {}, {}});
          break;
        }
        const std::string& text = script[step].text;
        std::size_t n = text.size() - offset;
        if (cut.every > 0) n = std::min(n, cut.every);
        if (cut.at > fed && cut.at < fed + n) n = cut.at - fed;
        m.feed(std::string_view(text).substr(offset, n));
        fed += n;
        offset += n;
        if (offset == text.size()) {
          offset = 0;
          ++step;
        }
        break;
      }
      case Action::Kind::done:
      case Action::Kind::failed:
        if (step < script.size() || !written.empty()) settle();
        out.end = a.kind;
        if (a.kind == Action::Kind::failed) out.error = m.error();
        return out;
    }
  }
  ADD_FAILURE() << "the machine never ends";
  out.hung = true;
  return out;
}

inline std::size_t server_bytes(const Script& script) {
  std::size_t n = 0;
  for (const Line& l : script) n += l.who == Line::Who::server ? l.text.size() : 0;
  return n;
}

/// Calls `play_with` with every cut: byte by byte, in pieces of 2, 3 and 7, in two halves at every byte.
inline void every_cut(const Script& script, const std::function<void(Cut)>& play_with) {
  for (const std::size_t every : {1, 2, 3, 7}) play_with({every, 0});
  for (std::size_t at = 1; at < server_bytes(script); ++at) play_with({0, at});
}

/// Calls `play_with` with the script broken at every word of the server's: cut off there, or `instead` said
/// instead and then cut off.
inline void every_break(const Script& script, const std::vector<std::string>& instead,
                        const std::function<void(const Script&, std::size_t)>& play_with) {
  for (std::size_t i = 0; i < script.size(); ++i) {
    if (script[i].who != Line::Who::server) continue;
    Script shorter(script.begin(), script.begin() + static_cast<std::ptrdiff_t>(i));
    play_with(shorter, i);
    shorter.push_back(script[i]);
    shorter.back().text.resize(shorter.back().text.size() / 2);
    play_with(shorter, i);
    for (const std::string& words : instead) {
      shorter.back() = Sraw(words);
      play_with(shorter, i);
    }
  }
}

}  // namespace mailroom::testing
