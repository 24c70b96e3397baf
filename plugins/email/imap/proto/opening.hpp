// From the first byte to a signed-in session: greeting, CAPABILITY, STARTTLS, CAPABILITY, sign-in,
// CAPABILITY, ID where the server wants it, ENABLE.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "auth/mechanism.hpp"
#include "imap/proto/exchange.hpp"
#include "imap/proto/introduce.hpp"

namespace mailroom::imap {

struct OpeningOptions {
  bool starttls = false;                           ///< upgrade by STARTTLS
  bool tls_required = true;                        ///< without TLS go no further
  const auth::Credentials* credentials = nullptr;  ///< borrowed while the machine lives; not null
  /// Asked right before the sign-in, when TLS is on; without it no SCRAM.
  std::function<auth::Circumstances()> circumstances{};
  /// Told by ID where the server does not let us in without (Quirk::id_after_sign_in); the user is added as
  /// support-email where it is an address.
  Identity identity;
  /// Enabled where the server offers them (RFC 5161). Refusing them is no failure.
  std::vector<std::string> enable{"IMAP4rev2", "UTF8=ACCEPT"};
};

/// Session::tls tells whether TLS is on already. Credentials are written only when it is, or when TLS is not
/// required.
class Opening final : public Machine {
 public:
  Opening(Session& session, OpeningOptions options);

  Action next() override;
  void feed(std::string_view bytes) override { session_.framer.feed(bytes); }
  void written() override;
  void tls_started() override;
  void fail(Error cause) override;
  const Error& error() const override { return error_; }

 private:
  enum class At {
    greeting,
    capability,
    starttls,
    handshake,
    sign_in,
    capability_after,
    identify,
    enable,
    done,
    failed,
  };
  void greeted();
  void advance();  ///< the current command is done
  void run(At at, Command command, const char* what);
  void ask_capability() { run(At::capability, Command("CAPABILITY"), "asking for the capabilities failed"); }
  void upgrade_or_sign_in();
  void sign_in();
  void authenticate();              ///< by the first mechanism that is left
  void log_in();                    ///< by LOGIN, where there is none
  bool may_try_next() const;        ///< was the mechanism refused, and not the credentials?
  void refine(Error& error) const;  ///< of a refused sign-in: what it means
  void signed_in();                 ///< the server knows who we are: its capabilities anew
  void introduce();                 ///< then ID
  void enable();                    ///< then ENABLE
  void end(Error error);

  Session& session_;
  OpeningOptions options_;
  At at_ = At::greeting;
  std::optional<Exchange> exchange_;                          // the command under way
  std::vector<std::unique_ptr<auth::Mechanism>> mechanisms_;  // those left to try; the first is under way
  std::optional<aoh::Secret> held_;                           // its first response, until it is asked for
  Error error_;
};

}  // namespace mailroom::imap
