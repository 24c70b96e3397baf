// What all SMTP machines have in common: commands go out, replies come in, 421 ends it.
#pragma once
#include <string>

#include "base/machine.hpp"
#include "smtp/proto/session.hpp"

namespace mailroom::smtp {

class Dialogue : public Machine {
 public:
  explicit Dialogue(Session& session) : session_(session) {}
  Action next() final;
  void feed(std::string_view bytes) final { session_.replies.feed(bytes); }
  void written() final;
  void tls_started() final;
  void fail(Error cause) final;
  const Error& error() const final { return error_; }

 protected:
  /// The reply that was waited for. Called only while waiting.
  virtual void on_reply(Reply&& reply) = 0;
  /// The last write is out, and nothing is waited for.
  virtual void on_written() {}
  virtual void on_tls() {}
  /// What an error means at this point of the dialogue, whether or not it ends the session.
  virtual Error seen_as(Error error) const { return error; }
  /// The dialogue is over in error: the machine's last chance to say what that means.
  virtual void on_failed(const Error&) {}

  /// Writes a command and waits for `replies` replies. A server that has said something before it was asked
  /// is out of step (or somebody injects): that ends the dialogue.
  void command(std::string line, std::chrono::milliseconds timeout, unsigned replies = 1,
               bool secret = false);
  /// False, and the dialogue ended, when the server has spoken before it was asked.
  bool in_step();
  void write(std::string bytes, std::chrono::milliseconds timeout, bool secret);  ///< waits for nothing
  void await(std::chrono::milliseconds timeout, unsigned replies = 1);
  void start_tls();
  void pause() { step_ = Step::event; }  ///< next() answers event until resume()
  void resume() { step_ = Step::idle; }
  void finish() { step_ = Step::done; }
  /// Finishes in error. Without vouched() the error says nothing of the server's.
  void end(Error error);
  /// With the server's words, or where nobody vouches for them, with the code alone (in `what`).
  Error from(const Reply& reply, Errc code, std::string what, std::string cure = {}) const;
  /// Does it count what the server says? Before TLS anybody on the way may have written it (RFC 3207 §6).
  virtual bool vouched() const { return true; }

  Session& session_;

 private:
  enum class Step { idle, write, read, tls, event, done, failed };
  void take_replies();

  Step step_ = Step::idle;
  std::string out_;        // what is being written
  bool secret_ = false;    // does it hold credentials, or the message?
  unsigned expected_ = 0;  // how many replies are still to come?
  std::chrono::milliseconds write_timeout_{}, read_timeout_{};
  Error error_;
};

/// One command whose answer is all that matters: NOOP, RSET, QUIT.
class Simple final : public Dialogue {
 public:
  Simple(Session& session, std::string_view verb, std::chrono::milliseconds timeout);
  ~Simple() override = default;

 private:
  void on_reply(Reply&& reply) override;
};

}  // namespace mailroom::smtp
