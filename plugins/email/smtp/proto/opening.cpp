#include "smtp/proto/opening.hpp"

#include "auth/base64.hpp"
#include "auth/choose.hpp"
#include "auth/words.hpp"
#include "smtp/proto/command.hpp"

namespace mailroom::smtp {

Opening::Opening(Session& session, OpeningOptions options) : Dialogue(session), options_(std::move(options)) {
  await(session_.timeouts.greeting);
}

void Opening::on_reply(Reply&& reply) {
  switch (at_) {
    case At::greeting:
      return greeted(reply);
    case At::ehlo:
      return announced(reply);
    case At::starttls:
      return upgrade_answered(reply);
    case At::auth:
      return auth_answered(reply);
  }
}

void Opening::greeted(const Reply& reply) {
  if (reply.code != 220) {
    session_.dead = true;
    return end(from(reply, reply.code >= 500 ? Errc::refused : Errc::temporary,
                    "the SMTP server does not take connections now"));
  }
  at_ = At::ehlo;
  command(ehlo(options_.ehlo_name), session_.timeouts.command);
}

void Opening::announced(const Reply& reply) {
  if (reply.code != 250) {
    session_.dead = true;
    return end(
        from(reply, reply.code >= 500 ? Errc::refused : Errc::temporary, "the SMTP server refused EHLO"));
  }
  session_.caps = parse_capabilities(reply);
  if (!options_.starttls || session_.tls) return sign_in();
  if (session_.caps.starttls) {
    at_ = At::starttls;
    return command("STARTTLS\r\n", session_.timeouts.command);
  }
  if (!options_.tls_required) return sign_in();
  end({Errc::starttls_missing,
       "the SMTP server does not offer STARTTLS, and TLS is required",
       {},
       {},
       "Use the server's implicit-TLS port (465), or have STARTTLS enabled; if it was offered before, "
       "somebody may be stripping it."});
}

void Opening::upgrade_answered(const Reply& reply) {
  if (reply.code != 220) {
    if (!options_.tls_required) return sign_in();
    return end(from(reply, Errc::starttls_missing, "the SMTP server refused STARTTLS",
                    "Use the implicit-TLS port (465)."));
  }
  // RFC 3207 §4.2, CVE-2011-0411: what came before the handshake must not be taken for what came after it.
  if (session_.replies.has_rest())
    return end({Errc::protocol,
                "bytes were sent ahead of the TLS handshake",
                {},
                {},
                "Somebody between here and the server may be injecting data: do not use this network path."});
  start_tls();
}

void Opening::on_tls() {
  at_ = At::ehlo;
  command(ehlo(options_.ehlo_name), session_.timeouts.command);
}

void Opening::sign_in() {
  if (options_.credentials == nullptr) return finish();
  if (!session_.tls && options_.tls_required)
    return end({Errc::starttls_missing, "the password is not sent without TLS", {}, {}, "Use TLS."});
  mechanisms_ = auth::usable(session_.caps.auth, *options_.credentials,
                             options_.circumstances ? options_.circumstances() : auth::Circumstances());
  if (mechanisms_.empty()) {
    session_.dead = true;
    return end(auth::no_way("SMTP", session_.caps.auth, *options_.credentials));
  }
  authenticate();
}

void Opening::authenticate() {
  constexpr std::size_t kLine = 510;  // RFC 4954 §4: a longer first response waits until it is asked for
  at_ = At::auth;
  challenges_ = 0;
  std::string line = "AUTH " + std::string(mechanisms_.front()->name());
  held_ = mechanisms_.front()->initial();
  if (held_) {
    const aoh::Secret encoded = auth::base64(held_->reveal());
    if (line.size() + 1 + encoded.reveal().size() <= kLine) {
      line.reserve(kLine + 2);  // no regrowth, which would leave copies behind
      line += ' ';
      line += encoded.empty() ? "=" : encoded.reveal();
      held_.reset();
    }
  }
  line += "\r\n";
  command(std::move(line), session_.timeouts.command, 1, true);
}

void Opening::challenged(const Reply& reply) {
  aoh::Secret answer;
  if (held_) {
    answer = auth::base64(std::exchange(held_, std::nullopt)->reveal());
  } else {
    const std::optional<std::string> challenge =
        auth::unbase64(reply.lines.empty() ? "" : reply.lines.front());
    if (!challenge)
      return end({Errc::protocol, "the server's sign-in challenge is not base64", {}, reply.text(), {}});
    answer = auth::base64(mechanisms_.front()->step(*challenge).reveal());
  }
  std::string line;
  line.reserve(answer.reveal().size() + 2);
  line += answer.reveal();
  line += "\r\n";
  command(std::move(line), session_.timeouts.command, 1, true);
}

void Opening::auth_answered(const Reply& reply) {
  if (reply.code == 334 && ++challenges_ <= 16) return challenged(reply);
  if (reply.code != 235) return auth_refused(reply);
  mechanisms_.front()->succeeded();
  mechanisms_.clear();
  finish();
}

void Opening::auth_refused(const Reply& reply) {
  // 504: the mechanism is not known (RFC 4954 §4). Other mechanisms are not tried with what has been judged.
  if (mechanisms_.size() > 1 && reply.code >= 500 &&
      (reply.code == 504 || mechanisms_.front()->unsupported() ||
       auth::says_unknown_mechanism(reply.text()))) {
    mechanisms_.erase(mechanisms_.begin());
    return authenticate();
  }
  session_.dead = true;
  Error error = from(reply, Errc::auth, "the SMTP server refused the sign-in");
  if (const std::string said = mechanisms_.front()->said(); !said.empty() && !error.server.empty())
    error.server = printable(error.server + " (" + said + ")");
  // 4xx: the server could not check now, or wants us to slow down: the password may be right (RFC 4954 §4).
  if (reply.code < 500 || auth::says_later(reply.text())) {
    error.code = reply.code < 400 ? Errc::protocol : Errc::auth_throttled;
    error.what = "the SMTP server could not check the sign-in now";
    error.cure = "Wait a while; the password may be right.";
  } else {
    error.cure = auth::cure_for(error.server, *options_.credentials);
  }
  mechanisms_.clear();
  end(std::move(error));
}

Error Opening::seen_as(Error error) const {
  // 421 instead of an answer to AUTH: too many tries, or too many connections.
  if (at_ == At::auth && error.code == Errc::bye) {
    error.code = Errc::auth_throttled;
    error.cure = "Wait a while; the password may be right.";
  }
  return error;
}

}  // namespace mailroom::smtp
