// From the first byte to a session that may send: greeting, EHLO, STARTTLS, EHLO again, AUTH.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "auth/mechanism.hpp"
#include "smtp/proto/dialogue.hpp"

namespace mailroom::smtp {

struct OpeningOptions {
  std::string ehlo_name;
  bool starttls = false;                           ///< upgrade by STARTTLS
  bool tls_required = true;                        ///< without TLS go no further
  const auth::Credentials* credentials = nullptr;  ///< borrowed while the machine lives; null: no AUTH
  /// Asked right before the sign-in, when TLS is on; without it no SCRAM.
  std::function<auth::Circumstances()> circumstances{};
};

/// Session::tls tells whether TLS is on already. Credentials are written only when it is, or when TLS is not
/// required.
class Opening final : public Dialogue {
 public:
  Opening(Session& session, OpeningOptions options);
  ~Opening() override = default;

 private:
  enum class At { greeting, ehlo, starttls, auth };
  void on_reply(Reply&& reply) override;
  void on_tls() override;
  Error seen_as(Error error) const override;
  bool vouched() const override { return session_.tls || !options_.tls_required; }
  void greeted(const Reply& reply);
  void announced(const Reply& reply);
  void upgrade_answered(const Reply& reply);
  void sign_in();
  void authenticate();  ///< by the first mechanism that is left
  void challenged(const Reply& reply);
  void auth_answered(const Reply& reply);
  void auth_refused(const Reply& reply);

  OpeningOptions options_;
  At at_ = At::greeting;
  std::vector<std::unique_ptr<auth::Mechanism>> mechanisms_;  // those left to try; the first is under way
  std::optional<aoh::Secret> held_;                           // its first response, until it is asked for
  unsigned challenges_ = 0;                                   // how many have been answered?
};

}  // namespace mailroom::smtp
