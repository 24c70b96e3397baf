// The services as a module sees them: through the C tables, with the SDK's views of them.
#include "services/host_services.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <latch>
#include <thread>

#include "aoh/sdk.hpp"
#include "services/faults.hpp"
#include "services/home.hpp"
#include "temp_dir.hpp"

namespace aoh::host {
namespace {

using testing::HasSubstr;
using testing::Not;

template <class F>
aoh_status status_of(F&& fn) {
  try {
    fn();
    return AOH_OK;
  } catch (const StatusError& e) {
    return e.status;
  }
}

class Instance : public testing::Test {
 protected:
  void SetUp() override {
    log.to_file(home.log());
    services = {&log, &clock, &credentials, &vault, &bearers, &state, &blobs, {}, {}};
    services.session_info = [](const std::string& id) { return std::optional(Json{{"session_id", id}}); };
    services.session_append = [this](const std::string& id, const Json& e) {
      ledger += id + " " + e.dump();
      return true;
    };
    std::map<std::string, Secret> secrets;
    secrets.emplace("password", Secret("planted-secret"));
    credentials.put(Json{{"id", "me"}, {"type", "mail"}, {"label", "Mine"}}, secrets);
    credentials.put(Json{{"id", "foreign"}, {"type", "chat"}}, {});
  }
  void TearDown() override { faults::configure(""); }
  Bearers::Lease call(std::string id, std::vector<std::string> may, std::string session = {}) {
    return bearers.admit(std::move(id), {"email", std::move(session), std::move(may)});
  }
  InstanceHost& instance() {
    if (!made)
      made.emplace(services, "email", known_services(),
                   CredentialTypes{{"mail", {"link_store"}}, {"s3", {"link_store"}}});
    return *made;
  }
  const aoh_host* h() { return instance().c(); }

