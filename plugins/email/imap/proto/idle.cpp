#include "imap/proto/idle.hpp"

#include "imap/proto/data.hpp"
#include "imap/proto/exchange.hpp"
#include "imap/proto/mailbox_state.hpp"

namespace mailroom::imap {

Idle::Idle(Session& session, bool wake_on_flags)
    : session_(session), wake_on_flags_(wake_on_flags), tag_("a" + std::to_string(++session.tags)) {
  if (session_.dead) {
    end({Errc::closed, "the IMAP session is over", {}, printable(session_.bye), "Connect again."});
    return;
  }
  out_ = tag_ + " IDLE\r\n";
}

void Idle::stop() {
  stop_ = true;
  if (at_ != At::idle) return;  // before "+": as soon as it has come
  out_ = "DONE\r\n";
  at_ = At::leaving;
}

Action Idle::next() {
  try {
    take_frames();
  } catch (const Failure& f) {
    Error e = f.error;
    if (!is_fatal(e.code)) e.code = Errc::protocol;
    end(std::move(e));
  }
  switch (at_) {
    case At::asking:
    case At::leaving:
      return {Action::Kind::write, out_, false, session_.timeouts.write};
    case At::waiting:
      return {Action::Kind::read, {}, false, session_.timeouts.command};
    case At::idle:
      session_.framer.trim();
      std::string().swap(out_);
      return {Action::Kind::read, {}, false, std::chrono::milliseconds::max()};
    case At::ending:
      return {Action::Kind::read, {}, false, session_.timeouts.idle_done};
    case At::done:
      return {};
    case At::failed:
      break;
  }
  return {Action::Kind::failed, {}, false, {}};
}

void Idle::written() { at_ = at_ == At::leaving ? At::ending : At::waiting; }

void Idle::take_frames() {
  // Not while DONE is being written: what next() has handed out must not change under the writer.
  while (at_ == At::waiting || at_ == At::idle || at_ == At::ending) {
    std::optional<Frame> frame = session_.framer.take();
    if (!frame) break;
    Response r = classify(std::move(*frame));
    take(r);
  }
  if (at_ == At::idle && stop_) stop();
}

void Idle::take(Response& r) {
  using Kind = Response::Kind;
  if (!r.tag.empty()) return tagged(r);
  switch (r.kind) {
    case Kind::go_ahead:
      if (at_ == At::waiting) at_ = At::idle;
      return;
    case Kind::bye:
      fold(session_, r);
      return end(
          {Errc::bye, "the server ended the session during IDLE", {}, printable(r.text), "Connect again."});
    case Kind::exists:
      result_.exists = true;
      break;
    case Kind::expunge:
    case Kind::vanished:
      result_.expunged = true;
      break;
    case Kind::fetch:
      result_.flags = true;
      break;
    case Kind::status: {  // asked for by NOTIFY
      std::string name;
      const StatusData data = parse_status(r, name, session_.utf8_names());
      if (result_.others.size() < session_.limits.news || result_.others.count(name))
        result_.others[name] = data;
      break;
    }
    case Kind::ok:
      result_.news_lost = result_.news_lost || r.code == "NOTIFICATIONOVERFLOW";
      break;
    default:
      break;  // "* OK Still here" and the like
  }
  fold(session_, r);
  result_.exists_count = session_.mailbox.exists;
  if (result_.exists || result_.expunged || (result_.flags && wake_on_flags_) || !result_.others.empty() ||
      result_.news_lost)
    stop_ = true;
}

void Idle::tagged(const Response& r) {
  if (r.tag != tag_) throw Failure(Errc::protocol, "the server answered a command that was not sent");
  if (r.kind == Response::Kind::bye)
    return end(
        {Errc::bye, "the server ended the session during IDLE", {}, printable(r.text), "Connect again."});
  if (r.kind == Response::Kind::ok) {
    // Before DONE it means that the server has ended the IDLE by itself, as some do after a while: that is an
    // end like any other.
    result_.exists_count = session_.mailbox.exists;
    at_ = At::done;
    session_.framer.trim();
    return;
  }
  end(status_error(r, "the server refused IDLE"));
}

void Idle::fail(Error cause) {
  if (at_ == At::failed) return;
  cause.what = "IDLE: " + cause.what;
  if (!is_fatal(cause.code)) cause.code = Errc::closed;
  end(std::move(cause));
}

void Idle::end(Error error) {
  if (is_fatal(error.code)) session_.dead = true;
  error_ = std::move(error);
  at_ = At::failed;
}

}  // namespace mailroom::imap
