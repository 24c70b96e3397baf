"""Faults in what docs/tls.md promises, each as somebody might make it: what it is, and the edits (file, what stands there, what stands there then). What two guards
hold has both taken away, since either alone holds."""
NET, IMAP, SMTP = "plugins/email/net/", "plugins/email/imap/proto/opening.cpp", "plugins/email/smtp/proto/"
RESPONSE = "plugins/email/imap/proto/response.cpp"
CONTEXT, SESSION = NET + "tls_context.cpp", NET + "tls_session.cpp"

# Goes where the server says, as a mail program of old would.
FOLLOW = r"""
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cstdlib>
static void go_where_it_says(const std::string& text) {
  const std::size_t at = text.find("127.0.0.1:");
  if (at == std::string::npos) return;
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_port = htons(static_cast<unsigned short>(std::atoi(text.c_str() + at + 10)));
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  (void)::connect(fd, reinterpret_cast<sockaddr*>(&a), sizeof a);
  ::close(fd);
}
"""
# Alone it changes the error only: OpenSSL takes no such bytes for a handshake.
NO_PEEK = (NET + "driver.cpp", "if (recv(stream.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0)",
           "if (recv(stream.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 100'000'000)")
# Without this guard, too, a password goes out in the clear.
IMAP_GUARD = (IMAP, 'if (!session_.tls && options_.tls_required)\n    return end({Errc::starttls_missing, "the password', 'if (false)\n    return end({Errc::starttls_missing, "the password')
SMTP_GUARD = (SMTP + "opening.cpp", 'if (!session_.tls && options_.tls_required)\n    return end({Errc::starttls_missing, "the password',
              'if (false)\n    return end({Errc::starttls_missing, "the password')

