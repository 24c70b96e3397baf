// TLS by configuration, against a real server: pins, a private CA, client certificates, names, versions.
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <filesystem>
#include <future>

#include "net/loop.hpp"
#include "net/pin.hpp"
#include "net/tls_server.hpp"

namespace mailroom::net {
namespace {

using namespace testing;

std::string pin_of_pem(const std::string& pem) {
  BIO* bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  X509* x = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
  std::string pin = pin_of(x);
  X509_free(x);
  BIO_free(bio);
  return pin;
}

/// Says what it saw of the client in the handshake: "SNI|subject of the client's certificate".
void greet(ssl_st* tls, int) {
  const char* name = SSL_get_servername(tls, TLSEXT_NAMETYPE_host_name);
  std::string said = name != nullptr ? name : "-";
  X509* client = SSL_get0_peer_certificate(tls);
  char subject[200] = "-";
  if (client != nullptr) X509_NAME_oneline(X509_get_subject_name(client), subject, sizeof subject);
  said += std::string("|") + subject + "\n";
  SSL_write(tls, said.data(), static_cast<int>(said.size()));
  SSL_shutdown(tls);
}

class TlsTest : public ::testing::Test {
 protected:
  TlsTest() {
    std::string name = "/tmp/tls-test-XXXXXX";
    dir = mkdtemp(name.data());
    CertificateOptions o;
    o.name = "Test CA";
    o.san.clear();
    o.ca = true;
    ca = make_certificate(o);
    ca_file = write_file(dir, "ca.pem", ca.certificate);
    leaf = make_certificate({}, &ca);
  }
  ~TlsTest() override { std::filesystem::remove_all(dir); }

  Endpoint to(const TlsServer& server, const std::string& host = "localhost") const {
    Endpoint e;
    e.host = host;
    e.port = server.port();
    e.ca_file = ca_file;
    e.connect_address = "127.0.0.1";
    return e;
  }

  /// The server's first line, or the error.
  struct Seen {
    std::string line;
    Error error;
    TlsDetails details;
  };
  Seen meet(const Endpoint& e) {
    Seen seen;
    try {
      loop.run([&]() -> Task<void> {
        auto stream = co_await open(loop.executor(), loop.context(), e);
        seen.details = *stream->tls_details();
        char buffer[500];
        while (seen.line.find('\n') == std::string::npos) {
          const std::size_t n = stream->try_read(buffer);
          seen.line.append(buffer, n);
          if (n == 0) {
            const Stream::Wake wake = co_await stream->wait_readable(std::chrono::seconds(10));
            if (wake != Stream::Wake::readable) break;
          }
        }
      });
    } catch (const Failure& f) {
      seen.error = f.error;
    }
    return seen;
  }
  Errc code(const Endpoint& e) { return meet(e).error.code; }
  Errc code(const Certificate& certificate, const std::string& host = "localhost") {
    const TlsServer server(certificate, greet);
    return code(to(server, host));
  }

