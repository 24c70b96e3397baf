// The SMTP client against Postfix.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "net/loop.hpp"
#include "rig/rig.hpp"
#include "smtp/client.hpp"

namespace mailroom::smtp {
namespace {

using testing::Loop;
using testing::Rig;

class SmtpRig : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { rig = new Rig; }
  static void TearDownTestSuite() {
    delete rig;
    rig = nullptr;
  }

  static Login login(net::TlsMode tls = net::TlsMode::implicit) {
    Login l;
    l.endpoint.host = rig->host();
    l.endpoint.port = static_cast<std::uint16_t>(tls == net::TlsMode::implicit ? rig->smtp_tls_port()
                                                                               : rig->smtp_submission_port());
    l.endpoint.tls = tls;
    l.endpoint.ca_file = rig->ca_file();
    l.credentials.emplace();
    l.credentials->user = rig->user();
    l.credentials->password = aoh::Secret(rig->password());
    return l;
  }

  net::TraceSink tracer() {
    return [this](std::string_view line) { trace += std::string(line) + "\n"; };
  }

  static Rig* rig;
  Loop loop;
  std::string trace;
};
Rig* SmtpRig::rig = nullptr;

// Functions, because GCC 12 cannot hold a braced list across a co_await.
template <typename... Address>
Envelope to(Address... address) {
  Envelope e;
  e.from = "quotes@rig.test";
  (e.to.emplace_back(address), ...);
  return e;
}

Envelope huge() {
  Envelope e = to("ok@rig.test");
  e.size = 1ull << 40;
  return e;
}

std::string message(const std::string& id, const std::string& body) {
  return "From: <quotes@rig.test>\r\nTo: <a@rig.test>\r\nMessage-ID: " + id + "\r\nSubject: t\r\n\r\n" + body;
}

TEST_F(SmtpRig, DeliversWithDotsOverImplicitTls) {
  int commits = 0;
  loop.run([&]() -> net::Task<void> {
    auto client = co_await Client::connect(loop.executor(), loop.context(), login(), tracer());
    EXPECT_TRUE(client->capabilities().pipelining);
    const Outcome o =
        co_await client->deliver(to("dots@rig.test", "other@rig.test"),
                                 message("<dots@x>", ".\r\n..two\r\nline\r\n."), [&] { ++commits; });
    EXPECT_EQ(name(o.state), "delivered") << o.error.line();
    EXPECT_EQ(o.recipients.size(), 2u);
    EXPECT_EQ(name(o.recipients[1].state), "accepted");
    EXPECT_EQ(o.code, 250);
    EXPECT_NE(o.server.find("queued"), std::string::npos) << o.server;
    const Outcome again =
        co_await client->deliver(to("dots@rig.test"), message("<again@x>", "second on one connection\r\n"));
    EXPECT_EQ(name(again.state), "delivered") << again.error.line();
    co_await client->quit();
  });
  EXPECT_EQ(commits, 1);
  const aoh::Json mail = rig->maildir("dots@rig.test", 2);
  bool seen = false;
  for (const aoh::Json& m : mail.items())
    if (m["message_id"].str() == "<dots@x>") {
      seen = true;
      EXPECT_EQ(m["body"].str(), ".\n..two\nline\n.\n");
    }
  EXPECT_TRUE(seen);
  EXPECT_EQ(trace.find(rig->password()), std::string::npos);
  EXPECT_EQ(trace.find("two"), std::string::npos) << "the message is not traced";
}

TEST_F(SmtpRig, UpgradesByStartTlsAndSendsALargeMessage) {
  std::string body;
  for (int i = 0; i < 60'000; ++i)
    body += ".This line begins with a dot, number " + std::to_string(i) + "\r\n";
  loop.run([&]() -> net::Task<void> {
    auto client =
        co_await Client::connect(loop.executor(), loop.context(), login(net::TlsMode::starttls), tracer());
    EXPECT_FALSE(client->capabilities().starttls);
    const Outcome o = co_await client->deliver(to("large@rig.test"), message("<large@x>", body));
    EXPECT_EQ(name(o.state), "delivered") << o.error.line();
    co_await client->quit();
  });
  const aoh::Json mail = rig->maildir("large@rig.test", 1);
  std::string arrived = mail.at(0)["body"].str();
  std::erase(body, '\r');
  EXPECT_TRUE(arrived == body);
}

TEST_F(SmtpRig, ReportsARefusalAndGoesOn) {
  loop.run([&]() -> net::Task<void> {
    auto client = co_await Client::connect(loop.executor(), loop.context(), login(), tracer());
    Outcome o = co_await client->deliver(to("user@[999.1.1.1]"), message("<r@x>", "b\r\n"));
    EXPECT_EQ(name(o.state), "refused") << trace;
    EXPECT_EQ(name(o.recipients[0].state), "refused") << trace;
    EXPECT_GE(o.code, 500);
    EXPECT_FALSE(o.error.server.empty());
    EXPECT_TRUE(o.connection_ok);
    o = co_await client->deliver(to("ok@rig.test", "user@[999.1.1.1]"), message("<partial@x>", "b\r\n"));
    EXPECT_EQ(name(o.state), "delivered") << trace;
    EXPECT_EQ(name(o.recipients[0].state), "accepted");
    EXPECT_EQ(name(o.recipients[1].state), "refused");
    o = co_await client->deliver(to("ok@rig.test", "user@[999.1.1.1]"), message("<none@x>", "b\r\n"), {},
                                 true);
    EXPECT_EQ(name(o.state), "refused") << trace;
    o = co_await client->deliver(huge(), message("<big@x>", "b\r\n"));
    EXPECT_EQ(name(o.state), "refused");
    EXPECT_NE(o.error.what.find("bytes"), std::string::npos);
    co_await client->quit();
  });
  EXPECT_EQ(rig->maildir("ok@rig.test", 1).size(), 1u);
}

Envelope with_reports() {
  Envelope e = to("reports@rig.test");
  e.dsn.success = e.dsn.failure = true;
  e.dsn.content = Dsn::Return::headers;
  e.dsn.envelope_id = "QQ+31=4";
  return e;
}

// Postfix parses every parameter, and its report brings the envelope id and the original recipient back.
TEST_F(SmtpRig, ReportsOnDeliveryCarryTheEnvelopeId) {
  loop.run([&]() -> net::Task<void> {
    auto client = co_await Client::connect(loop.executor(), loop.context(), login(), tracer());
    EXPECT_TRUE(client->capabilities().dsn);
    const Outcome o = co_await client->deliver(with_reports(), message("<reports@x>", "b\r\n"));
    EXPECT_EQ(name(o.state), "delivered") << o.error.line();
    EXPECT_TRUE(o.dsn);
    co_await client->quit();
  });
  EXPECT_EQ(rig->maildir("reports@rig.test", 1).size(), 1u);
  const aoh::Json report = rig->maildir("quotes@rig.test", 1);
  const std::string file = report.at(0)["file"].str();
  std::ifstream in(file, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  EXPECT_NE(text.find("Original-Envelope-Id: QQ+31=4"), std::string::npos) << text;
  EXPECT_NE(text.find("Original-Recipient: rfc822;reports@rig.test"), std::string::npos) << text;
}

TEST_F(SmtpRig, ALargeMessageGoesInChunks) {
  std::string body;
  while (body.size() < 3'000'000) body += ".A line that DATA would have to stuff\r\n.\r\n";
  int commits = 0;
  loop.run([&]() -> net::Task<void> {
    auto client = co_await Client::connect(loop.executor(), loop.context(), login(), tracer());
    EXPECT_TRUE(client->capabilities().chunking);
    const Outcome o =
        co_await client->deliver(to("chunks@rig.test"), message("<chunks@x>", body), [&] { ++commits; });
    EXPECT_EQ(name(o.state), "delivered") << o.error.line();
    const Outcome after = co_await client->deliver(to("chunks@rig.test"), message("<small@x>", "b\r\n"));
    EXPECT_EQ(name(after.state), "delivered") << after.error.line();
    co_await client->quit();
  });
  EXPECT_EQ(commits, 1);
  std::erase(body, '\r');
  bool seen = false;
  const aoh::Json mail = rig->maildir("chunks@rig.test", 2);
  for (const aoh::Json& m : mail.items())
    if (m["message_id"].str() == "<chunks@x>") {
      seen = true;
      EXPECT_TRUE(m["body"].str() == body);
    }
  EXPECT_TRUE(seen);
  EXPECT_NE(trace.find("C: DATA\n"), std::string::npos) << trace;
  EXPECT_EQ(trace.find("C: DATA\n"), trace.rfind("C: DATA\n")) << "the large one went without";
}

Envelope with_require_tls() {
  Envelope e = to("tls@rig.test");
  e.require_tls = true;
  return e;
}

TEST_F(SmtpRig, RequireTlsIsNotPromisedByAServerWithoutIt) {
  loop.run([&]() -> net::Task<void> {
    auto client = co_await Client::connect(loop.executor(), loop.context(), login(), tracer());
    const Outcome o = co_await client->deliver(with_require_tls(), message("<tls@x>", "b\r\n"));
    EXPECT_EQ(name(o.state), "refused");
    EXPECT_EQ(o.error.code, Errc::unsupported);
    EXPECT_TRUE(o.connection_ok);
    const Outcome without = co_await client->deliver(to("tls@rig.test"), message("<notls@x>", "b\r\n"));
    EXPECT_EQ(name(without.state), "delivered") << without.error.line();
    co_await client->quit();
  });
  EXPECT_EQ(rig->maildir("tls@rig.test", 1).size(), 1u);
}

Envelope in_utf8() {
  Envelope e = to("gr\xC3\xBCn@rig.test");
  e.smtputf8 = true;
  e.dsn.failure = true;  // ORCPT in its utf-8 form
  return e;
}

TEST_F(SmtpRig, AnAddressInUtf8IsTaken) {
  loop.run([&]() -> net::Task<void> {
    auto client = co_await Client::connect(loop.executor(), loop.context(), login(), tracer());
    EXPECT_TRUE(client->capabilities().smtputf8);
    const Outcome o = co_await client->deliver(in_utf8(), message("<utf8@x>", "gr\xC3\xBCn\r\n"));
    EXPECT_EQ(name(o.state), "delivered") << o.error.line() << trace;
    co_await client->quit();
  });
}

TEST_F(SmtpRig, AThrowingCommitSendsNothing) {
  EXPECT_THROW(loop.run([&]() -> net::Task<void> {
    auto client = co_await Client::connect(loop.executor(), loop.context(), login());
    co_await client->deliver(to("commit@rig.test"), message("<c@x>", "b\r\n"),
                             [] { throw std::runtime_error("disk full"); });
  }),
               std::runtime_error);
  std::this_thread::sleep_for(std::chrono::seconds(1));
  EXPECT_EQ(rig->maildir("commit@rig.test").size(), 0u);
}

TEST_F(SmtpRig, SaysWhatIsWrong) {
  const auto connect = [&](Login l) {
    auto held = std::make_shared<Login>(std::move(l));
    try {
      loop.run([this, held]() -> net::Task<void> {
        co_await Client::connect(loop.executor(), loop.context(), std::move(*held), tracer());
      });
    } catch (const Failure& f) {
      return f.error;
    }
    return Error{};
  };
  Login wrong = login();
  wrong.credentials->password = aoh::Secret("not-the-password");
  const Error auth = connect(std::move(wrong));
  EXPECT_EQ(auth.code, Errc::auth) << auth.line();
  Login nobody = login();
  nobody.endpoint.port = 1;
  const Error refused = connect(std::move(nobody));
  EXPECT_EQ(refused.code, Errc::connect) << refused.line();
  Login unknown = login();
  unknown.endpoint.host = "no-such-host.invalid";
  const Error dns = connect(std::move(unknown));
  EXPECT_EQ(dns.code, Errc::dns) << dns.line();
  EXPECT_EQ(trace.find("not-the-password"), std::string::npos);
}

}  // namespace
}  // namespace mailroom::smtp
