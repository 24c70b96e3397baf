#include "imap/proto/exchange.hpp"

#include <algorithm>

#include "imap/proto/ascii.hpp"
#include "imap/proto/mailbox_state.hpp"
#include "imap/proto/throttle.hpp"

namespace mailroom::imap {
namespace {

constexpr std::size_t kPortion =
    64 * 1024;  // bytes of a large literal in one write, so that each has a time-out of its own

struct Meaning {
  std::string_view code;
  Errc errc;
  const char* cure;
};
constexpr Meaning kMeanings[] = {
    {"NONEXISTENT", Errc::not_found, "Check the mailbox's name."},
    {"TRYCREATE", Errc::not_found, "Create the mailbox first."},
    {"UNAVAILABLE", Errc::temporary, "Try again later."},
    {"INUSE", Errc::temporary, "Try again later."},
    {"SERVERBUG", Errc::temporary, "Try again later."},
    {"LIMIT", Errc::temporary, "Too much was asked of the server at once: try again later."},
    {"OVERQUOTA", Errc::refused, "The mailbox is full."},
    {"NOPERM", Errc::refused, "The account may not do this."},
    {"AUTHENTICATIONFAILED", Errc::auth, ""},  // the opening knows what to do
    {"AUTHORIZATIONFAILED", Errc::auth, "The account may not use this mailbox."},
    {"EXPIRED", Errc::auth, "The password has expired: set a new one."},
    // RFC 3501 §7.1: the search goes without the words that are not ASCII, or not at all.
    {"BADCHARSET", Errc::unsupported, "Search for words in ASCII."},
    {"CONTACTADMIN", Errc::refused, "The server asks to contact its administrator."},
};

}  // namespace

Error status_error(const Response& r, std::string what) {
  Error e{Errc::refused,
          std::move(what),
          {},
          printable(r.code.empty() ? r.text : "[" + r.code + "] " + r.text),
          {}};
  for (const Meaning& m : kMeanings)
    if (r.code == m.code) {
      e.code = m.errc;
      e.cure = m.cure;
    }
  // Quirk: SELECT and STATUS of a missing mailbox are refused without a code by Dovecot 2.3 and by Cyrus,
  // with these words.
  for (const std::string_view words : {"Mailbox doesn't exist", "Mailbox does not exist"})
    if (r.code.empty() && r.text.starts_with(words)) {
      e.code = Errc::not_found;
      e.cure = "Check the mailbox's name.";
    }
  // Quirk throttled_answer.
  if (const auto wait = asked_to_wait(r.text)) {
    e.code = Errc::temporary;
    e.cure =
        "The server asks to wait " + std::to_string((wait->count() + 999) / 1000) + " s: try again then.";
  }
  return e;
}

Exchange::Exchange(Session& session, Command command, std::string what)
    : session_(session),
      command_(std::move(command)),
      what_(std::move(what)),
      tag_("a" + std::to_string(++session.tags)) {
  if (session_.dead) {
    end({Errc::closed, what_ + ": the IMAP session is over", {}, printable(session_.bye), "Connect again."});
    return;
  }
  command_.settle_names(session_.utf8_names());
  out_ = tag_ + " ";
  secret_ = command_.is_secret();
  write_pieces();
}

void Exchange::follow(const Command& command) {
  if (step_ == Step::failed) return;
  const auto text_only = [](const Command& c) { return c.pieces().size() == 1 && !c.pieces()[0].is_literal; };
  if (step_ != Step::write || secret_ || !text_only(command_) || !text_only(command))
    throw Failure(Errc::internal, "only plain commands go out together");
  later_.push_back("a" + std::to_string(++session_.tags));
  out_ += later_.back() + " " + command.pieces()[0].text + "\r\n";
}

/// Puts together what may be written before the server must be heard.
void Exchange::write_pieces() {
  const auto& pieces = command_.pieces();
  step_ = Step::write;
  borrowed_ = {};
  while (piece_ < pieces.size()) {
    const Command::Piece& p = pieces[piece_];
    if (!p.is_literal) {
      out_ += p.text;
      ++piece_;
      continue;
    }
    const std::string_view bytes = p.borrowed.empty() ? std::string_view(p.text) : p.borrowed;
    const bool at_once =
        session_.caps.has("LITERAL+") || (bytes.size() <= 4096 && session_.offers("LITERAL-"));
    out_ += "{" + std::to_string(bytes.size()) + (at_once ? "+}\r\n" : "}\r\n");
    awaiting_leave_ = !at_once;
    borrowed_ = bytes;
    return;
  }
  out_ += "\r\n";
}

Action Exchange::next() {
  if (step_ == Step::read) {
    try {
      take_frames();
    } catch (const Failure& f) {
      Error e = f.error;
      if (!is_fatal(e.code)) e.code = Errc::protocol;
      end(std::move(e));
    }
  }
  switch (step_) {
    case Step::write:
      if (!out_.empty()) return {Action::Kind::write, out_, secret_, session_.timeouts.write};
      return {Action::Kind::write, borrowed_.substr(0, kPortion), secret_, session_.timeouts.write};
    case Step::read:
      // Behind a BYE the tagged answer comes at once, or not at all.
      return {Action::Kind::read,
              {},
              false,
              session_.dead ? session_.timeouts.logout : session_.timeouts.command};
    case Step::event:
      return {Action::Kind::event, {}, false, {}};
    case Step::done:
      return {};
    case Step::failed:
      break;
  }
  return {Action::Kind::failed, {}, false, {}};
}

void Exchange::written() {
  if (!out_.empty()) {
    if (secret_)
      aoh::wipe(out_);
    else
      out_.clear();
    if (awaiting_leave_ || piece_ >= command_.pieces().size()) {
      step_ = Step::read;
      return;
    }
  } else {
    borrowed_.remove_prefix(std::min(kPortion, borrowed_.size()));
  }
  if (!borrowed_.empty()) return;
  ++piece_;
  write_pieces();
}

void Exchange::feed(std::string_view bytes) { session_.framer.feed(bytes); }

void Exchange::take_frames() {
  while (step_ == Step::read) {
    std::optional<Frame> frame = session_.framer.take();
    if (!frame) return;
    take(classify(std::move(*frame)));
  }
}

void Exchange::take(Response&& r) {
  using Kind = Response::Kind;
  if (!r.tag.empty()) return tagged(std::move(r));
  if (r.kind == Kind::go_ahead) {
    if (awaiting_leave_) {
      awaiting_leave_ = false;
      step_ = Step::write;
      if (borrowed_.empty()) {  // an empty literal
        ++piece_;
        write_pieces();
      }
      return;
    }
    if (!on_challenge) throw Failure(Errc::protocol, "the server asked to go on where nothing is to come");
    const aoh::Secret answer = on_challenge(r.text);
    out_.reserve(answer.reveal().size() + 2);
    out_ = answer.reveal();
    out_ += "\r\n";
    secret_ = true;
    step_ = Step::write;
    return;
  }
  if (++untagged_ > session_.limits.untagged)
    throw Failure(Errc::limit, "the server's answer to one command has more than " +
                                   std::to_string(session_.limits.untagged) + " responses");
  if (r.kind == Kind::no || r.kind == Kind::bad) last_complaint_ = r.text;
  // Quirk repeated_bye: the second one is the end, whatever is still to come.
  if (r.kind == Kind::bye && session_.dead)
    return end(
        {Errc::bye, what_ + ": the server ended the session", {}, printable(r.text), "Try again later."});
  if (on_untagged && on_untagged(r)) return;
  fold(session_, r);
}

void Exchange::tagged(Response&& r) {
  using Kind = Response::Kind;
  const auto other = std::find(later_.begin(), later_.end(), r.tag);
  if (other == later_.end() && (r.tag != tag_ || answered_))
    throw Failure(Errc::protocol, "the server answered a command that was not sent");
  if (r.kind == Kind::bye) {
    session_.bye = r.text;
    return end(
        {Errc::bye, what_ + ": the server ended the session", {}, printable(r.text), "Try again later."});
  }
  if (r.kind == Kind::ok) {
    if (piece_ < command_.pieces().size())
      throw Failure(Errc::protocol, "the server answered a command before it was complete");
    fold(session_, r);
  } else if (r.kind != Kind::no && r.kind != Kind::bad) {
    throw Failure(Errc::protocol, "the server's answer is neither OK, NO nor BAD");
  } else if (!refusal_) {
    refusal_ = status_error(r, what_);
    answer_ = r;
  }
  if (other == later_.end())
    answered_ = true;
  else
    later_.erase(other);
  if (!answered_ || !later_.empty()) return;
  if (refusal_) return end(std::move(refusal_));
  answer_ = std::move(r);
  step_ = Step::done;
  session_.framer.trim();
}

void Exchange::fail(Error cause) {
  if (step_ == Step::failed) return;
  if (session_.dead && (cause.code == Errc::closed || cause.code == Errc::timeout))
    cause = {
        Errc::bye, what_ + ": the server ended the session", {}, printable(session_.bye), "Try again later."};
  else
    cause.what = what_ + ": " + cause.what;
  if (cause.server.empty()) cause.server = printable(last_complaint_);
  if (!is_fatal(cause.code)) cause.code = Errc::closed;
  end(std::move(cause));
}

void Exchange::end(Error error) {
  if (is_fatal(error.code)) session_.dead = true;
  if (secret_) aoh::wipe(out_);
  error_ = std::move(error);
  step_ = Step::failed;
}

}  // namespace mailroom::imap