  TempDir dir;
  Home home{dir / "home"};
  Db db{home.db()};
  VirtualClock clock{1'000'000};
  Redactor redactor;
  Log log{redactor};
  Vault vault{db, home.vault_key(), clock, redactor};
  Credentials credentials{db, vault};
  Bearers bearers;
  State state{db};
  Blobs blobs{db, home.blobs(), 1000};
  Services services;
  std::string ledger;
  std::optional<InstanceHost> made;
};

TEST_F(Instance, SecretsGoOnlyToLiveCallsThatWereGrantedTheCredential) {
  const aoh::Vault v(h());
  const auto read = [&](const char* credential, const char* bearer) {
    return status_of([&] { v.read(credential, "password", bearer); });
  };
  EXPECT_EQ(read("me", "call-1"), AOH_E_DENIED) << "no such call";
  {
    const auto lease = call("call-1", {"me"});
    const auto other = call("call-2", {"you"});
    EXPECT_EQ(v.read("me", "password", "call-1").secret.reveal(), "planted-secret");
    EXPECT_EQ(read("me", "call-2"), AOH_E_DENIED) << "granted another credential";
    EXPECT_EQ(read("foreign", "call-1"), AOH_E_DENIED);
    EXPECT_EQ(status_of([&] { v.read("me", "token", "call-1"); }), AOH_E_NOT_FOUND);
    const auto elsewhere = bearers.admit("call-3", {"chat", "", {"me"}});
    EXPECT_EQ(read("me", "call-3"), AOH_E_DENIED) << "another module's call";
  }
  EXPECT_EQ(read("me", "call-1"), AOH_E_DENIED) << "the call has ended";
  const std::string audit = vault.audit_entries(100).dump();
  EXPECT_THAT(audit, HasSubstr("given"));
  EXPECT_THAT(audit, HasSubstr("denied"));
  EXPECT_THAT(audit, HasSubstr("missing"));
  EXPECT_THAT(audit, Not(HasSubstr("planted-secret")));
}

TEST_F(Instance, WhatAGrantedCredentialNamesGoesWithIt) {
  std::map<std::string, Secret> mail, files;
  mail.emplace("password", Secret("planted-secret"));
  files.emplace("secret_key", Secret("planted-store"));
  credentials.put(Json{{"id", "files"}, {"type", "s3"}, {"link_store", "beyond"}}, files);
  credentials.put(Json{{"id", "beyond"}, {"type", "s3"}}, files);
  credentials.put(Json{{"id", "other"}, {"type", "s3"}, {"label", "files"}}, files);
  credentials.put(Json{{"id", "chats"}, {"type", "chat"}}, files);
  credentials.put(Json{{"id", "linked"}, {"type", "mail"}, {"link_store", "files"}, {"label", "other"}},
                  mail);
  credentials.put(Json{{"id", "stray"}, {"type", "mail"}, {"link_store", "chats"}}, mail);
  const aoh::Vault v(h());
  const auto read = [&](const char* credential, const char* bearer) {
    return status_of([&] { v.read(credential, "secret_key", bearer); });
  };
  const auto linked = call("call-1", {"linked"}), plain = call("call-2", {"me"}),
             stray = call("call-3", {"stray"});
  EXPECT_EQ(v.read("files", "secret_key", "call-1").secret.reveal(), "planted-store");
  EXPECT_EQ(read("beyond", "call-1"), AOH_E_DENIED);  // one step only
  EXPECT_EQ(read("other", "call-1"), AOH_E_DENIED);   // named in a field that is no reference
  EXPECT_EQ(read("files", "call-2"), AOH_E_DENIED);   // the granted one names none
  EXPECT_EQ(read("chats", "call-3"), AOH_E_DENIED);   // not a type of this module's
  // What waits in the outbox for a granted account may use its store too, without a call.
  aoh::State(h()).apply({{"outbox/7", R"({"id":"7","state":"queued","credential_id":"linked"})"}});
  EXPECT_EQ(read("files", "outbox:7"), AOH_OK);
  EXPECT_EQ(read("other", "outbox:7"), AOH_E_DENIED);
  // Once it was sent only while something is owed for it.
  aoh::State(h()).apply(
      {{"outbox/7", R"({"id":"7","state":"sent","credential_id":"linked"})"}, {"due/7", "{}"}});
  EXPECT_EQ(read("files", "outbox:7"), AOH_OK);
  aoh::State(h()).apply({{"due/7", {}, AOH_STATE_ANY_VERSION, true}});
  EXPECT_EQ(read("files", "outbox:7"), AOH_E_DENIED);
  credentials.put(Json{{"id", "linked"}, {"type", "mail"}}, {});
  EXPECT_EQ(read("files", "call-1"), AOH_E_DENIED);  // taken back at once
  const std::string audit = vault.audit_entries(100).dump();
  EXPECT_THAT(audit, HasSubstr("\"files\""));
  EXPECT_THAT(audit, Not(HasSubstr("planted-store")));
}

TEST_F(Instance, ARotatedSecretIsSavedOnceAndTold) {
  std::string told;
  aoh::Credentials(h()).on_changed(
      [](void* arg, aoh_str id) { *static_cast<std::string*>(arg) += std::string(sv(id)) + ";"; }, &told);
  const auto lease = call("call-1", {"me"});
  const aoh::Vault v(h());
  std::uint64_t version = 0;
  EXPECT_TRUE(v.compare_and_set("me", "token", "call-1", 0, Secret("token-value-1"), &version));
  EXPECT_EQ(version, v.read("me", "token", "call-1").version);
  EXPECT_FALSE(v.compare_and_set("me", "token", "call-1", 0, Secret("token-value-2"), &version));
  EXPECT_EQ(told, "me;");
  EXPECT_EQ(status_of([&] { v.compare_and_set("me", "token", "nobody", 1, Secret("x"), &version); }),
            AOH_E_DENIED);
}

TEST_F(Instance, AnEndedCallMayReplaceWhatItWasHandedAndNothingElse) {
  const aoh::Vault v(h());
  std::uint64_t version = 0, handed = 0;
  {
    const auto lease = call("call-1", {"me"});
    ASSERT_TRUE(v.compare_and_set("me", "token", "call-1", 0, Secret("token-value-1"), &version));
    handed = v.read("me", "token", "call-1").version;
  }
  const auto set = [&](const char* field, const char* bearer, std::uint64_t expected) {
    return status_of([&] { v.compare_and_set("me", field, bearer, expected, Secret("x"), &version); });
  };
  EXPECT_EQ(set("token", "call-2", handed), AOH_E_DENIED);
  EXPECT_EQ(set("password", "call-1", handed), AOH_E_DENIED);
  EXPECT_EQ(set("token", "call-1", handed), AOH_OK);
  EXPECT_EQ(set("token", "call-1", version), AOH_E_DENIED);  // that one it has not seen
  EXPECT_EQ(status_of([&] { v.read("me", "token", "call-1"); }), AOH_E_DENIED);
}

TEST_F(Instance, RecordsOfOtherTypesAreNotShownAndNoRecordHoldsSecrets) {
  const aoh::Credentials c(h());
  EXPECT_EQ(c.get("me")["label"].str(), "Mine");
  EXPECT_THAT(c.get("me").dump(), Not(HasSubstr("planted-secret")));
  EXPECT_EQ(status_of([&] { c.get("foreign"); }), AOH_E_DENIED);
  EXPECT_EQ(status_of([&] { c.get("nobody"); }), AOH_E_NOT_FOUND);
  ASSERT_EQ(c.list().size(), 1u);
  EXPECT_EQ(c.list().at(0)["id"].str(), "me");
}

TEST_F(Instance, TakingBackOnChangedWaitsForARunningCallback) {
  struct Shared {
    std::latch entered{1};
    std::atomic<bool> returned{false};
  } shared;
  const aoh::Credentials c(h());
  c.on_changed(
      [](void* arg, aoh_str) {
        auto* s = static_cast<Shared*>(arg);
        s->entered.count_down();
        std::this_thread::sleep_for(std::chrono::milliseconds(30));
        s->returned = true;
      },
      &shared);
  std::jthread changing([&] { credentials.changed("me"); });
  shared.entered.wait();
  c.on_changed(nullptr, nullptr);
  EXPECT_TRUE(shared.returned);
  credentials.changed("me");  // nobody is told; entered would throw the count below zero
}

TEST_F(Instance, StateHoldsItsLimits) {
  const aoh::State s(h());
  const auto put = [&](std::size_t key, std::size_t value) {
    return status_of([&] { s.apply({{std::string(key, 'k'), std::string(value, 'v')}}); });
  };
  EXPECT_EQ(put(AOH_STATE_MAX_KEY, AOH_STATE_MAX_VALUE), AOH_OK);
  EXPECT_EQ(put(AOH_STATE_MAX_KEY + 1, 1), AOH_E_INVALID);
  EXPECT_EQ(put(1, AOH_STATE_MAX_VALUE + 1), AOH_E_INVALID);
  EXPECT_EQ(put(0, 1), AOH_E_INVALID);
  EXPECT_EQ(status_of([&] { s.apply(std::vector<aoh::State::Put>(65, {"k", "v"})); }), AOH_E_INVALID);
  EXPECT_EQ(s.get(std::string(AOH_STATE_MAX_KEY, 'k'))->text.size(), AOH_STATE_MAX_VALUE);
}

TEST_F(Instance, StepsOfANewerModuleAreLonger) {
  struct Longer {
    aoh_state_op op;
    std::uint64_t added;
  } ops[2] = {{{sizeof(Longer), 0, st("a"), st("1"), 0}, ~0ull},
              {{sizeof(Longer), 0, st("b"), st("2"), 0}, ~0ull}};
  const auto* table = static_cast<const aoh_state_v1*>(h()->get_service(h(), st(AOH_STATE_ID)));
  EXPECT_EQ(table->apply(h(), &ops[0].op, 2), AOH_OK);
  EXPECT_EQ(aoh::State(h()).get("b")->text, "2");
  ops[0].op.struct_size = 8;
  EXPECT_EQ(table->apply(h(), &ops[0].op, 1), AOH_E_INVALID);
}

TEST_F(Instance, ADiskErrorIsAStatusAndAWordInTheLogNotACrash) {
  faults::configure("store.begin/1=fail;vault.read/1=fail;blob.seal/1=fail");
  EXPECT_EQ(status_of([&] { aoh::State(h()).apply({{"k", "v"}}); }), AOH_E_INTERNAL);
  const auto lease = call("call-1", {"me"});
  EXPECT_EQ(status_of([&] { aoh::Vault(h()).read("me", "password", "call-1"); }), AOH_E_INTERNAL);
  const aoh::Blobs b(h());
  const std::string id = b.create("");
  EXPECT_EQ(status_of([&] { b.seal(id); }), AOH_E_INTERNAL);
  EXPECT_THAT(slurp(home.log()), HasSubstr("writing state failed"));
}

TEST_F(Instance, BlobsOfASessionAreForThatSession) {
  const auto one = call("call-1", {}, "session-1");
  const auto two = call("call-2", {}, "session-2");
  const auto person = bearers.admit("call-3", {"email", "", {}, true, {}});
  const aoh::Blobs b(h());
  const std::string id = b.create("call-1", Json{{"mime_type", "text/plain"}, {"filename", "a.txt"}});
  b.write(id, "hello");
  EXPECT_EQ(b.seal(id)["size"].integer(), 5);
  EXPECT_EQ(b.read(id, "call-1", 1, 3), "ell");
  EXPECT_EQ(b.stat(id, "call-1")["filename"].str(), "a.txt");
  EXPECT_EQ(b.read(id, "call-3", 0, 9), "hello");
  const auto read = [&](const std::string& blob, const char* bearer) {
    return status_of([&] { b.read(blob, bearer, 0, 9); });
  };
  EXPECT_EQ(read(id, "call-2"), AOH_E_DENIED);
  EXPECT_EQ(read(id, "nobody"), AOH_E_DENIED);
  EXPECT_EQ(read("b-00000000000000000000000000000000", "call-1"), AOH_E_NOT_FOUND);
  EXPECT_EQ(status_of([&] { b.create("nobody"); }), AOH_E_DENIED);
}

TEST_F(Instance, ADescriptorIsForWhoMayReadTheBlob) {
  const auto one = call("call-1", {}, "session-1");
  const auto two = call("call-2", {}, "session-2");
  const aoh::Blobs b(h());
  const std::string id = b.create("call-1");
  b.write(id, "hello");
  EXPECT_EQ(status_of([&] { b.descriptor(id, "call-1"); }), AOH_E_STATE);
  b.seal(id);
  EXPECT_EQ(status_of([&] { b.descriptor(id, "call-2"); }), AOH_E_DENIED);
  EXPECT_EQ(status_of([&] { b.descriptor(id, ""); }), AOH_E_DENIED);
  const int fd = b.descriptor(id, "call-1");
  ASSERT_GE(fd, 0);
  char bytes[8] = {};
  EXPECT_EQ(::read(fd, bytes, sizeof bytes), 5);
  ::close(fd);
}

// A host of revision 1, whose table ends before the member.
TEST_F(Instance, AHostWithoutDescriptorsIsReadInstead) {
  struct Old {
    aoh_host host;
    aoh_blob_v1 table;
  } old{};
  old.host = {sizeof(aoh_host), AOH_ABI_MAJOR, 0, 0, [](const aoh_host* host, aoh_str) -> const void* {
                return &reinterpret_cast<const Old*>(host)->table;
              }};
  old.table.struct_size = offsetof(aoh_blob_v1, descriptor);
  old.table.descriptor = [](const aoh_host*, aoh_str, aoh_str, std::int32_t*) -> aoh_status {
    ADD_FAILURE() << "beyond its struct_size";
    return AOH_OK;
  };
  EXPECT_EQ(aoh::Blobs(&old.host).descriptor("b", ""), -1);
}

TEST_F(Instance, TheQuotaSaysBusy) {
  const aoh::Blobs b(h());
  const std::string id = b.create("");
  EXPECT_EQ(status_of([&] { b.write(id, std::string(1001, 'x')); }), AOH_E_BUSY);
}

TEST_F(Instance, SessionsAreThoseOfLiveCalls) {
  const auto with = call("call-1", {}, "session-1");
  const auto without = call("call-2", {});
  const aoh::Sessions s(h());
  EXPECT_EQ(s.current("call-1")["session_id"].str(), "session-1");
  EXPECT_TRUE(s.current("call-2").is_null());
  EXPECT_TRUE(s.current("nobody").is_null());
  s.append("call-1", Json{{"note", 1}});
  EXPECT_EQ(ledger, "session-1 {\"note\":1}");
  EXPECT_EQ(status_of([&] { s.append("call-1", Json{{"note", std::string(70'000, 'x')}}); }), AOH_E_INVALID);
}

TEST_F(Instance, TimersRunOnTheHostsClock) {
  const aoh::Clock c(h());
  int ran = 0;
  const auto count = [](void* arg) { ++*static_cast<int*>(arg); };
  c.schedule(c.monotonic_ns() + 10, count, &ran);
  const auto id = c.schedule(c.monotonic_ns() + 10, count, &ran);
  EXPECT_TRUE(c.cancel(id));
  clock.advance(10);
  EXPECT_EQ(ran, 1);
}

// A timer that a module forgot would run in a destroyed instance.
TEST_F(Instance, AfterRevokeNoTimerRunsAndEveryServiceSaysState) {
  int ran = 0;
  const aoh::Clock c(h());
  const aoh::State s(h());
  c.schedule(
      c.monotonic_ns() + 10, [](void* arg) { ++*static_cast<int*>(arg); }, &ran);
  instance().revoke();
  clock.advance(20);
  EXPECT_EQ(ran, 0);
  EXPECT_EQ(status_of([&] { s.apply({{"k", "v"}}); }), AOH_E_STATE);
  EXPECT_EQ(c.schedule(
                c.monotonic_ns() + 10, [](void*) {}, nullptr),
            0u);
}

TEST_F(Instance, OnlyWhatIsGrantedIsThereAndTheLogSaysWhich) {
  InstanceHost few(services, "email", {AOH_LOG_ID, AOH_VAULT_ID}, {});
  const aoh_host* host = few.c();
  EXPECT_NE(host->get_service(host, st(AOH_LOG_ID)), nullptr);
  EXPECT_NE(host->get_service(host, st(AOH_VAULT_ID)), nullptr);
  EXPECT_EQ(host->get_service(host, st(AOH_STATE_ID)), nullptr);
  for (const char* id : {"", "aoh.log/2", "aoh.log/1 ", "aoh.log", "aoh.metrics/1"})
    EXPECT_EQ(host->get_service(host, st(id)), nullptr) << id;
  EXPECT_THAT(slurp(home.log()), HasSubstr("aoh.state/1 is not granted"));
  EXPECT_THAT(slurp(home.log()), HasSubstr("aoh.metrics/1 is not there"));
}

TEST_F(Instance, AHostWithoutServicesGivesNoneAndDoesNotCrash) {
  const Services none;
  InstanceHost bare(none, "email", known_services(), {{"mail", {}}});
  for (const auto& id : known_services()) EXPECT_EQ(bare.c()->get_service(bare.c(), st(id)), nullptr) << id;
}

TEST_F(Instance, WhatAModuleLogsIsItsOwnWordsMaskedAndCut) {
  const auto lease = call("call-1", {"me"});
  aoh::Vault(h()).read("me", "password", "call-1");
  const aoh::Log l(h());
  l.info("signing in with planted-secret", Json{{"password", "planted-secret"}});
  const auto* table = static_cast<const aoh_log_v1*>(h()->get_service(h(), st(AOH_LOG_ID)));
  table->write(h(), 99, st("a level beyond"), st("{not json"));
  table->write(h(), -5, st("a level below"), aoh_str{nullptr, 0});
  const std::string text = slurp(home.log());
  EXPECT_THAT(text, HasSubstr("email"));
  EXPECT_THAT(text, HasSubstr("signing in with [secret]"));
  EXPECT_THAT(text, HasSubstr("a level beyond"));
  EXPECT_THAT(text, Not(HasSubstr("planted-secret")));
}

TEST_F(Instance, SinksThatRefuseAreHeard) {
  const auto* table = static_cast<const aoh_credential_v1*>(h()->get_service(h(), st(AOH_CREDENTIAL_ID)));
  StringSink tiny(3);
  EXPECT_EQ(table->get(h(), st("me"), tiny.c()), AOH_E_INVALID);
  EXPECT_EQ(table->get(h(), st("me"), nullptr), AOH_E_INVALID);
}

}  // namespace
}  // namespace aoh::host
