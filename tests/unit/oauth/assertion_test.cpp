#include "oauth/proto/assertion.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "oauth/proto/requests.hpp"

namespace mailroom::oauth {
namespace {

using ::testing::HasSubstr;

std::string pem_of(EVP_PKEY* key) {
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  char* at = nullptr;
  const long n = BIO_get_mem_data(bio, &at);
  std::string out(at, static_cast<std::size_t>(n));
  BIO_free(bio);
  return out;
}

std::string unbase64url(std::string_view text) {
  std::string padded(text);
  for (char& c : padded) c = c == '-' ? '+' : c == '_' ? '/' : c;
  const std::size_t pad = (4 - padded.size() % 4) % 4;
  padded.append(pad, '=');
  std::string out(padded.size() / 4 * 3, '\0');
  EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                  reinterpret_cast<const unsigned char*>(padded.data()), static_cast<int>(padded.size()));
  out.resize(out.size() - pad);
  return out;
}

struct Assertion : ::testing::Test {
  static void SetUpTestSuite() { key = EVP_RSA_gen(2048); }
  static void TearDownTestSuite() { EVP_PKEY_free(key); }
  static host::OAuthSettings settings() {
    host::OAuthSettings s;
    s.grant = host::Grant::service_account;
    s.token_endpoint = "https://idp.example/token";
    s.subject = "ada@example.org";
    s.scopes = {"mail"};
    return s;
  }
  static inline EVP_PKEY* key = nullptr;
};

TEST_F(Assertion, IsSignedAndSaysWhoForWhomAndUntilWhen) {
  host::OAuthSettings s = settings();
  s.issuer = "robot@example.org";
  s.key_id = "k1";
  const aoh::Secret jwt = assertion(s, read_service_key(pem_of(key), "w"), 1'000'000, "id", "w");
  const std::string_view text = jwt.reveal();
  const auto first = text.find('.'), second = text.rfind('.');
  const aoh::Json header = aoh::Json::parse(unbase64url(text.substr(0, first)));
  const aoh::Json claims = aoh::Json::parse(unbase64url(text.substr(first + 1, second - first - 1)));
  EXPECT_EQ(header, (aoh::Json{{"alg", "RS256"}, {"typ", "JWT"}, {"kid", "k1"}}));
  EXPECT_EQ(claims["iss"].str(), "robot@example.org");
  EXPECT_EQ(claims["sub"].str(), "ada@example.org");
  EXPECT_EQ(claims["aud"].str(), "https://idp.example/token");
  EXPECT_EQ(claims["iat"].integer(), 1'000'000 - kAssertionBackdate);
  EXPECT_EQ(claims["exp"].integer(), 1'000'000 + kAssertionLife);
  const std::string signature = unbase64url(text.substr(second + 1));
  EVP_MD_CTX* c = EVP_MD_CTX_new();
  EVP_DigestVerifyInit(c, nullptr, EVP_sha256(), nullptr, key);
  EXPECT_EQ(EVP_DigestVerify(c, reinterpret_cast<const unsigned char*>(signature.data()), signature.size(),
                             reinterpret_cast<const unsigned char*>(text.data()), second),
            1);
  EVP_MD_CTX_free(c);
}

TEST_F(Assertion, GooglesKeyFileTellsIssuerAndKeyId) {
  const aoh::Json file{{"type", "service_account"},
                       {"private_key_id", "g1"},
                       {"private_key", pem_of(key)},
                       {"client_email", "robot@project.example"}};
  const ServiceKey k = read_service_key(" \n" + file.dump(true), "w");
  EXPECT_EQ(k.issuer, "robot@project.example");
  EXPECT_EQ(k.key_id, "g1");
  EXPECT_FALSE(assertion(settings(), k, 0, "id", "w").empty());
}

TEST_F(Assertion, WhatIsNoKeyIsRefusedWithoutQuotingIt) {
  host::OAuthSettings s = settings();
  s.issuer = "robot@example.org";
  EVP_PKEY* const small = EVP_RSA_gen(1024);
  EVP_PKEY* const curve = EVP_EC_gen("P-256");
  for (const std::string& bad : {std::string("planted"), std::string("{\"private_key\":\"planted\"}"),
                                 pem_of(small), pem_of(curve), std::string()})
    try {
      (void)assertion(s, read_service_key(bad, "w"), 0, "id", "w");
      ADD_FAILURE() << "it was taken";
    } catch (const Failure& f) {
      EXPECT_EQ(f.error.code, Errc::config);
      EXPECT_EQ(f.error.line().find("planted"), std::string::npos);
    }
  EVP_PKEY_free(small);
  EVP_PKEY_free(curve);
  EXPECT_THROW(read_service_key("{\"planted", "w"), Failure);
  s.issuer.clear();
  EXPECT_THROW((void)assertion(s, read_service_key(pem_of(key), "w"), 0, "id", "w"), Failure);
}

}  // namespace
}  // namespace mailroom::oauth
