#include "smtp/proto/opening.hpp"

#include "auth/base64.hpp"
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
  mechanism_ = auth::choose(session_.caps.auth, *options_.credentials);
  if (!mechanism_) {
    std::string offered;
    for (const std::string& m : session_.caps.auth) offered += (offered.empty() ? "" : " ") + m;
    Error e{Errc::unsupported,
            "the SMTP server offers no way to sign in with a password",
            {},
            {},
            "Enable PLAIN or LOGIN for this account on the server."};
    e.server = offered.empty() ? "" : printable("AUTH " + offered);
    session_.dead = true;
    return end(std::move(e));
  }
  at_ = At::auth;
  std::string line = "AUTH " + std::string(mechanism_->name());
  if (const std::optional<aoh::Secret> initial = mechanism_->initial()) {
    const aoh::Secret encoded = auth::base64(initial->reveal());
    line.reserve(line.size() + encoded.reveal().size() + 8);
    line += ' ';
    line += encoded.empty() ? "=" : encoded.reveal();
  }
  command(line + "\r\n", session_.timeouts.command, 1, true);
  aoh::wipe(line);
}

void Opening::auth_answered(const Reply& reply) {
  if (reply.code == 235) {
    mechanism_.reset();
    return finish();
  }
  if (reply.code == 334 && ++challenges_ <= 16) {
    const std::optional<std::string> challenge =
        auth::unbase64(reply.lines.empty() ? "" : reply.lines.front());
    if (!challenge)
      return end({Errc::protocol, "the server's sign-in challenge is not base64", {}, reply.text(), {}});
    const aoh::Secret answer = auth::base64(mechanism_->step(*challenge).reveal());
    std::string line;
    line.reserve(answer.reveal().size() + 2);
    line += answer.reveal();
    line += "\r\n";
    return command(std::move(line), session_.timeouts.command, 1, true);
  }
  session_.dead = true;
  mechanism_.reset();
  // 4xx: the server could not check now, or wants us to slow down: the password may be right (RFC 4954 §4).
  if (reply.code < 500)
    return end(from(reply, reply.code < 400 ? Errc::protocol : Errc::auth_throttled,
                    "the SMTP server could not check the sign-in now",
                    "Wait a while; the password may be right."));
  end(from(reply, Errc::auth, "the SMTP server refused the sign-in",
           "Check user name and password; some providers want an app password."));
}

}  // namespace mailroom::smtp
