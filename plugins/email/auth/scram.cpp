#include "auth/scram.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>

#include "auth/base64.hpp"
#include "auth/saslprep.hpp"

namespace mailroom::auth {
namespace {

using Hash = ScramKind::Hash;
using Binding = ScramKind::Binding;

constexpr std::size_t kMessageMost = 8'192;  // bytes of a server's message

[[noreturn]] void broken(const std::string& what) {
  throw Failure(Errc::protocol, "the SCRAM sign-in broke off: " + what, {},
                "If it stays, name other mechanisms in the credential's sasl.");
}

const EVP_MD* digest(Hash hash) { return hash == Hash::sha1 ? EVP_sha1() : EVP_sha256(); }

/// A key or a MAC: overwritten when it goes.
struct Bytes {
  Bytes() = default;
  Bytes(const Bytes&) = delete;
  Bytes& operator=(const Bytes&) = delete;
  ~Bytes() { OPENSSL_cleanse(bytes.data(), bytes.size()); }
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned size = 0;
  std::string_view view() const { return {reinterpret_cast<const char*>(bytes.data()), size}; }
};

const unsigned char* octets(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

void hmac(Hash hash, const Bytes& key, std::string_view text, Bytes& out) {
  if (!HMAC(digest(hash), key.bytes.data(), static_cast<int>(key.size), octets(text), text.size(),
            out.bytes.data(), &out.size))
    throw Failure(Errc::internal, "OpenSSL cannot make an HMAC");
}

/// name=value at the front of `rest`, taken off together with its comma.
std::string_view take(std::string_view& rest, char name) {
  if (rest.size() < 2 || rest[0] != name || rest[1] != '=')
    broken(std::string("its message lacks \"") + name + "=\" where it belongs");
  const std::size_t end = std::min(rest.find(','), rest.size());
  const std::string_view value = rest.substr(2, end - 2);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return value;
}

std::string saslname(std::string_view user) {
  const aoh::Secret prepared = saslprep(user, Prepared::query);
  std::string out;
  for (const char c : prepared.reveal())
    if (c == ',')
      out += "=2C";
    else if (c == '=')
      out += "=3D";
    else
      out += c;
  return out;
}

unsigned rounds(std::string_view text) {
  unsigned n = 0;
  if (text.empty() || text.size() > 9 || text[0] == '0') broken("its number of rounds is no number");
  for (const char c : text) {
    if (c < '0' || c > '9') broken("its number of rounds is no number");
    n = n * 10 + static_cast<unsigned>(c - '0');
  }
  if (n < kScramRoundsLeast)
    broken("the server wants " + std::to_string(n) + " rounds, and fewer than " +
           std::to_string(kScramRoundsLeast) + " protect no password");
  if (n > kScramRoundsMost)
    broken("the server wants " + std::to_string(n) + " rounds, and more than " +
           std::to_string(kScramRoundsMost) + " take too long");
  return n;
}

class Scram final : public Mechanism {
 public:
  Scram(const ScramKind& kind, const Credentials& c, const Circumstances& where)
      : kind_(kind), credentials_(c.clone()), nonce_(where.nonce) {
    switch (kind_.binding) {
      case Binding::none:
        header_ = "n,,";
        break;
      case Binding::not_offered:
        header_ = "y,,";
        break;
      case Binding::tls_exporter:
        header_ = "p=tls-exporter,,";
        bound_ = where.tls_exporter;
        break;
      case Binding::server_end_point:
        header_ = "p=tls-server-end-point,,";
        bound_ = where.server_end_point;
        break;
    }
  }
  std::string_view name() const override { return kind_.name; }
  bool judged() const override { return at_ != At::first; }
  bool unsupported() const override { return unsupported_; }
  std::string said() const override { return said_; }

  std::optional<aoh::Secret> initial() override {
    first_bare_ = "n=" + saslname(credentials_.user) + ",r=" + nonce_;
    return aoh::Secret(header_ + first_bare_);
  }

  aoh::Secret step(std::string_view challenge) override {
    if (challenge.size() > kMessageMost) broken("its message has more than 8,192 bytes");
    if (at_ != At::over && challenge.starts_with("e=")) return refused(challenge.substr(2));
    switch (at_) {
      case At::first:
        return prove(challenge);
      case At::proven:
        return believe(challenge);
      default:
        broken("the server went on after its end");
    }
  }

  void succeeded() const override {
    if (!verified_)
      throw Failure(
          Errc::protocol, "the server says that we are signed in, and has not proven that it knows us", {},
          "Somebody may be playing the server: do not use this network path until it is clear who.");
  }

 private:
  enum class At { first, proven, over };

  /// server-first-message (RFC 5802 §7): nonce, salt, rounds; the answer proves that we know the password.
  aoh::Secret prove(std::string_view server_first) {
    std::string_view rest = server_first;
    if (rest.starts_with("m=")) broken("the server wants an extension that nobody knows");
    const std::string_view nonce = take(rest, 'r');
    if (!nonce.starts_with(nonce_) || nonce.size() == nonce_.size() ||
        !std::all_of(nonce.begin(), nonce.end(), [](char c) { return c > 0x20 && c < 0x7F; }))
      broken("its nonce is not ours with something added");
    const std::optional<std::string> salt = unbase64(take(rest, 's'));
    if (!salt || salt->empty()) broken("its salt is not base64");
    const unsigned times = rounds(take(rest, 'i'));
    at_ = At::proven;

    std::string without_proof = "c=";
    without_proof += base64(header_ + bound_).reveal();
    without_proof += ",r=";
    without_proof += nonce;
    const std::string message = first_bare_ + "," + std::string(server_first) + "," + without_proof;

    Bytes salted, client_key, stored_key, signature, server_key;
    const aoh::Secret password = saslprep(credentials_.password.reveal(), Prepared::stored);
    salted.size = static_cast<unsigned>(EVP_MD_get_size(digest(kind_.hash)));
    if (PKCS5_PBKDF2_HMAC(password.reveal().data(), static_cast<int>(password.reveal().size()), octets(*salt),
                          static_cast<int>(salt->size()), static_cast<int>(times), digest(kind_.hash),
                          static_cast<int>(salted.size), salted.bytes.data()) != 1)
      throw Failure(Errc::internal, "OpenSSL cannot derive a key");
    hmac(kind_.hash, salted, "Client Key", client_key);
    if (EVP_Digest(client_key.bytes.data(), client_key.size, stored_key.bytes.data(), &stored_key.size,
                   digest(kind_.hash), nullptr) != 1)
      throw Failure(Errc::internal, "OpenSSL cannot make a digest");
    hmac(kind_.hash, stored_key, message, signature);
    hmac(kind_.hash, salted, "Server Key", server_key);
    hmac(kind_.hash, server_key, message, expected_);
    for (unsigned i = 0; i < client_key.size; ++i) client_key.bytes[i] ^= signature.bytes[i];
    return aoh::Secret(without_proof + ",p=" + std::string(base64(client_key.view()).reveal()));
  }

  /// server-final-message: the proof that the server knows the password, too.
  aoh::Secret believe(std::string_view server_final) {
    const std::optional<std::string> signature = unbase64(take(server_final, 'v'));
    if (!signature || signature->size() != expected_.size ||
        CRYPTO_memcmp(signature->data(), expected_.bytes.data(), expected_.size) != 0)
      throw Failure(
          Errc::protocol, "the server does not know the password that it asks for", {},
          "Somebody may be playing the server: do not use this network path until it is clear who.");
    verified_ = true;
    at_ = At::over;
    return {};
  }

  /// server-error-value.
  aoh::Secret refused(std::string_view why) {
    why = why.substr(0, why.find(','));
    at_ = At::over;
    said_ = printable(why, 100);
    const char* const tampered = why == "channel-bindings-dont-match"
                                     ? "the server sees another TLS connection than we do"
                                 : why == "server-does-support-channel-binding"
                                     ? "the server offers channel binding, and its offer did not reach us"
                                     : nullptr;
    if (tampered)
      throw Failure(Error{Errc::protocol,
                          tampered,
                          {},
                          said_,
                          "Something between here and the server ends the TLS connection: do not use this "
                          "network path, or, if that is meant to be so, name mechanisms without -PLUS in the "
                          "credential's sasl."});
    unsupported_ = why == "channel-binding-not-supported" || why == "unsupported-channel-binding-type";
    return {};
  }

  const ScramKind kind_;
  Credentials credentials_;
  const std::string nonce_;
  std::string header_;      // gs2-header
  std::string bound_;       // what binds to the channel
  std::string first_bare_;  // client-first-message-bare
  Bytes expected_;          // the server's signature
  At at_ = At::first;
  bool verified_ = false;
  bool unsupported_ = false;
  std::string said_;
};

}  // namespace

std::unique_ptr<Mechanism> scram(const ScramKind& kind, const Credentials& credentials,
                                 const Circumstances& circumstances) {
  return std::make_unique<Scram>(kind, credentials, circumstances);
}

}  // namespace mailroom::auth