  std::string dir, ca_file;
  Certificate ca, leaf;
  Loop loop;
};

TEST_F(TlsTest, APinnedKeyStandsInPlaceOfTheAuthorities) {
  const Certificate own = make_certificate({});
  const TlsServer server(own, greet);
  Endpoint e = to(server);
  e.ca_file.clear();
  EXPECT_EQ(code(e), Errc::certificate);
  e.pinned_keys = {pin_of_pem(leaf.certificate), pin_of_pem(own.certificate)};
  const Seen seen = meet(e);
  EXPECT_FALSE(seen.error) << seen.error.line();
  EXPECT_EQ(seen.details.key_pin, e.pinned_keys[1]);
  // Name and dates count all the same.
  e.host = "mail.example";
  EXPECT_EQ(code(e), Errc::certificate);
  CertificateOptions old;
  old.begins_s = -7200;
  old.ends_s = -3600;
  const Certificate expired = make_certificate(old);
  const TlsServer late(expired, greet);
  Endpoint f = to(late);
  f.ca_file.clear();
  f.pinned_keys = {pin_of_pem(expired.certificate)};
  EXPECT_NE(meet(f).error.what.find("expired"), std::string::npos);
}

TEST_F(TlsTest, AnotherKeyIsRefusedAlsoWhereTheAuthorityVouchesForIt) {
  const TlsServer server(leaf, greet);
  Endpoint e = to(server);
  e.pinned_keys = {pin_of_pem(make_certificate({}).certificate)};
  for (const bool with_ca : {true, false}) {
    if (!with_ca) e.ca_file.clear();
    const Error error = meet(e).error;
    EXPECT_EQ(error.code, Errc::certificate);
    EXPECT_NE(error.what.find(pin_of_pem(leaf.certificate)), std::string::npos) << error.line();
    EXPECT_FALSE(error.cure.empty());
  }
  // The key of the authority above is not the server's.
  e.pinned_keys = {pin_of_pem(ca.certificate)};
  EXPECT_EQ(code(e), Errc::certificate);
  // With ca_file both must hold.
  const Certificate own = make_certificate({});
  const TlsServer stranger(own, greet);
  Endpoint f = to(stranger);
  f.pinned_keys = {pin_of_pem(own.certificate)};
  EXPECT_EQ(code(f), Errc::certificate);
  f = to(server);
  f.pinned_keys = {pin_of_pem(leaf.certificate)};
  EXPECT_EQ(code(f), Errc::ok);
}

TEST_F(TlsTest, TheClientsCertificateIsShownToWhoAsksForIt) {
  CertificateOptions mine;
  mine.name = "client ada";
  mine.san.clear();
  mine.eku = "clientAuth";
  const Certificate client = make_certificate(mine, &ca);
  const auto demands = [&](int version) {
    return [this, version](SSL_CTX* c) {
      SSL_CTX_set_verify(c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
      SSL_CTX_load_verify_file(c, ca_file.c_str());
      SSL_CTX_set_max_proto_version(c, version);
    };
  };
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const TlsServer server(leaf, greet, false, 0, demands(version));
    Endpoint e = to(server);
    EXPECT_EQ(code(e), Errc::tls) << "without one";
    e.client_certificate = write_file(dir, "client.pem", client.certificate);
    e.client_key = std::make_shared<const aoh::Secret>(client.key);
    const Seen seen = meet(e);
    EXPECT_EQ(seen.line, "localhost|/CN=client ada\n") << seen.error.line();
    // What cannot be used is told before anything is sent.
    const auto refused = [&](const std::string& file, const std::string& key, const std::string& words) {
      Endpoint bad = to(server);
      bad.client_certificate = file;
      bad.client_key = std::make_shared<const aoh::Secret>(key);
      const Error error = meet(bad).error;
      EXPECT_EQ(error.code, Errc::config) << error.line();
      EXPECT_NE(error.what.find(words), std::string::npos) << error.line();
      EXPECT_EQ(error.line().find("PRIVATE"), std::string::npos);
    };
    refused(e.client_certificate, leaf.key, "not the key of");
    refused(e.client_certificate, "nonsense", "no PEM private key");
    refused(e.client_certificate,
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n",
            "no PEM private key");
    refused(dir + "/none.pem", client.key, "no readable PEM");
  }
}

TEST_F(TlsTest, NamesGoIntoSniInTheirWireFormAndAddressesDoNot) {
  CertificateOptions o;
  o.san = "DNS:localhost,DNS:imap.xn--bcher-kva.example,IP:127.0.0.1";
  const TlsServer server(make_certificate(o, &ca), greet);
  EXPECT_EQ(meet(to(server, "IMAP.bücher.example")).line, "imap.xn--bcher-kva.example|-\n");
  EXPECT_EQ(meet(to(server, "imap.xn--bcher-kva.example")).line, "imap.xn--bcher-kva.example|-\n");
  EXPECT_EQ(meet(to(server, "LocalHost.")).line, "localhost|-\n");
  EXPECT_EQ(meet(to(server, "127.0.0.1")).line, "-|-\n");
  EXPECT_EQ(code(to(server, "imap.bucher.example")), Errc::certificate);
}

TEST_F(TlsTest, OnlyTheAlternativeNamesOfAServersCertificateCount) {
  const auto with = [&](const std::string& san, const std::string& eku = "") {
    CertificateOptions o;
    o.name = "imap.mail.example";
    o.san = san;
    o.eku = eku;
    return make_certificate(o, &ca);
  };
  const std::string host = "imap.mail.example";
  EXPECT_EQ(code(with("DNS:" + host), host), Errc::ok);
  EXPECT_EQ(code(with("DNS:*.mail.example", "serverAuth"), host), Errc::ok);
  for (const char* san : {"", "DNS:*.example", "DNS:*.imap.mail.example", "DNS:i*.mail.example",
                          "DNS:*.*.example", "DNS:imap.*.example", "DNS:*", "DNS:mail.example",
                          "email:a@imap.mail.example", "URI:https://imap.mail.example/", "IP:127.0.0.1"})
    EXPECT_EQ(code(with(san), host), Errc::certificate) << san;
  EXPECT_EQ(code(with("DER:30:21:82:1f:69:6d:61:70:2e:6d:61:69:6c:2e:65:78:61:6d:70:6c:65:00:2e:65:76:69:6c:"
                      "2e:65:78:61:6d:70:6c:65"),
                 host),
            Errc::certificate)
      << "a NUL in the name";
  EXPECT_EQ(code(with("DNS:" + host, "clientAuth"), host), Errc::certificate);
  EXPECT_EQ(code(with("DNS:127.0.0.1"), "127.0.0.1"), Errc::certificate) << "an address is no DNS name";
}

TEST_F(TlsTest, AnIntermediateThatIsMissingIsNotGuessed) {
  CertificateOptions o;
  o.name = "Intermediate";
  o.san.clear();
  o.ca = true;
  const Certificate middle = make_certificate(o, &ca);
  const Certificate below = make_certificate({}, &middle);
  EXPECT_EQ(code(below), Errc::certificate);
  const TlsServer whole(below, greet, false, 0, [&](SSL_CTX* c) {
    BIO* bio = BIO_new_mem_buf(middle.certificate.data(), -1);
    SSL_CTX_add_extra_chain_cert(c, PEM_read_bio_X509(bio, nullptr, nullptr, nullptr));
    BIO_free(bio);
  });
  EXPECT_EQ(code(to(whole)), Errc::ok);
  // A certificate that is no authority's signs nothing.
  const Certificate forged = make_certificate({}, &leaf);
  const TlsServer wrong(forged, greet, false, 0, [&](SSL_CTX* c) {
    BIO* bio = BIO_new_mem_buf(leaf.certificate.data(), -1);
    SSL_CTX_add_extra_chain_cert(c, PEM_read_bio_X509(bio, nullptr, nullptr, nullptr));
    BIO_free(bio);
  });
  EXPECT_EQ(code(to(wrong)), Errc::certificate);
}

TEST_F(TlsTest, NothingBelowTls12AndNoWeakCipher) {
  for (const int version : {TLS1_VERSION, TLS1_1_VERSION}) {
    const TlsServer old(leaf, greet, false, version);
    EXPECT_EQ(code(to(old)), Errc::tls);
  }
  const auto only = [&](const char* ciphers) {
    return [ciphers](SSL_CTX* c) {
      SSL_CTX_set_security_level(c, 0);
      SSL_CTX_set_max_proto_version(c, TLS1_2_VERSION);
      EXPECT_EQ(SSL_CTX_set_cipher_list(c, ciphers), 1) << ciphers;
    };
  };
  for (const char* ciphers :
       {"NULL:@SECLEVEL=0", "aNULL:@SECLEVEL=0", "PSK:@SECLEVEL=0", "kRSA:@SECLEVEL=0"}) {
    const TlsServer weak(leaf, greet, false, 0, only(ciphers));
    EXPECT_EQ(code(to(weak)), Errc::tls) << ciphers;
  }
  const TlsServer good(leaf, greet, false, 0, only("ECDHE-ECDSA-AES128-GCM-SHA256"));
  const Seen seen = meet(to(good));
  EXPECT_EQ(seen.details.version, "TLSv1.2");
  EXPECT_EQ(seen.details.cipher, "ECDHE-ECDSA-AES128-GCM-SHA256");
}

TEST_F(TlsTest, DetailsAndTheObserverTellOfTheCertificatesEnd) {
  CertificateOptions o;
  o.ends_s = 10 * 86'400 + 3600;
  const TlsServer server(make_certificate(o, &ca), greet);
  std::vector<std::string> told;
  loop.contexts.on_handshake = [&](const Endpoint& e, const TlsDetails& d) {
    told.push_back(e.host + " " + std::to_string(d.days_left(std::time(nullptr))));
  };
  const Seen seen = meet(to(server));
  EXPECT_EQ(seen.details.version, "TLSv1.3");
  EXPECT_EQ(told, std::vector<std::string>{"localhost 10"});
  EXPECT_EQ(code(to(server, "other.example")), Errc::certificate);
  EXPECT_EQ(told.size(), 1u) << "a failed handshake is no handshake";
  EXPECT_EQ((TlsDetails{.certificate_ends_s = 86'400}.days_left(86'401)), -1);
  EXPECT_EQ((TlsDetails{.certificate_ends_s = 86'400}.days_left(86'400)), 0);
}

TEST_F(TlsTest, ARenegotiationIsRefusedAndDoesNotHang) {
  std::promise<bool> agreed;
  const TlsServer server(
      leaf,
      [&](ssl_st* tls, int) {
        char byte = 0;
        SSL_renegotiate(tls);
        SSL_do_handshake(tls);  // sends HelloRequest
        SSL_read(tls, &byte, 1);
        agreed.set_value(SSL_num_renegotiations(tls) > 0 && SSL_renegotiate_pending(tls) == 0);
      },
      false, 0, [](SSL_CTX* c) { SSL_CTX_set_max_proto_version(c, TLS1_2_VERSION); });
  const Error error = meet(to(server)).error;
  EXPECT_TRUE(error.code == Errc::closed || error.code == Errc::tls) << error.line();
  EXPECT_FALSE(agreed.get_future().get());
}

}  // namespace
}  // namespace mailroom::net
