#include "oauth/proto/assertion.hpp"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <memory>

#include "base/error.hpp"
#include "oauth/proto/requests.hpp"
#include "support/json.hpp"

namespace mailroom::oauth {
namespace {

constexpr int kLeastBits = 2048;

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Context = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

int no_passphrase(char*, int, int, void*) { return -1; }

Key load(std::string_view pem, const std::string& where) {
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
  Key key(bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, &no_passphrase, nullptr) : nullptr,
          &EVP_PKEY_free);
  if (!key)
    throw Failure(Errc::config, "the service account's key cannot be read", where,
                  "Store a private key in PEM without passphrase, or Google's JSON key file");
  if (EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA || EVP_PKEY_get_bits(key.get()) < kLeastBits)
    throw Failure(Errc::config, "the service account's key is not an RSA key of 2,048 bits or more", where,
                  "Make another key for the service account");
  return key;
}

std::string sign(EVP_PKEY* key, std::string_view input) {
  const Context c(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  std::size_t n = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(input.data());
  if (!c || EVP_DigestSignInit(c.get(), nullptr, EVP_sha256(), nullptr, key) != 1 ||
      EVP_DigestSign(c.get(), nullptr, &n, bytes, input.size()) != 1)
    throw Failure(Errc::internal, "the assertion could not be signed");
  std::string out(n, '\0');
  if (EVP_DigestSign(c.get(), reinterpret_cast<unsigned char*>(out.data()), &n, bytes, input.size()) != 1)
    throw Failure(Errc::internal, "the assertion could not be signed");
  out.resize(n);
  return out;
}

}  // namespace

ServiceKey read_service_key(std::string_view text, const std::string& where) {
  ServiceKey out;
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos || text[first] != '{') {
    out.pem = aoh::Secret(std::string(text));
    return out;
  }
  try {
    const aoh::Json j = aoh::Json::parse(text);
    out.pem = aoh::Secret(j["private_key"].str());
    out.issuer = j["client_email"].str();
    out.key_id = j["private_key_id"].str();
  } catch (const aoh::JsonError&) {  // whose words could quote it
  }
  if (out.pem.empty())
    throw Failure(Errc::config, "the service account's key file has no private_key", where,
                  "Store the JSON key file as Google's console gave it, or the key alone in PEM");
  return out;
}

aoh::Secret assertion(const host::OAuthSettings& s, const ServiceKey& key, std::int64_t now_unix_s,
                      std::string_view token_id, const std::string& where) {
  const std::string issuer = s.issuer.empty() ? key.issuer : s.issuer;
  const std::string key_id = s.key_id.empty() ? key.key_id : s.key_id;
  if (issuer.empty())
    throw Failure(Errc::config, "nothing says who the service account is", where + ": oauth.issuer",
                  "Name its address there, or store Google's JSON key file as service_account_key");
  const Key loaded = load(key.pem.reveal(), where + ": service_account_key");
  aoh::Json header{{"alg", "RS256"}, {"typ", "JWT"}};
  header.set_if(!key_id.empty(), "kid", key_id);
  std::string scope;
  for (const auto& one : s.scopes) scope += (scope.empty() ? "" : " ") + one;
  aoh::Json claims{{"iss", issuer},
                   {"aud", s.audience.empty() ? s.token_endpoint : s.audience},
                   {"iat", now_unix_s - kAssertionBackdate},
                   {"exp", now_unix_s + kAssertionLife},
                   {"jti", token_id}};
  claims.set_if(!s.subject.empty(), "sub", s.subject).set_if(!scope.empty(), "scope", scope);
  const std::string input = base64url(header.dump()) + "." + base64url(claims.dump());
  return aoh::Secret(input + "." + base64url(sign(loaded.get(), input)));
}

}  // namespace mailroom::oauth
