#include "smtp/proto/delivery.hpp"

#include "smtp/proto/command.hpp"

namespace mailroom::smtp {
namespace {

constexpr std::size_t kGroup = 50;    // commands in one pipelined group: their replies fit any socket buffer
constexpr unsigned kChunksAhead = 8;  // chunks on their way without an answer

using Rcpt = RecipientOutcome::State;

bool accepts(const Reply& reply) { return reply.code >= 200 && reply.code < 300; }

}  // namespace

Delivery::Delivery(Session& session, const Envelope& envelope, const Message& message, bool all_or_nothing)
    : Dialogue(session), envelope_(envelope), message_(message), all_or_nothing_(all_or_nothing) {
  check(envelope_);
  envelope_.eight_bit |= message.facts().eight_bit;
  if (envelope_.size == 0) envelope_.size = message.facts().size;
  for (const std::string& address : envelope_.to)
    outcome_.recipients.push_back({address, Rcpt::pending, 0, {}, {}});
  if (session_.dead) {
    end({Errc::closed, "the SMTP session is over", {}, {}, "Connect again."});
    return;
  }
  chunked_ = session_.caps.chunking && message.facts().size > kChunkedFrom;
  outcome_.dsn = session_.caps.dsn && envelope_.dsn.asked();
  if (precheck()) send_envelope();
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
  else if (envelope_.require_tls && !(caps.require_tls && session_.tls))  // RFC 8689 §4.2.1
    e = {Errc::unsupported,
         "TLS is required on the whole way (REQUIRETLS), which the server does not offer",
         {},
         {},
         "Send it without that, or by a server that offers it."};
  else
    return true;
  outcome_.state = Outcome::State::refused;
  outcome_.error = std::move(e);
  finish();
  return false;
}

void Delivery::send_envelope() {
  at_ = At::envelope;
  const std::size_t most = session_.caps.pipelining ? kGroup : 1;
  std::string group;
  outstanding_ = 0;
  const auto add = [&](const std::string& line) {
    group += line;
    ++outstanding_;
  };
  if (session_.used && !mail_asked_ && !reset_asked_) {
    reset_asked_ = true;
    add("RSET\r\n");
  }
  if (outstanding_ < most && !mail_asked_) {
    mail_asked_ = session_.used = true;
    add(mail_from(envelope_, session_.caps));
  }
  while (outstanding_ < most && sent_ < envelope_.to.size()) add(rcpt_to(envelope_, sent_++, session_.caps));
  if (session_.caps.pipelining && outstanding_ < most && sent_ == envelope_.to.size() && !all_or_nothing_ &&
      !chunked_) {
    data_asked_ = true;
    add("DATA\r\n");
  }
  command(std::move(group), data_asked_ ? session_.timeouts.data : session_.timeouts.command, outstanding_);
}

void Delivery::on_reply(Reply&& reply) {
  switch (at_) {
    case At::envelope:
      return envelope_answered(std::move(reply));
    case At::data:
      return data_answered(reply);
    case At::chunks:
      return chunk_answered(std::move(reply));
    case At::empty_end:
      return finish();  // nobody got anything, whatever the server says to that
    case At::body:
    case At::committing:
    case At::end:
      return finished(reply);
  }
}

void Delivery::envelope_answered(Reply&& reply) {
  --outstanding_;
  if (reset_asked_) {
    reset_asked_ = false;
    session_.used = mail_asked_;
    if (!reply.positive()) {
      session_.dead = true;
      return end(from(reply, Errc::protocol, "the server refused RSET"));
    }
  } else if (!mail_reply_) {
    mail_reply_ = std::move(reply);
  } else if (answered_ < sent_) {
    recipient_answered(reply);
  } else {
    data_reply_ = std::move(reply);
  }
  if (outstanding_ > 0) return;
  const bool no_sender = mail_reply_ && !accepts(*mail_reply_);
  if (!no_sender && (!mail_reply_ || sent_ < envelope_.to.size())) return send_envelope();
  envelope_known();
}

void Delivery::recipient_answered(const Reply& reply) {
  RecipientOutcome& r = outcome_.recipients[answered_++];
  if (!accepts(*mail_reply_))
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

void Delivery::envelope_known() {
  if (!accepts(*mail_reply_)) {
    decide(*mail_reply_, "the server refused the sender");
    return conclude();
  }
  std::size_t accepted = 0, refused = 0;
  std::string who;
  for (const RecipientOutcome& r : outcome_.recipients) {
    accepted += r.state == Rcpt::accepted;
    refused += r.state == Rcpt::refused;
    if (r.state != Rcpt::accepted && who.size() < 200) who += (who.empty() ? "" : ", ") + r.address;
  }
  const std::size_t all = outcome_.recipients.size();
  if (accepted < all && (accepted == 0 || all_or_nothing_)) {
    refuse_recipients(all_or_nothing_ ? refused > 0 : refused == all, who);
    return conclude();
  }
  outcome_.code = 0;
  outcome_.enhanced.clear();
  outcome_.server.clear();
  send_message();
}

void Delivery::send_message() {
  if (chunked_) {
    body_.emplace(message_, Body::Form::chunks);
    at_ = At::chunks;
    return on_written();
  }
  at_ = At::data;
  if (data_asked_) return data_answered(data_reply_);
  command("DATA\r\n", session_.timeouts.data);
}

void Delivery::data_answered(const Reply& reply) {
  if (reply.code == 354) {
    body_.emplace(message_, Body::Form::data);
    at_ = At::body;
    return on_written();
  }
  if (reply.code < 400)
    return end(from(reply, Errc::protocol, "the server answered DATA with something unexpected"));
  decide(reply, "the server refused DATA");
  finish();
}

void Delivery::on_written() {
  if (at_ != At::body && at_ != At::chunks) return;
  const bool chunks = at_ == At::chunks;
  if (chunks && outstanding_ > 0 && (!session_.caps.pipelining || outstanding_ >= kChunksAhead))
    return await(session_.timeouts.block);
  std::string piece;
  if (body_->next(piece)) {
    outstanding_ += chunks;
    return write(std::move(piece), session_.timeouts.block, true);
  }
  if (outstanding_ > 0) return await(session_.timeouts.block);
  written_out();
}

void Delivery::chunk_answered(Reply&& reply) {
  --outstanding_;
  if (reply.code >= 300 && reply.code < 400)
    return end(from(reply, Errc::protocol, "the server answered BDAT with something unexpected"));
  if (!accepts(reply) && !chunk_no_) chunk_no_ = std::move(reply);
  if (!chunk_no_) return on_written();
  // RFC 3030 §2: what is on its way is still answered; then the transaction is reset.
  if (outstanding_ > 0) return await(session_.timeouts.block);
  decide(*chunk_no_, "the server refused the message");
  finish();
}

void Delivery::written_out() {
  at_ = At::committing;
  if (in_step()) pause();
}

bool Delivery::ready() { return at_ == At::committing && !session_.dead && in_step(); }

void Delivery::commit() {
  if (at_ != At::committing || session_.dead) return;
  resume();
  // A server that has answered already did so without the whole message; command() ends the dialogue then,
  // and nothing was sent.
  at_ = At::end;
  command(std::string(body_->last()), session_.timeouts.final_dot, 1, true);
  if (!session_.dead) end_given_ = true;  // from here on the write may happen, wholly or in part
}

void Delivery::finished(const Reply& reply) {
  session_.used = false;
  if (accepts(reply)) {
    outcome_.state = Outcome::State::delivered;
    outcome_.code = reply.code;
    outcome_.enhanced = reply.enhanced;
    outcome_.server = reply.text();
    return finish();
  }
  if (reply.code < 400)
    return end(from(reply, Errc::protocol, "the server answered the message with something unexpected"));
  decide(reply, "the server refused the message");
  session_.used = chunked_;  // a refused LAST leaves the transaction open for some servers
  finish();
}

void Delivery::refuse_recipients(bool for_good, const std::string& who) {
  outcome_.state = for_good ? Outcome::State::refused : Outcome::State::temporary;
  outcome_.error = {for_good ? Errc::refused : Errc::temporary, "the server refused a recipient",
                    printable(who, 250), outcome_.server,
                    for_good ? "Correct the address." : "Try again later."};
}

void Delivery::decide(const Reply& reply, std::string what) {
  const bool later = reply.code < 500;
  outcome_.state = later ? Outcome::State::temporary : Outcome::State::refused;
  outcome_.code = reply.code;
  outcome_.enhanced = reply.enhanced;
  outcome_.server = reply.text();
  outcome_.error =
      from(reply, later ? Errc::temporary : Errc::refused, std::move(what),
           later ? "Try again later." : "Change what the server objects to before trying again.");
}

void Delivery::conclude() {
  settled_ = true;
  if (data_reply_.code != 354) return finish();
  // RFC 2920 §3.1: the server waits for a message that nobody will get; it gets an empty one.
  at_ = At::empty_end;
  command(".\r\n", session_.timeouts.command);
}

void Delivery::on_failed(const Error& error) {
  outcome_.connection_ok = false;
  session_.dead = true;
  if (settled_) return;
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