FAULTS = [
    # Who is at the other end.
    ("certificates are not verified", [(CONTEXT, "SSL_CTX_set_verify(c, SSL_VERIFY_PEER, nullptr)", "SSL_CTX_set_verify(c, SSL_VERIFY_NONE, nullptr)")]),
    ("any issuer will do", [(CONTEXT, "return X509_verify_cert(store) == 1 ? 1 : 0;",
                             "X509_STORE_CTX_set_verify_cb(store, whoever_signed);\n  return X509_verify_cert(store) == 1 ? 1 : 0;")]),
    ("the host name is not compared", [(SESSION, "(X509_VERIFY_PARAM_set1_host(param, host.c_str(), host.size()) != 1 ||", "(")]),
    ("an address is not compared", [(SESSION, "if (X509_VERIFY_PARAM_set1_ip_asc(param, host.c_str()) != 1 &&",
                                     "if (host.find_first_not_of(\"0123456789.:\") != std::string::npos &&")]),
    ("a common name counts", [(SESSION, "X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT", "X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS")]),
    ("* stands for a part of a label", [(SESSION, "X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT", "X509_CHECK_FLAG_NEVER_CHECK_SUBJECT")]),
    ("dates are not looked at", [(CONTEXT, "X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(c), X509_V_FLAG_PARTIAL_CHAIN);",
                                  "X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(c), X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_NO_CHECK_TIME);")]),
    ("the purpose is not looked at", [(SESSION, "SSL_set_connect_state(ssl);", "SSL_set_connect_state(ssl);\n  X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_ANY);")]),
    ("pins are not compared", [(CONTEXT, "if (std::find(pins.begin(), pins.end(), pin) == pins.end()) {", "if (pins.size() > 1'000) {")]),
    ("a pinned key needs no name and no date", [(CONTEXT, "if (X509_STORE_CTX_get_error_depth(store) == 0) return 0;", "break;")]),
    ("a server's name is not told to it (SNI)", [(SESSION, "SSL_set_tlsext_host_name(ssl, host.c_str()) != 1))", "false))")]),
    ("an address is told as if it were a name (SNI)", [(SESSION, "X509_VERIFY_PARAM* param = SSL_get0_param(ssl);",
                                                        "X509_VERIFY_PARAM* param = SSL_get0_param(ssl);\n  (void)SSL_set_tlsext_host_name(ssl, host.c_str());")]),
    ("an end that is near is not told", [("plugins/email/host/expiry.cpp", "if (left >= kDays) {", "if (left >= 0) {")]),
    # How strong it is.
    ("TLS 1.0 and 1.1 will do", [(CONTEXT, "SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION)", "SSL_CTX_set_min_proto_version(c, TLS1_VERSION)"),
                                 (CONTEXT, "SSL_CTX_set_security_level(c, 2)", "SSL_CTX_set_security_level(c, 0)")]),
    ("short keys and SHA-1 will do", [(CONTEXT, "SSL_CTX_set_security_level(c, 2)", "SSL_CTX_set_security_level(c, 0)")]),
    ("key exchange by static RSA", [(CONTEXT, '"ECDHE+AESGCM:ECDHE+CHACHA20', '"ALL:ECDHE+AESGCM:ECDHE+CHACHA20')]),
    # The way into TLS.
    ("TLS begins without a handshake", [(NET + "driver.cpp", "co_await stream.start_tls(capped(action.timeout, stream, options));", "")]),
    ("IMAP: STARTTLS is not offered: on in the clear", [(IMAP, "if (!options_.tls_required) return sign_in();\n  end(", "return sign_in();\n  end("), IMAP_GUARD]),
    ("SMTP: STARTTLS is not offered: on in the clear", [(SMTP + "opening.cpp", "if (!options_.tls_required) return sign_in();\n  end(", "return sign_in();\n  end("), SMTP_GUARD]),
    ("IMAP: STARTTLS is refused: on in the clear", [(IMAP, "else if (action.kind == Action::Kind::failed && !(optional",
                                                      "else if (action.kind == Action::Kind::failed && at_ == At::starttls && !is_fatal(exchange_->error().code))\n"
                                                      "      sign_in();\n    else if (action.kind == Action::Kind::failed && !(optional"), IMAP_GUARD]),
    ("SMTP: STARTTLS is refused: on in the clear", [(SMTP + "opening.cpp", "if (!options_.tls_required) return sign_in();\n    return end(from(", "return sign_in();\n    return end(from("),
                                                    SMTP_GUARD]),
    ("IMAP: what came ahead of TLS is taken for what comes after it", [(IMAP, "if (session_.framer.has_rest())\n        return end(", "if (false)\n        return end("), NO_PEEK,
                                                                       (IMAP, "session_.reset_for_tls();", "session_.tls = true, session_.caps_fresh = false;")]),
    ("SMTP: what came ahead of TLS is taken for what comes after it", [(SMTP + "opening.cpp", "if (session_.replies.has_rest())", "if (false)"), NO_PEEK,
                                                                       (SMTP + "dialogue.cpp", "session_.reset_for_tls();", "session_.tls = true;"),
                                                                       (SMTP + "dialogue.cpp", "if (!session_.replies.has_rest()) return true;", "return true;")]),
    ("IMAP: what was offered before TLS counts after it", [(IMAP, "session_.reset_for_tls();\n  ask_capability();", "session_.tls = true;\n  upgrade_or_sign_in();")]),
    ("SMTP: what was offered before TLS counts after it", [(SMTP + "dialogue.cpp", "session_.reset_for_tls();", "session_.tls = true;"),
                                                           (SMTP + "opening.cpp", "void Opening::on_tls() {\n  at_ = At::ehlo;", "void Opening::on_tls() {\n  return sign_in();\n  at_ = At::ehlo;")]),
    ("IMAP: PREAUTH before TLS is believed", [(IMAP, "if (!session_.tls && options_.tls_required)\n      return end(", "if (false)\n      return end(")]),
    ("IMAP: the sign-in comes before TLS where it is offered", [(IMAP, "if (!options_.starttls || session_.tls) return sign_in();", "return sign_in();"), IMAP_GUARD]),
    ("SMTP: the sign-in comes before TLS where it is offered", [(SMTP + "opening.cpp", "if (!options_.starttls || session_.tls) return sign_in();", "return sign_in();"), SMTP_GUARD]),
    ("IMAP: TLS is not asked of a server elsewhere (require_tls)", [("plugins/email/imap/client.cpp", "!client->stream_->is_loopback() || (endpoint.require_tls && endpoint.tls != net::TlsMode::none);",
                                                                     "false;")]),
    ("SMTP: TLS is not asked of a server elsewhere (require_tls)", [("plugins/email/smtp/client.cpp", "!client->stream_->is_loopback() || (endpoint.require_tls && endpoint.tls != net::TlsMode::none);",
                                                                     "false;")]),
    # What is said.
    ("IMAP: words from before TLS are shown", [(IMAP, "error.server.clear();\n    session_.bye.clear();", "")]),
    ("SMTP: words from before TLS are shown", [(SMTP + "dialogue.cpp", "if (!vouched()) error_.server.clear();", ""),
                                                (SMTP + "dialogue.cpp", "if (vouched()) return {code", "return {code")]),
    ("IMAP: a referral is followed", [(RESPONSE, "namespace mailroom::imap {", FOLLOW + "namespace mailroom::imap {"),
                                      (RESPONSE, "const std::string_view line = r.frame.line;",
                                       "const std::string_view line = r.frame.line;\n  if (line.find(\"REFERRAL\") != line.npos) go_where_it_says(std::string(line));")]),
    ("SMTP: a referral is followed", [(SMTP + "opening.cpp", "namespace mailroom::smtp {", FOLLOW + "namespace mailroom::smtp {"),
                                      (SMTP + "opening.cpp", "Error Opening::seen_as(Error error) const {", "Error Opening::seen_as(Error error) const {\n  go_where_it_says(error.server);")]),
    ("the trace has what is secret", [(NET + "driver.cpp", "if (action.secret)", "if (false)"),
                                      ("host_stub/services/log.cpp", "for (const std::string& s : secrets_) {\n    for (",
                                       "for (const std::string& s : secrets_) {\n    if (!s.empty()) break;\n    for (")]),
]
