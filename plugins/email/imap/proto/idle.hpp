// IDLE (RFC 2177).
#pragma once
#include <string>

#include "base/machine.hpp"
#include "imap/proto/response.hpp"
#include "imap/proto/session.hpp"

namespace mailroom::imap {

/// Sends IDLE, waits for news, sends DONE when there are some or stop() was called, ends with the tagged
/// answer. While it waits its read has no time-out of its own: keep-alive watches the connection, the owner's
/// clock the length.
class Idle final : public Machine {
 public:
  Idle(Session& session, bool wake_on_flags);

  /// The exit in good order; may be called at any time. The other exit is fail().
  void stop();

  Action next() override;
  void feed(std::string_view bytes) override { session_.framer.feed(bytes); }
  void written() override;
  void tls_started() override {}
  void fail(Error cause) override;
  const Error& error() const override { return error_; }
  /// exists, expunged, flags and exists_count are filled in.
  const IdleResult& result() const { return result_; }

 private:
  enum class At {
    asking,   ///< IDLE is being written
    waiting,  ///< for "+"
    idle,
    leaving,  ///< DONE is being written
    ending,   ///< for the tagged answer
    done,
    failed,
  };
  void take_frames();
  void take(Response& response);
  void tagged(const Response& response);
  void end(Error error);

  Session& session_;
  bool wake_on_flags_;
  bool stop_ = false;  // is there a reason to leave?
  At at_ = At::asking;
  std::string tag_;
  std::string out_;
  IdleResult result_;
  Error error_;
};

}  // namespace mailroom::imap
