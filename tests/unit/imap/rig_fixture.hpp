// A client of the rig's Dovecot.
#pragma once
#include <gtest/gtest.h>

#include "imap/client.hpp"
#include "net/loop.hpp"
#include "rig/rig.hpp"

namespace mailroom::imap {

using testing::Loop;
using testing::Rig;

class ImapRig : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { rig = new Rig; }
  static void TearDownTestSuite() {
    delete rig;
    rig = nullptr;
  }

  static Login login(const std::string& user, net::TlsMode tls = net::TlsMode::implicit) {
    Login l;
    l.endpoint.host = rig->host();
    l.endpoint.port = static_cast<std::uint16_t>(tls == net::TlsMode::implicit ? rig->imap_tls_port()
                                                                               : rig->imap_plain_port());
    l.endpoint.tls = tls;
    l.endpoint.ca_file = rig->ca_file();
    l.credentials.user = user;
    l.credentials.password = aoh::Secret(rig->password());
    return l;
  }

  net::TraceSink tracer() {
    return [this](std::string_view line) { trace += std::string(line) + "\n"; };
  }

  Error failure(std::function<net::Task<void>()> body) {
    try {
      loop.run(std::move(body));
    } catch (const Failure& f) {
      return f.error;
    }
    ADD_FAILURE() << "no error";
    return {};
  }

  inline static Rig* rig = nullptr;
  Loop loop;
  std::string trace;
};

}  // namespace mailroom::imap
