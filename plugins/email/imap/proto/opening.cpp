#include "imap/proto/opening.hpp"

#include "auth/base64.hpp"
#include "auth/choose.hpp"
#include "auth/words.hpp"
#include "imap/proto/ascii.hpp"
#include "imap/proto/mailbox_state.hpp"

namespace mailroom::imap {

Opening::Opening(Session& session, OpeningOptions options) : session_(session), options_(options) {}

Action Opening::next() {
  for (;;) {
    switch (at_) {
      case At::greeting:
        try {
          greeted();
        } catch (const Failure& f) {
          end(f.error);
        }
        if (at_ == At::greeting) return {Action::Kind::read, {}, false, session_.timeouts.greeting};
        continue;
      case At::handshake:
        return {Action::Kind::start_tls, {}, false, session_.timeouts.command};
      case At::done:
        return {};
      case At::failed:
        return {Action::Kind::failed, {}, false, {}};
      default:
        break;
    }
    const Action action = exchange_->next();
    const bool optional = at_ == At::identify || at_ == At::enable;
    if (action.kind == Action::Kind::failed && may_try_next()) {
      mechanisms_.erase(mechanisms_.begin());
      authenticate();
    } else if (action.kind == Action::Kind::failed && !(optional && !is_fatal(exchange_->error().code)))
      end(exchange_->error());
    else if (action.kind == Action::Kind::done || action.kind == Action::Kind::failed)
      advance();
    else
      return action;
  }
}

void Opening::written() {
  if (exchange_) exchange_->written();
}

void Opening::greeted() {
  using Kind = Response::Kind;
  std::optional<Frame> frame = session_.framer.take();
  if (!frame) return;
  Response r = classify(std::move(*frame));
  if (!r.tag.empty() || (r.kind != Kind::ok && r.kind != Kind::preauth && r.kind != Kind::bye))
    return end({Errc::protocol,
                "the server's first line is no IMAP greeting",
                {},
                printable(r.text),
                "Check host and port."});
  if (r.kind == Kind::bye) {
    session_.bye = r.text;
    return end({Errc::bye,
                "the IMAP server does not take connections now",
                {},
                printable(r.text),
                "Try again later."});
  }
  fold(session_, r);
  if (r.kind == Kind::preauth) {
    // CVE-2020-12398 and kin: after PREAUTH there is no STARTTLS, so a forged one would keep the session in
    // the clear.
    if (!session_.tls && options_.tls_required)
      return end(
          {Errc::protocol,
           "the server says that we are signed in before TLS has started",
           {},
           {},
           "Use the implicit-TLS port (993); somebody between here and the server may be interfering."});
    return signed_in();
  }
  if (session_.caps_fresh)
    upgrade_or_sign_in();
  else
    ask_capability();
}

void Opening::run(At at, Command command, const char* what) {
  at_ = at;
  if (session_.framer.has_rest() && at == At::starttls)
    return end({Errc::protocol,
                "the server spoke before it was asked",
                {},
                {},
                "Somebody between here and the server may be injecting data: do not use this network path."});
  exchange_.emplace(session_, std::move(command), what);
}

void Opening::advance() {
  if (session_.dead)  // a BYE came ahead of the answer
    return end(
        {Errc::bye, "the IMAP server ended the session", {}, printable(session_.bye), "Try again later."});
  switch (at_) {
    case At::capability:
      return upgrade_or_sign_in();
    case At::starttls:
      // RFC 3501 §11.1, CVE-2011-0411: what came ahead of the handshake must not be taken for what came after
      // it.
      if (session_.framer.has_rest())
        return end(
            {Errc::protocol,
             "bytes were sent ahead of the TLS handshake",
             {},
             {},
             "Somebody between here and the server may be injecting data: do not use this network path."});
      at_ = At::handshake;
      return;
    case At::sign_in:
      try {
        if (!mechanisms_.empty()) mechanisms_.front()->succeeded();
      } catch (const Failure& f) {
        return end(f.error);
      }
      mechanisms_.clear();
      return signed_in();
    case At::capability_after:
      return introduce();
    case At::identify:
      return enable();
    default:
      at_ = At::done;
  }
}

void Opening::signed_in() {
  session_.signed_in = true;
  if (session_.caps_fresh && !session_.quirks.has(Quirk::capability_after_sign_in)) return introduce();
  run(At::capability_after, Command("CAPABILITY"), "asking for the capabilities failed");
}

void Opening::introduce() {
  if (!session_.quirks.has(Quirk::id_after_sign_in)) return enable();
  Identity own = options_.identity;
  const std::string& user = options_.credentials->user;
  if (user.find('@') != std::string::npos) own.emplace("support-email", user);
  run(At::identify, id_command(own), "telling the server who we are failed");
}

void Opening::enable() {
  const std::vector<std::string> names = to_enable(session_, options_.enable);
  if (names.empty()) {
    at_ = At::done;
    return;
  }
  run(At::enable, enable_command(names), "enabling extensions failed");
}

void Opening::tls_started() {
  exchange_.reset();
  session_.reset_for_tls();
  ask_capability();
}

void Opening::upgrade_or_sign_in() {
  if (!options_.starttls || session_.tls) return sign_in();
  if (session_.caps.has("STARTTLS"))
    return run(At::starttls, Command("STARTTLS"), "the IMAP server refused STARTTLS");
  if (!options_.tls_required) return sign_in();
  end({Errc::starttls_missing,
       "the IMAP server does not offer STARTTLS, and TLS is required",
       {},
       {},
       "Use the server's implicit-TLS port (993), or have STARTTLS enabled; if it was offered before, "
       "somebody may be stripping it."});
}

void Opening::sign_in() {
  if (!session_.tls && options_.tls_required)
    return end({Errc::starttls_missing, "the password is not sent without TLS", {}, {}, "Use TLS."});
  std::vector<std::string> offered;
  for (const std::string& name : session_.caps.names())
    if (name.starts_with("AUTH=")) offered.push_back(name.substr(5));
  if (session_.quirks.has(Quirk::hidden_xoauth2)) offered.push_back("XOAUTH2");
  const auth::Credentials& who = *options_.credentials;
  const bool may_log_in =
      who.token.empty() && !session_.caps.has("LOGINDISABLED") && auth::allowed(who, "LOGIN");
  mechanisms_ =
      auth::usable(offered, who, options_.circumstances ? options_.circumstances() : auth::Circumstances());
  if (mechanisms_.empty() && !may_log_in) return end(auth::no_way("IMAP", offered, who));
  session_.caps_fresh = false;
  if (mechanisms_.empty()) return log_in();
  authenticate();
}

void Opening::log_in() {
  Command login("LOGIN ");
  login.secret().string(options_.credentials->user).raw(" ").string(options_.credentials->password.reveal());
  run(At::sign_in, std::move(login), "the sign-in to IMAP failed");
}

void Opening::authenticate() {
  Command command("AUTHENTICATE " + std::string(mechanisms_.front()->name()));
  held_ = mechanisms_.front()->initial();
  if (held_ && session_.caps.has("SASL-IR")) {
    const aoh::Secret encoded = auth::base64(held_->reveal());
    command.raw(" ").raw(encoded.empty() ? "=" : encoded.reveal());
    held_.reset();
  }
  command.secret();
  run(At::sign_in, std::move(command), "the sign-in to IMAP failed");
  if (exchange_)
    exchange_->on_challenge = [this](const std::string& text) {
      // Servers without SASL-IR ask with an empty challenge; some put words there, which are none.
      if (held_) return auth::base64(std::exchange(held_, std::nullopt)->reveal());
      const std::string challenge = auth::unbase64(text).value_or(std::string());
      return auth::base64(mechanisms_.front()->step(challenge).reveal());
    };
}

bool Opening::may_try_next() const {
  if (at_ != At::sign_in || mechanisms_.size() < 2 || is_fatal(exchange_->error().code)) return false;
  const auth::Mechanism& m = *mechanisms_.front();
  // RFC 3501 §6.2.2: BAD is a command that the server does not know, NO may be either.
  const Response& answer = exchange_->answer();
  return m.unsupported() || (answer.kind == Response::Kind::bad && !m.judged()) ||
         auth::says_unknown_mechanism(answer.text);
}

void Opening::refine(Error& error) const {
  const auth::Credentials& who = *options_.credentials;
  if (!mechanisms_.empty())
    if (const std::string said = mechanisms_.front()->said(); !said.empty())
      error.server = printable(error.server + " (" + said + ")");
  // A NO without a code is what most servers say to a wrong password; "not now" has codes of its own
  // (RFC 5530), or words.
  const bool later = is_temporary(error.code) || auth::says_later(error.server);
  error.code = later ? Errc::auth_throttled : Errc::auth;
  if (later)
    error.cure = "Wait a while; the password may be right.";
  else if (error.cure.empty() || !who.token.empty())
    error.cure = auth::cure_for(error.server, who);
}

void Opening::fail(Error cause) {
  if (at_ == At::failed) return;
  if (exchange_) {
    exchange_->fail(std::move(cause));
    return end(exchange_->error());
  }
  end(std::move(cause));
}

void Opening::end(Error error) {
  // Before TLS anybody may have written the server's words: they are not shown.
  if (options_.tls_required && !session_.tls) {
    error.server.clear();
    session_.bye.clear();
  }
  if (at_ == At::starttls && !is_fatal(error.code)) error.code = Errc::starttls_missing;
  if (at_ == At::sign_in && !is_fatal(error.code)) refine(error);
  mechanisms_.clear();
  held_.reset();
  session_.dead = true;
  exchange_.reset();
  error_ = std::move(error);
  at_ = At::failed;
}

}  // namespace mailroom::imap
