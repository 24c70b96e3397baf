#include "smtp/proto/dialogue.hpp"

#include "support/secret.hpp"

namespace mailroom::smtp {

Action Dialogue::next() {
  if (step_ == Step::read) {
    try {
      take_replies();
    } catch (const Failure& f) {
      end(f.error);
    }
  }
  switch (step_) {
    case Step::write:
      return {Action::Kind::write, out_, secret_, write_timeout_};
    case Step::read:
      return {Action::Kind::read, {}, false, read_timeout_};
    case Step::tls:
      return {Action::Kind::start_tls, {}, false, session_.timeouts.command};
    case Step::event:
      return {Action::Kind::event, {}, false, {}};
    case Step::failed:
      return {Action::Kind::failed, {}, false, {}};
    case Step::idle:
    case Step::done:
      break;
  }
  return {};
}

void Dialogue::take_replies() {
  while (step_ == Step::read) {
    std::optional<Reply> reply = session_.replies.take(session_.caps.enhanced_codes);
    if (!reply) return;
    if (reply->code == 421) {  // may answer anything at any time (RFC 5321 §3.8)
      end(from(*reply, Errc::bye, "the server ended the session", "Try again later."));
      return;
    }
    --expected_;
    on_reply(std::move(*reply));
    if (step_ == Step::read && expected_ == 0)
      end({Errc::internal, "an SMTP machine waits for nothing", {}, {}, {}});
  }
}

void Dialogue::written() {
  if (secret_)
    aoh::wipe(out_);
  else
    out_.clear();
  if (expected_ > 0) {
    step_ = Step::read;
    return;
  }
  step_ = Step::idle;
  on_written();
}

void Dialogue::tls_started() {
  step_ = Step::idle;
  session_.reset_for_tls();
  on_tls();
}

void Dialogue::fail(Error cause) {
  if (step_ == Step::failed) return;
  // A last reply may have come together with the cut: a 421 says more than "closed".
  try {
    if (std::optional<Reply> last = session_.replies.take(session_.caps.enhanced_codes);
        last && last->code == 421)
      cause = from(*last, Errc::bye, "the server ended the session", "Try again later.");
  } catch (const Failure&) {
    // what is left is no reply: the cause stands
  }
  end(std::move(cause));
}

void Dialogue::end(Error error) {
  if (step_ == Step::failed) return;
  if (is_fatal(error.code)) session_.dead = true;
  error_ = seen_as(std::move(error));
  if (!vouched()) error_.server.clear();
  aoh::wipe(out_);
  step_ = Step::failed;
  on_failed(error_);
}

bool Dialogue::in_step() {
  if (!session_.replies.has_rest()) return true;
  Error e{Errc::protocol,
          "the server spoke before it was asked",
          {},
          {},
          "Try again; if it stays, something between here and "
          "the server interferes."};
  if (const std::optional<Reply> early = session_.replies.take(session_.caps.enhanced_codes)) {
    e.server = early->text();
    if (early->code == 421) e = from(*early, Errc::bye, "the server ended the session", "Try again later.");
  }
  end(std::move(e));
  return false;
}

void Dialogue::command(std::string line, std::chrono::milliseconds timeout, unsigned replies, bool secret) {
  if (!in_step()) return;
  session_.replies.trim();
  write(std::move(line), timeout, secret);
  await(timeout, replies);
  step_ = Step::write;
}

void Dialogue::write(std::string bytes, std::chrono::milliseconds timeout, bool secret) {
  out_ = std::move(bytes);
  secret_ = secret;
  write_timeout_ = timeout;
  expected_ = 0;
  step_ = Step::write;
}

void Dialogue::await(std::chrono::milliseconds timeout, unsigned replies) {
  read_timeout_ = timeout;
  expected_ = replies;
  step_ = Step::read;
}

void Dialogue::start_tls() { step_ = Step::tls; }

Error Dialogue::from(const Reply& reply, Errc code, std::string what, std::string cure) const {
  if (vouched()) return {code, std::move(what), {}, reply.text(), std::move(cure)};
  return {code, what + " (reply " + std::to_string(reply.code) + ")", {}, {}, std::move(cure)};
}

Simple::Simple(Session& session, std::string_view verb, std::chrono::milliseconds timeout)
    : Dialogue(session) {
  command(std::string(verb) + "\r\n", timeout);
}

void Simple::on_reply(Reply&& reply) {
  if (reply.positive()) return finish();
  end(from(reply, reply.code >= 500 ? Errc::refused : Errc::temporary, "the server refused a command"));
}

}  // namespace mailroom::smtp
