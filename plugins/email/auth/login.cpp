// LOGIN (draft-murchison-sasl-login-00): the server asks twice, for the user and for the password.
#include "auth/mechanism.hpp"

namespace mailroom::auth {
namespace {

class Login final : public Mechanism {
 public:
  explicit Login(const Credentials& c) : credentials_(c.clone()) {}
  std::string_view name() const override { return "LOGIN"; }
  bool judged() const override { return asked_ == 2; }
  std::optional<aoh::Secret> initial() override { return std::nullopt; }

  aoh::Secret step(std::string_view) override {
    // The prompts' words differ between servers ("Username:", "User Name", "VXNlcm5hbWU6" twice encoded);
    // their order does not.
    switch (asked_++) {
      case 0:
        return aoh::Secret(credentials_.user);
      case 1:
        return credentials_.password.clone();
      default:
        throw Failure(Errc::protocol, "the server asked a third time during LOGIN");
    }
  }

 private:
  Credentials credentials_;
  int asked_ = 0;  // how many prompts have been answered?
};

}  // namespace

std::unique_ptr<Mechanism> login(const Credentials& credentials) {
  return std::make_unique<Login>(credentials);
}

}  // namespace mailroom::auth
