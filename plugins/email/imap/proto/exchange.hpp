// One command and its answer.
#pragma once
#include <functional>
#include <optional>
#include <string>

#include "base/machine.hpp"
#include "imap/proto/command.hpp"
#include "imap/proto/response.hpp"
#include "imap/proto/session.hpp"
#include "support/secret.hpp"

namespace mailroom::imap {

/// Sends a command, or several at once (literals with the server's leave, or without where LITERAL+ or
/// LITERAL- allows), takes what is untagged, ends with the tagged answer. NO and BAD end it in `failed` with
/// an error that leaves the session usable; BYE, cuts and broken responses end the session as well.
class Exchange : public Machine {
 public:
  /// `what`: for errors, "the search failed".
  Exchange(Session& session, Command command, std::string what);

  /// Another command, sent in the same breath (RFC 3501 §5.5): its answer is awaited as well, in any order.
  /// Only before the first next(), and only where neither has literals. A NO or BAD to one of them is told
  /// when all have been answered.
  void follow(const Command& command);

  /// Asked first for each untagged response; true: it was this command's, so that the session does not take
  /// it.
  std::function<bool(Response&)> on_untagged;
  /// Answers a "+" that no literal asked for (AUTHENTICATE); the result is written as a secret line. Without
  /// it such a "+" is an error.
  std::function<aoh::Secret(const std::string& challenge)> on_challenge;

  Action next() override;
  void feed(std::string_view bytes) override;
  void written() override;
  void tls_started() override {}
  void fail(Error cause) override;
  const Error& error() const override { return error_; }

  /// The tagged OK, once done; the NO or BAD that was a refusal.
  const Response& answer() const { return answer_; }
  const std::string& tag() const { return tag_; }

 protected:
  /// A row or the like is ready: next() answers `event` until go_on().
  void pause() { step_ = Step::event; }
  void go_on() { step_ = Step::read; }
  void end(Error error);

 private:
  enum class Step { write, read, event, done, failed };
  void write_pieces();
  void take_frames();
  void take(Response&& response);
  void tagged(Response&& response);

  Session& session_;
  Command command_;
  std::string what_;
  std::string tag_;
  Step step_ = Step::write;
  std::size_t piece_ = 0;        // which piece of the command comes next?
  bool awaiting_leave_ = false;  // has a literal been announced that the server must allow?
  std::string out_;
  bool secret_ = false;             // does out_ hold credentials?
  std::string_view borrowed_;       // what is written instead of out_
  std::vector<std::string> later_;  // tags of the commands that follow, not answered yet
  bool answered_ = false;           // has the first one been?
  Error refusal_;                   // the first NO or BAD of several
  std::uint32_t untagged_ = 0;
  std::string
      last_complaint_;  // the words of an untagged NO or BAD: all there is when a server forgets the tag
  Response answer_;
  Error error_;
};

/// The error that a NO or BAD means, by its response code (RFC 5530).
Error status_error(const Response& response, std::string what);

}  // namespace mailroom::imap
