// XOAUTH2 (Google's and Microsoft's): user=... ^A auth=Bearer ... ^A ^A. A token that is refused is answered
// by a JSON challenge, which wants an empty line before the server says no.
#include "auth/mechanism.hpp"
#include "auth/oauth_challenge.hpp"

namespace mailroom::auth {
namespace {

class Xoauth2 final : public Mechanism {
 public:
  explicit Xoauth2(const Credentials& c) : credentials_(c.clone()) {}
  std::string_view name() const override { return "XOAUTH2"; }
  bool judged() const override { return sent_; }
  std::string said() const override { return said_; }

  std::optional<aoh::Secret> initial() override {
    sent_ = true;
    const std::string_view token = credentials_.token.reveal();
    std::string m;
    m.reserve(credentials_.user.size() + token.size() + 24);
    m += "user=";
    m += credentials_.user;
    m += "\x01"
         "auth=Bearer ";
    m += token;
    m += "\x01\x01";
    return aoh::Secret(std::move(m));
  }

  aoh::Secret step(std::string_view challenge) override {
    if (refused_) throw Failure(Errc::protocol, "the server sent a second challenge during XOAUTH2");
    refused_ = true;
    said_ = oauth_words(challenge);
    return {};
  }

  void succeeded() const override {
    if (refused_) throw Failure(Errc::protocol, "the server said yes to a token that it had refused");
  }

 private:
  Credentials credentials_;
  bool sent_ = false;     // has the token gone out?
  bool refused_ = false;  // has the server said why it does not take it?
  std::string said_;
};

}  // namespace

std::unique_ptr<Mechanism> xoauth2(const Credentials& credentials) {
  return std::make_unique<Xoauth2>(credentials);
}

}  // namespace mailroom::auth
