// OAUTHBEARER (RFC 7628): a GS2 header and key=value pairs between ^A. A token that is refused is answered by
// a JSON challenge, which wants a single ^A before the server says no (§3.2.3).
#include "auth/mechanism.hpp"
#include "auth/oauth_challenge.hpp"

namespace mailroom::auth {
namespace {

class Oauthbearer final : public Mechanism {
 public:
  Oauthbearer(const Credentials& c, const Circumstances& where)
      : credentials_(c.clone()), host_(where.host), port_(where.port) {}
  std::string_view name() const override { return "OAUTHBEARER"; }
  bool judged() const override { return sent_; }
  std::string said() const override { return said_; }

  std::optional<aoh::Secret> initial() override {
    sent_ = true;
    const std::string_view token = credentials_.token.reveal();
    std::string m;
    m.reserve(2 * credentials_.user.size() + token.size() + host_.size() + 64);
    m += "n,a=";
    for (const char c : credentials_.user)  // saslname (RFC 5801 §4)
      if (c == ',')
        m += "=2C";
      else if (c == '=')
        m += "=3D";
      else
        m += c;
    m += ',';
    if (!host_.empty()) m += "\x01host=" + host_ + "\x01port=" + std::to_string(port_);
    m += "\x01"
         "auth=Bearer ";
    m += token;
    m += "\x01\x01";
    return aoh::Secret(std::move(m));
  }

  aoh::Secret step(std::string_view challenge) override {
    if (refused_) throw Failure(Errc::protocol, "the server sent a second challenge during OAUTHBEARER");
    refused_ = true;
    said_ = oauth_words(challenge);
    return aoh::Secret("\x01");
  }

  void succeeded() const override {
    if (refused_) throw Failure(Errc::protocol, "the server said yes to a token that it had refused");
  }

 private:
  Credentials credentials_;
  const std::string host_;
  const unsigned port_;
  bool sent_ = false;     // has the token gone out?
  bool refused_ = false;  // has the server said why it does not take it?
  std::string said_;
};

}  // namespace

std::unique_ptr<Mechanism> oauthbearer(const Credentials& credentials, const Circumstances& circumstances) {
  return std::make_unique<Oauthbearer>(credentials, circumstances);
}

}  // namespace mailroom::auth
