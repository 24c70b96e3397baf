// One delivery against a server that reads the raw bytes for itself, without a network.
#pragma once
#include <gtest/gtest.h>

#include "peer.hpp"
#include "smtp/proto/command.hpp"
#include "smtp/proto/delivery.hpp"

namespace mailroom::smtp {

using testing::Peer;

/// A source that gives blocks of a fixed size.
class Pieces final : public MessageSource {
 public:
  Pieces(std::string message, std::size_t piece) : all_(std::move(message)), piece_(piece) {}
  std::uint64_t size() const override { return all_.size(); }
  void rewind() override { at_ = 0; }
  std::string_view next() override {
    const std::string_view block = std::string_view(all_).substr(at_, piece_);
    at_ += block.size();
    return block;
  }
  std::string all_;

 private:
  std::size_t piece_, at_ = 0;
};

inline Capabilities capabilities(const Peer& peer) {
  Reply r;
  r.code = 250;
  r.lines = {"peer"};
  for (std::size_t at = 0, end; (end = peer.extensions.find("\r\n", at)) != std::string::npos; at = end + 2)
    r.lines.push_back(peer.extensions.substr(at + 4, end - at - 4));
  return parse_capabilities(r);
}

inline Envelope envelope(std::vector<std::string> to = {"c@d", "e@f"}) {
  Envelope e;
  e.from = "a@b";
  e.to = std::move(to);
  return e;
}

struct Ended {
  Outcome outcome;
  Action::Kind end{};
  bool committed = false;
};

/// Runs one delivery; `cut`: after that many of the peer's answers it is gone.
inline Ended run(Session& session, Peer& peer, const Envelope& e, const Message& message,
                 bool all_or_nothing = false) {
  Delivery m(session, e, message, all_or_nothing);
  Ended out;
  std::string waiting;  // what the peer has said and the machine not read
  for (int turn = 0; turn < 100'000; ++turn) {
    const Action a = m.next();
    switch (a.kind) {
      case Action::Kind::write:
        waiting += peer.take(a.bytes);
        m.written();
        break;
      case Action::Kind::read:
        if (waiting.empty()) {
          m.fail({Errc::closed, "hung up", {}, {}, {}});
          break;
        }
        m.feed(waiting.substr(0, 1 + waiting.size() / 2));  // a late server: in two halves
        waiting.erase(0, 1 + waiting.size() / 2);
        break;
      case Action::Kind::event:
        out.committed = true;
        m.commit();
        break;
      default:
        out.end = a.kind;
        out.outcome = m.outcome();
        return out;
    }
  }
  ADD_FAILURE() << "never ends";
  return out;
}

inline Session session_for(const Peer& peer) {
  Session s;
  s.tls = true;
  s.caps = capabilities(peer);
  return s;
}

inline std::string with_end(std::string message) {
  if (!message.ends_with("\r\n")) message += "\r\n";
  return message;
}

}  // namespace mailroom::smtp
