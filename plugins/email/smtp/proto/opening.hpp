// From the first byte to a session that may send: greeting, EHLO, STARTTLS, EHLO again, AUTH.
#pragma once
#include <memory>
#include <string>

#include "auth/mechanism.hpp"
#include "smtp/proto/dialogue.hpp"

namespace mailroom::smtp {

struct OpeningOptions {
  std::string ehlo_name;
  bool starttls = false;                           ///< upgrade by STARTTLS
  bool tls_required = true;                        ///< without TLS go no further
  const auth::Credentials* credentials = nullptr;  ///< borrowed while the machine lives; null: no AUTH
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
  bool vouched() const override { return session_.tls || !options_.tls_required; }
  void greeted(const Reply& reply);
  void announced(const Reply& reply);
  void upgrade_answered(const Reply& reply);
  void sign_in();
  void auth_answered(const Reply& reply);

  OpeningOptions options_;
  At at_ = At::greeting;
  std::unique_ptr<auth::Mechanism> mechanism_;
  unsigned challenges_ = 0;  // how many have been answered?
};

}  // namespace mailroom::smtp
