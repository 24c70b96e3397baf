// PLAIN (RFC 4616): one message, [authzid] NUL authcid NUL password.
#include "auth/mechanism.hpp"

namespace mailroom::auth {
namespace {

class Plain final : public Mechanism {
 public:
  explicit Plain(const Credentials& c) : credentials_(c.clone()) {}
  std::string_view name() const override { return "PLAIN"; }
  bool judged() const override { return sent_; }

  std::optional<aoh::Secret> initial() override {
    sent_ = true;
    const std::string_view password = credentials_.password.reveal();
    std::string m;
    // No regrowth, which would leave copies behind.
    m.reserve(credentials_.user.size() + password.size() + 2);
    m += '\0';
    m += credentials_.user;
    m += '\0';
    m += password;
    return aoh::Secret(std::move(m));
  }

  aoh::Secret step(std::string_view) override {
    throw Failure(Errc::protocol, "the server sent a challenge that PLAIN does not have");
  }

 private:
  Credentials credentials_;
  bool sent_ = false;  // has the one message gone out?
};

}  // namespace

std::unique_ptr<Mechanism> plain(const Credentials& credentials) {
  return std::make_unique<Plain>(credentials);
}

}  // namespace mailroom::auth
