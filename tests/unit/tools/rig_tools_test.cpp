// Tools against the real Postfix and Dovecot of tests/rig.
#include <gtest/gtest.h>

#include <fstream>

#include "email_fakes/fake_host.hpp"
#include "outbox/outbox.hpp"
#include "rig/rig.hpp"
#include "tools/draft.hpp"
#include "tools/fetch.hpp"
#include "tools/forward.hpp"
#include "tools/mailboxes.hpp"
#include "tools/reply.hpp"
#include "tools/send.hpp"

namespace mailroom::tools {
namespace {

using mailroom::testing::FakeCall;
using mailroom::testing::FakeHost;
using mailroom::testing::Rig;

struct RigTools : ::testing::Test {
  static void SetUpTestSuite() { rig = std::make_unique<Rig>(); }
  static void TearDownTestSuite() { rig.reset(); }
  static std::unique_ptr<Rig> rig;

  RigTools() {
    account("a", "ada@rig.test");
    account("b", "bob@rig.test");
  }
  void account(const std::string& id, const std::string& address) {
    fake.credentials[id] = aoh::Json{
        {"id", id},
        {"type", "mail"},
        {"email", address},
        {"name", "Person " + id},
        {"ca_file", rig->ca_file()},
        {"imap", {{"host", rig->host()}, {"port", rig->imap_tls_port()}, {"tls", "implicit"}}},
        {"smtp", {{"host", rig->host()}, {"port", rig->smtp_submission_port()}, {"tls", "starttls"}}}};
    fake.secrets[id + "/password"] = rig->password();
  }
  aoh::Json run(aoh::Result (*tool)(const Toolbox&, const aoh::Json&, aoh::Call&), const aoh::Json& args,
                const std::string& call_id = "c1", const std::string& session = {}) {
    aoh::Json context{{"call_id", call_id}};
    if (!session.empty()) context.set("session_id", session);
    FakeCall call(context);
    const aoh::Result r = tool(box, args, *call.call);
    EXPECT_EQ(r.status, AOH_OK);
    return r.body;
  }
  FakeHost fake;
  host::Runtime runtime{fake.c(), host::Config{}};
  outbox::Outbox outbox{runtime};
  Toolbox box{runtime, outbox, {}};
};
std::unique_ptr<Rig> RigTools::rig;

aoh::Json mail(const std::string& to, const std::string& subject) {
  return aoh::Json{{"credential_id", "a"}, {"to", to}, {"subject", subject}, {"text", "Hello"}};
}

TEST_F(RigTools, SendsOnceForAKeyAndTheRecipientHasIt) {
  aoh::Json args = mail("once@rig.test", "Grüße once");
  args.set("idempotency_key", "k1");
  args.set(
      "attachments",
      aoh::Json::array({aoh::Json{{"filename", "a.txt"}, {"mime_type", "text/plain"}, {"base64", "aGk="}}}));
  const aoh::Json first = run(email_send, args);
  ASSERT_FALSE(first["isError"].boolean()) << first.dump();
  EXPECT_EQ(first.path("structuredContent.state").str(), "sent");
  EXPECT_TRUE(first.path("structuredContent.recipients").at(0)["accepted"].boolean());
  const aoh::Json again = run(email_send, args, "c2");
  EXPECT_TRUE(again.path("structuredContent.repeated").boolean());
  EXPECT_EQ(again.path("structuredContent.message_id").str(),
            first.path("structuredContent.message_id").str());
  args.set("text", "something else");
  EXPECT_EQ(run(email_send, args, "c3").path("structuredContent.error.code").str(), "invalid");
  const aoh::Json box_of = rig->maildir("once@rig.test", 1);
  ASSERT_EQ(box_of.size(), 1u) << box_of.dump();
  EXPECT_EQ(box_of.at(0)["subject"].str(), "Grüße once");
}

TEST_F(RigTools, SendFetchReply) {
  const aoh::Json sent = run(email_send, mail("bob@rig.test", "Question"));
  ASSERT_FALSE(sent["isError"].boolean()) << sent.dump();
  const std::string id = sent.path("structuredContent.message_id").str();
  rig->maildir("bob@rig.test", 1);
  const aoh::Json got = run(email_fetch, {{"credential_id", "b"}, {"message_id", "<" + id + ">"}});
  ASSERT_FALSE(got["isError"].boolean()) << got.dump();
  const aoh::Json& m = got.path("structuredContent.message");
  EXPECT_EQ(m["subject"].str(), "Question");
  EXPECT_EQ(m["text"].str().substr(0, 5), "Hello");
  EXPECT_FALSE(m["flags"].dump().find("Seen") != std::string::npos) << "reading does not mark as read";
  const aoh::Json reply = run(email_reply, {{"credential_id", "b"},
                                            {"uid", m["uid"]},
                                            {"uid_validity", m["uid_validity"]},
                                            {"text", "An answer"},
                                            {"quote", true}});
  ASSERT_FALSE(reply["isError"].boolean()) << reply.dump();
  const aoh::Json back = rig->maildir("ada@rig.test", 1);
  EXPECT_EQ(back.at(0)["subject"].str(), "Re: Question");
  EXPECT_NE(back.at(0)["in_reply_to"].dump().find(id), std::string::npos) << back.dump();
  const aoh::Json raw = run(email_fetch, {{"credential_id", "b"}, {"uid", m["uid"]}, {"format", "raw"}});
  const std::string blob = raw.path("structuredContent.raw.blob").str();
  EXPECT_NE(fake.blobs[blob].find("Subject: Question"), std::string::npos);
  EXPECT_EQ(run(email_fetch, {{"credential_id", "b"}, {"uid", m["uid"]}, {"uid_validity", 1}})
                .path("structuredContent.error.code")
                .str(),
            "state");
  EXPECT_EQ(
      run(email_fetch, {{"credential_id", "b"}, {"uid", 999'999}}).path("structuredContent.error.code").str(),
      "not_found");
}

TEST_F(RigTools, AnAutomaticReplyToARobotIsRefusedForGood) {
  const std::vector<std::string> ids = rig->deliver(
      {.to = "robot-victim@rig.test", .subject = "vacation", .headers = {"Auto-Submitted: auto-replied"}});
  account("v", "robot-victim@rig.test");
  rig->maildir("robot-victim@rig.test", 1);
  fake.sessions["c9"] =
      aoh::Json{{"session_id", "s1"}, {"trigger", {{"email", {{"mailbox", "INBOX"}, {"uid", 1}}}}}};
  const aoh::Json r = run(email_reply, {{"credential_id", "v"}, {"uid", 1}, {"text", "x"}}, "c9", "s1");
  EXPECT_TRUE(r["isError"].boolean());
  EXPECT_EQ(r.path("structuredContent.error.code").str(), "refused") << r.dump();
  EXPECT_FALSE(r.path("structuredContent.error.temporary").boolean());
}

// What a session that a message opened sends by itself: the rules of policy/loop_guard.hpp, by tool.
struct LoopGuard : RigTools {
  LoopGuard() {
    account("v", kVictim);
    fake.sessions["c9"] =
        aoh::Json{{"session_id", "s1"}, {"trigger", {{"email", {{"mailbox", "INBOX"}, {"uid", 1}}}}}};
  }
  aoh::Json by_itself(aoh::Result (*tool)(const Toolbox&, const aoh::Json&, aoh::Call&), aoh::Json args) {
    args.set("credential_id", "v");
    const FakeCall call(aoh::Json{{"call_id", "c9"},
                                  {"session_id", "s1"},
                                  {"idempotency_key", "key-" + std::to_string(++keys)},
                                  {"grants", {{"v", aoh::Json::array({"send"})}}}});
    return tool(box, args, *call.call).body;
  }
  /// The rule that refused for good, else the state.
  static std::string fate(const aoh::Json& r) {
    const aoh::Json& error = r.path("structuredContent.error");
    if (error.is_null()) return r.path("structuredContent.state").str();
    EXPECT_EQ(error["code"].str(), "refused") << r.dump();
    EXPECT_FALSE(error["temporary"].boolean()) << r.dump();
    return error["where"].str();
  }
  std::string receive(const char* subject, std::vector<std::string> headers,
                      const char* from = "ann@rig.test") {
    Rig::Mail mail{.to = kVictim, .subject = subject};
    mail.from = from;
    mail.headers = std::move(headers);
    const std::string id = rig->deliver(mail).at(0);
    rig->maildir(kVictim, ++received);
    return id;
  }
  /// A draft that answers `id` (nothing when empty), stored by a person and sent by the session.
  std::string send_draft(const std::string& id, const std::string& to) {
    aoh::Json args{{"credential_id", "v"}, {"action", "create"}, {"to", to}, {"subject", "d"}, {"text", "x"}};
    if (!id.empty()) args.set("in_reply_to", aoh::Json{{"message_id", id}});
    const aoh::Json made = run(email_draft, args, "create-" + std::to_string(++keys));
    EXPECT_FALSE(made["isError"].boolean()) << made.dump();
    return fate(
        by_itself(email_draft, {{"action", "send"},
                                {"uid", made.path("structuredContent.draft.uid")},
                                {"uid_validity", made.path("structuredContent.draft.uid_validity")}}));
  }
  static constexpr const char* kVictim = "guarded@rig.test";
  static inline std::size_t received = 0;
  static inline int keys = 0;
};

TEST_F(LoopGuard, ForwardsAndDraftsKeepTheRulesOfReplies) {
  const struct {
    const char* rule;
    std::vector<std::string> headers;
    const char* from;
  } robots[] = {{"auto_submitted", {"Auto-Submitted: auto-generated"}, "ann@rig.test"},
                {"precedence", {"Precedence: bulk"}, "ann@rig.test"},
                {"list", {"List-Id: <l.rig.test>"}, "ann@rig.test"},
                {"suppressed", {"X-Auto-Response-Suppress: All"}, "ann@rig.test"},
                {"machine_sender", {}, "no-reply@rig.test"},
                {"own_address", {}, kVictim}};
  for (const auto& r : robots) {
    const std::string id = receive(r.rule, r.headers, r.from);
    const std::string rule = std::string("loop guard: ") + r.rule;
    EXPECT_EQ(fate(by_itself(email_forward, {{"message_id", id}, {"to", "carl@rig.test"}})), rule);
    EXPECT_EQ(fate(by_itself(email_reply, {{"message_id", id}, {"text", "x"}, {"to", "carl@rig.test"}})),
              rule);
    EXPECT_EQ(send_draft(id, "carl@rig.test"), rule);
  }
  EXPECT_EQ(rig->maildir("carl@rig.test").size(), 0u);
}

TEST_F(LoopGuard, NothingGoesToARobotOrToOneself) {
  const std::string id = receive("a person's", {});
  for (const auto& [to, rule] : {std::pair("mailer-daemon@rig.test", "loop guard: machine_sender"),
                                 std::pair("list-bounces@rig.test", "loop guard: machine_sender"),
                                 std::pair(kVictim, "loop guard: own_address")}) {
    EXPECT_EQ(fate(by_itself(email_forward, {{"message_id", id}, {"to", to}})), rule) << to;
    EXPECT_EQ(fate(by_itself(email_forward, {{"message_id", id}, {"to", "dora@rig.test"}, {"bcc", to}})),
              rule);
    EXPECT_EQ(send_draft(id, to), rule) << to;
    EXPECT_EQ(send_draft("", to), rule) << "a draft that answers nothing, to " << to;
  }
  EXPECT_EQ(rig->maildir("dora@rig.test").size(), 0u);
}

TEST_F(LoopGuard, APersonsMailIsPassedOnAndMarkedAsAutomatic) {
  const std::string id = receive("a person's question", {});
  EXPECT_EQ(fate(by_itself(email_forward, {{"message_id", id}, {"to", "emil@rig.test"}})), "sent");
  EXPECT_EQ(send_draft(id, "fred@rig.test"), "sent");
  EXPECT_EQ(send_draft("", "gina@rig.test"), "sent");
  for (const auto& [to, word] :
       {std::pair("emil@rig.test", "auto-generated"), std::pair("fred@rig.test", "auto-replied"),
        std::pair("gina@rig.test", "auto-generated")}) {
    const aoh::Json there = rig->maildir(to, 1);
    ASSERT_EQ(there.size(), 1u) << to;
    std::ifstream file(there.at(0)["file"].str());
    const std::string raw(std::istreambuf_iterator<char>(file), {});
    EXPECT_NE(raw.find(std::string("\nAuto-Submitted: ") + word), std::string::npos) << raw;
  }
}

TEST_F(RigTools, MailboxesAndTheirState) {
  const aoh::Json list = run(email_mailboxes, {{"credential_id", "a"}});
  ASSERT_FALSE(list["isError"].boolean()) << list.dump();
  EXPECT_NE(list.path("structuredContent.mailboxes").dump().find("INBOX"), std::string::npos);
  const aoh::Json status = run(email_mailboxes, {{"credential_id", "a"}, {"action", "status"}});
  EXPECT_TRUE(status.path("structuredContent.mailboxes").at(0)["messages"].is_int());
}

TEST_F(RigTools, TroubleIsSaidWithItsCure) {
  fake.secrets["a/password"] = "planted-wrong-secret";
  aoh::Json r = run(email_fetch, {{"credential_id", "a"}, {"uid", 1}});
  EXPECT_EQ(r.path("structuredContent.error.code").str(), "auth") << r.dump();
  EXPECT_EQ(r.dump().find("planted-wrong-secret"), std::string::npos);
  r = run(email_send, mail("x@rig.test", "s"), "c20");
  EXPECT_EQ(r.path("structuredContent.error.code").str(), "auth") << r.dump();
  fake.secrets["a/password"] = rig->password();
  // The message was prepared: the same key sends it now.
  r = run(email_send, mail("x@rig.test", "s"), "c20");
  EXPECT_EQ(r.path("structuredContent.state").str(), "sent") << r.dump();
  fake.credentials["a"].slot("imap").set("host", rig->wrong_name_host());
  EXPECT_EQ(run(email_fetch, {{"credential_id", "a"}, {"uid", 1}}).path("structuredContent.error.code").str(),
            "certificate");
  EXPECT_EQ(
      run(email_fetch, {{"credential_id", "nobody"}, {"uid", 1}}).path("structuredContent.error.code").str(),
      "not_found");
  aoh::Json other = mail("x@rig.test", "s");
  other.set("from", "ceo@example.org");
  EXPECT_EQ(run(email_send, other, "c21").path("structuredContent.error.code").str(), "refused");
}

TEST_F(RigTools, WhatWasCommittingWhenWeDiedIsNeverSentAgain) {
  aoh::Json args = mail("crash@rig.test", "crash");
  args.set("idempotency_key", "crash");
  bool died = false;
  fake.on_apply = [&](const std::string&, const std::string& value) -> aoh_status {
    // The record `committing` is written, then nothing more is: as after kill -9 at the final dot.
    if (died) return AOH_E_INTERNAL;
    if (value.find("\"state\":\"committing\"") != std::string::npos) died = true;
    return AOH_OK;
  };
  EXPECT_EQ(run(email_send, args).path("structuredContent.state").str(), "sent") << "who lives knows";
  fake.on_apply = nullptr;
  outbox::Outbox next(runtime);  // of the process after it
  const Toolbox after{runtime, next, {}};
  const auto ask = [&](const char* id) {
    const FakeCall call(aoh::Json{{"call_id", id}});
    return email_send(after, args, *call.call).body;
  };
  const aoh::Json r = ask("c2");
  EXPECT_TRUE(r["isError"].boolean());
  EXPECT_EQ(r.path("structuredContent.state").str(), "uncertain") << r.dump();
  EXPECT_EQ(ask("c3").path("structuredContent.state").str(), "uncertain");
  EXPECT_EQ(rig->maildir("crash@rig.test", 1).size(), 1u);
}

TEST_F(RigTools, ADiskThatFailsBeforeTheDotSendsNothing) {
  fake.on_apply = [](const std::string&, const std::string& value) -> aoh_status {
    return value.find("\"state\":\"committing\"") != std::string::npos ? AOH_E_INTERNAL : AOH_OK;
  };
  const aoh::Json r = run(email_send, mail("disk@rig.test", "disk"), "c30");
  EXPECT_TRUE(r["isError"].boolean()) << r.dump();
  fake.on_apply = nullptr;
  const aoh::Json again = run(email_send, mail("disk@rig.test", "disk"), "c30");
  EXPECT_EQ(again.path("structuredContent.state").str(), "sent") << again.dump();
  EXPECT_EQ(rig->maildir("disk@rig.test", 1).size(), 1u);
}

TEST_F(RigTools, CancelledAndLateCallsEndSoon) {
  fake.credentials["a"].slot("imap").set("host", "127.0.0.1").set("port", rig->imap_tls_port());
  FakeCall cancelled({{"call_id", "c40"}});
  cancelled.cancel();
  EXPECT_EQ(email_fetch(box, {{"credential_id", "a"}, {"uid", 1}}, *cancelled.call).status, AOH_E_CANCELLED);
  FakeCall late({{"call_id", "c41"}}, false, 1);
  const aoh::Result r = email_fetch(box, {{"credential_id", "a"}, {"uid", 1}}, *late.call);
  EXPECT_EQ(r.body.path("structuredContent.error.code").str(), "timeout") << r.body.dump();
}

TEST_F(RigTools, ADraftIsSentOnlyWithTheGrantForIt) {
  const auto with = [&](const aoh::Json& args, const char* grant) {
    const FakeCall call(aoh::Json{{"call_id", "g1"}, {"grants", {{"a", aoh::Json::array({"read", grant})}}}});
    return email_draft(box, args, *call.call).body;
  };
  const aoh::Json made = with({{"credential_id", "a"},
                               {"action", "create"},
                               {"to", "granted@rig.test"},
                               {"subject", "granted"},
                               {"text", "x"}},
                              "draft");
  ASSERT_FALSE(made["isError"].boolean()) << made.dump();
  const aoh::Json send{{"credential_id", "a"},
                       {"action", "send"},
                       {"uid", made.path("structuredContent.draft.uid")},
                       {"uid_validity", made.path("structuredContent.draft.uid_validity")}};
  EXPECT_EQ(with(send, "draft").path("structuredContent.error.code").str(), "refused");
  EXPECT_EQ(rig->maildir("granted@rig.test").size(), 0u);
  const aoh::Json sent = with(send, "send");
  EXPECT_EQ(sent.path("structuredContent.state").str(), "sent") << sent.dump();
  EXPECT_EQ(sent.path("structuredContent.removal").str(), "removed");
  EXPECT_EQ(rig->maildir("granted@rig.test", 1).size(), 1u);
}

}  // namespace
}  // namespace mailroom::tools
