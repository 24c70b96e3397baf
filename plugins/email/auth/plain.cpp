// PLAIN (RFC 4616): one message, [authzid] NUL authcid NUL password.
#include "auth/mechanism.hpp"

namespace mailroom::auth {
namespace {

class Plain final : public Mechanism {
 public:
  explicit Plain(const Credentials& c) : credentials_(c.clone()) {}
  std::string_view name() const override { return "PLAIN"; }

  std::optional<aoh::Secret> initial() override {
    sent_ = true;
    return message();
  }

  aoh::Secret step(std::string_view challenge) override {
    // A server without initial responses asks with an empty challenge; anything else is not PLAIN.
    if (sent_ || !challenge.empty())
      throw Failure(Errc::protocol, "the server sent a challenge that PLAIN does not have");
    sent_ = true;
    return message();
  }

 private:
  aoh::Secret message() const {
    const std::string_view password = credentials_.password.reveal();
    std::string m;
    m.reserve(credentials_.user.size() + password.size() +
              2);  // no regrowth, which would leave copies behind
    m += '\0';
    m += credentials_.user;
    m += '\0';
    m += password;
    return aoh::Secret(std::move(m));
  }

  Credentials credentials_;
  bool sent_ = false;  // has the one message gone out?
};

}  // namespace

std::unique_ptr<Mechanism> plain(const Credentials& credentials) {
  return std::make_unique<Plain>(credentials);
}

}  // namespace mailroom::auth
