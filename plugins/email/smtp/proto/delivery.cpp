#include "smtp/proto/delivery.hpp"

#include "smtp/proto/command.hpp"

namespace mailroom::smtp {
namespace {

constexpr std::size_t kGroup = 50;  // commands in one pipelined group: their replies fit any socket buffer
constexpr std::size_t kBlock = 64 * 1024;  // bytes of the message in one write

using Rcpt = RecipientOutcome::State;

}  // namespace

Delivery::Delivery(Session& session, const Envelope& envelope, std::string_view message, bool all_or_nothing)
    : Dialogue(session), envelope_(envelope), body_(message), all_or_nothing_(all_or_nothing) {
  check(envelope_);
  envelope_.eight_bit |= check_message(message).eight_bit;
  if (envelope_.size == 0) envelope_.size = message.size();
  for (const std::string& address : envelope_.to)
    outcome_.recipients.push_back({address, Rcpt::pending, 0, {}, {}});
  if (session_.dead) {
    end({Errc::closed, "the SMTP session is over", {}, {}, "Connect again."});
    return;
  }
  if (precheck()) start();
}

bool Delivery::precheck() {
  const Capabilities& caps = session_.caps;
  Error e;
  if (caps.max_size > 0 && envelope_.size > caps.max_size)
    e = {Errc::refused,
         "the message has " + std::to_string(envelope_.size) + " bytes; the server takes " +
             std::to_string(caps.max_size),
         {},
         {},
         "Make it smaller, or share large files by a link."};
  else if (envelope_.smtputf8 && !caps.smtputf8)
    e = {Errc::unsupported,
         "an address needs SMTPUTF8, which the server does not offer",
         {},
         {},
         "Use an ASCII address."};
  else if (envelope_.eight_bit && !caps.eight_bit)
    e = {Errc::unsupported,
         "the message has 8-bit content, which the server does not take",
         {},
         {},
         "Encode it as quoted-printable or base64."};
  else
    return true;
  outcome_.state = Outcome::State::refused;
  outcome_.error = std::move(e);
  finish();
  return false;
}

void Delivery::start() {
  if (session_.used) {
    at_ = At::reset;
    command("RSET\r\n", session_.timeouts.command);
  } else {
    send_envelope();
  }
}

void Delivery::send_envelope() {
  at_ = At::envelope;
  std::string group;
  outstanding_ = 0;
  if (!mail_ok_) {
    session_.used = true;
    group = mail_from(envelope_, session_.caps);
    ++outstanding_;
  }
  const std::size_t most = session_.caps.pipelining ? kGroup : 1;
  while (outstanding_ < most && sent_ < envelope_.to.size()) {
    group += rcpt_to(envelope_.to[sent_++]);
    ++outstanding_;
  }
  command(std::move(group), session_.timeouts.command, outstanding_);
}

void Delivery::on_reply(Reply&& reply) {
  switch (at_) {
    case At::reset:
      if (reply.positive()) return send_envelope();
      session_.dead = true;
      return end(from(reply, Errc::protocol, "the server refused RSET"));
    case At::envelope:
      --outstanding_;
      if (!mail_ok_ && mail_reply_.code == 0)
        mail_answered(reply);
      else
        recipient_answered(reply);
      if (outstanding_ > 0) return;
      if (mail_reply_.code != 0)
        return decide(mail_reply_.code >= 500 ? Outcome::State::refused : Outcome::State::temporary,
                      mail_reply_, "the server refused the sender");
      return sent_ < envelope_.to.size() ? send_envelope() : recipients_known();
    case At::data:
      if (reply.code == 354) {
        at_ = At::body;
        return on_written();
      }
      if (reply.code < 400)
        return end(from(reply, Errc::protocol, "the server answered DATA with something unexpected"));
      return decide(reply.code >= 500 ? Outcome::State::refused : Outcome::State::temporary, reply,
                    "the server refused DATA");
    case At::body:
    case At::committing:
    case At::end:
      return finished(reply);
  }
}

void Delivery::mail_answered(const Reply& reply) {
  if (reply.code >= 200 && reply.code < 300)
    mail_ok_ = true;
  else
    mail_reply_ = reply;
}

void Delivery::recipient_answered(const Reply& reply) {
  RecipientOutcome& r = outcome_.recipients[answered_++];
  if (mail_reply_.code != 0)
    return;  // without a sender the server refuses every recipient; that says nothing about them
  r.code = reply.code;
  r.enhanced = reply.enhanced;
  r.server = reply.text();
  r.state = reply.positive() ? Rcpt::accepted : reply.code >= 500 ? Rcpt::refused : Rcpt::temporary;
  if (r.state != Rcpt::accepted && outcome_.code < reply.code) {
    outcome_.code = reply.code;  // the worst refusal stands for all of them if nothing is sent
    outcome_.enhanced = reply.enhanced;
    outcome_.server = r.server;
  }
}

void Delivery::recipients_known() {
  std::size_t accepted = 0, refused = 0;
  std::string who;
  for (const RecipientOutcome& r : outcome_.recipients) {
    accepted += r.state == Rcpt::accepted;
    refused += r.state == Rcpt::refused;
    if (r.state != Rcpt::accepted && who.size() < 200) who += (who.empty() ? "" : ", ") + r.address;
  }
  const std::size_t all = outcome_.recipients.size();
  if (accepted == all || (accepted > 0 && !all_or_nothing_)) {
    outcome_.code = 0;
    outcome_.enhanced.clear();
    outcome_.server.clear();
    at_ = At::data;
    return command("DATA\r\n", session_.timeouts.data);
  }
  const bool for_good = all_or_nothing_ ? refused > 0 : refused == all;
  outcome_.state = for_good ? Outcome::State::refused : Outcome::State::temporary;
  outcome_.error = {for_good ? Errc::refused : Errc::temporary, "the server refused a recipient",
                    printable(who, 250), outcome_.server,
                    for_good ? "Correct the address." : "Try again later."};
  finish();
}

void Delivery::on_written() {
  if (at_ != At::body) return;
  std::string piece = body_.next(kBlock);
  if (!piece.empty()) return write(std::move(piece), session_.timeouts.block, true);
  at_ = At::committing;
  pause();
}

void Delivery::commit() {
  if (at_ != At::committing) return;
  resume();
  // A server that has answered already did so without the whole message; command() ends the dialogue then,
  // and nothing was sent.
  at_ = At::end;
  command(std::string(DotStuffer::kEnd), session_.timeouts.final_dot, 1, true);
  if (!session_.dead) end_given_ = true;  // from here on the write may happen, wholly or in part
}

void Delivery::finished(const Reply& reply) {
  session_.used = false;
  if (reply.code >= 200 && reply.code < 300) {
    outcome_.state = Outcome::State::delivered;
    outcome_.code = reply.code;
    outcome_.enhanced = reply.enhanced;
    outcome_.server = reply.text();
    return finish();
  }
  if (reply.code < 400)
    return end(from(reply, Errc::protocol, "the server answered the message with something unexpected"));
  decide(reply.code >= 500 ? Outcome::State::refused : Outcome::State::temporary, reply,
         "the server refused the message");
}

void Delivery::decide(Outcome::State state, const Reply& reply, std::string what, std::string cure) {
  const bool later = state == Outcome::State::temporary;
  outcome_.state = state;
  outcome_.code = reply.code;
  outcome_.enhanced = reply.enhanced;
  outcome_.server = reply.text();
  if (cure.empty())
    cure = later ? "Try again later." : "Change what the server objects to before trying again.";
  outcome_.error = from(reply, later ? Errc::temporary : Errc::refused, std::move(what), std::move(cure));
  finish();
}

void Delivery::on_failed(const Error& error) {
  outcome_.connection_ok = false;
  session_.dead = true;
  outcome_.error = error;
  outcome_.server = error.server;
  if (error.code == Errc::bye) outcome_.code = 421;
  // A 421 in the place of the final answer is an answer: the message was not taken (RFC 5321 §4.2.5).
  const bool unknown = end_given_ && error.code != Errc::bye;
  outcome_.state = unknown ? Outcome::State::uncertain : Outcome::State::temporary;
  if (unknown) {
    outcome_.error.what = "whether the server took the message is not known: " + error.what;
    outcome_.error.cure = "Look into the Sent folder or ask the recipient before sending it again.";
  }
}

}  // namespace mailroom::smtp
