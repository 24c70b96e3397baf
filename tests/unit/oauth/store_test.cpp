// The token store: one renewal for all, saved before use, what others saved, who must sign in, what to wait
// for.
#include "oauth/store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/use_future.hpp>
#include <thread>

#include "email_fakes/fake_host.hpp"
#include "oauth/token_server.hpp"

namespace mailroom::oauth {
namespace {

using namespace mailroom::testing;
using ::testing::HasSubstr;

constexpr std::int64_t kSecond = 1'000'000'000;

struct Stage {
  explicit Stage(TokenServer::Script script, const char* grant = "authorization_code")
      : server(std::move(script)),
        runtime(host.c(), host::Config::from(aoh::Json::object())),
        store(runtime) {
    host.credentials["work"] = aoh::Json{{"id", "work"},
                                         {"type", "mail"},
                                         {"email", "ada@example.org"},
                                         {"require_tls", false},
                                         {"oauth",
                                          {{"grant", grant},
                                           {"client_id", "app"},
                                           {"authorization_endpoint", server.url},
                                           {"token_endpoint", server.url}}}};
    host.secrets["work/client_secret"] = "planted-client-secret";
  }
  ~Stage() {
    store.drain(std::chrono::seconds(20));
    runtime.stop();
  }
  host::Account account() { return runtime.services().account("work"); }
  std::int64_t now() { return host.time->wall_ns(); }
  /// What is stored: good for `life_s` from `age_s` ago.
  void stored(const std::string& access, const std::string& refresh, std::int64_t age_s,
              std::int64_t life_s) {
    TokenSet set;
    set.access = aoh::Secret(access);
    set.refresh = aoh::Secret(refresh);
    set.obtained_unix_ns = now() - age_s * kSecond;
    set.expires_unix_ns = set.obtained_unix_ns + life_s * kSecond;
    set.settings = settings_print(*account().oauth);
    put(set);
  }
  void put(const TokenSet& set) {
    const std::lock_guard lock(host.mutex);
    if (host.secrets.contains("work/oauth_tokens")) ++host.secret_changes["work/oauth_tokens"];
    host.secrets["work/oauth_tokens"] = std::string(set.dump().reveal());
  }
  TokenSet saved() {
    const std::lock_guard lock(host.mutex);
    return TokenSet::parse(host.secrets["work/oauth_tokens"]);
  }
  bool attention() {
    const std::lock_guard lock(host.mutex);
    return host.state.contains("attention/work");
  }
  host::SignIn sign_in() {
    const net::Executor strand = runtime.strand();
    return boost::asio::co_spawn(strand, store.sign_in(strand, account(), "call"), boost::asio::use_future)
        .get();
  }
  std::string token() { return std::string(sign_in().credentials.token.reveal()); }
  Error refusal() {
    try {
      (void)sign_in();
    } catch (const Failure& f) {
      return f.error;
    }
    ADD_FAILURE() << "it signed in";
    return {};
  }

  FakeHost host;
  TokenServer server;
  host::Runtime runtime;
  TokenStore store;
};

TokenServer::Reply tokens(const std::string& access, const std::string& refresh = {}, int life = 3600) {
  return {200,
          R"({"access_token":")" + access + R"(","token_type":"Bearer","expires_in":)" +
              std::to_string(life) + (refresh.empty() ? "" : R"(,"refresh_token":")" + refresh + "\"") + "}",
          {}};
}
TokenServer::Reply refused(int status, const std::string& code, const std::string& fields = {}) {
  return {status, R"({"error":")" + code + "\"}", fields};
}

TEST(TokenStore, FiftyCallersAtExpiryCauseOneRefresh) {
  Stage s([](const std::string&) {
    std::this_thread::sleep_for(
        std::chrono::milliseconds(50));  // so that most of them meet while it is asked
    return tokens("new", "r2");
  });
  s.stored("old", "r1", 3600, 3600);
  std::atomic<int> good{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 50; ++i) callers.emplace_back([&] { good += s.token() == "new"; });
  for (auto& t : callers) t.join();
  EXPECT_EQ(good, 50);
  ASSERT_EQ(s.server.requests().size(), 1u);
  EXPECT_THAT(s.server.requests()[0], HasSubstr("refresh_token=r1"));
}

TEST(TokenStore, ALiveTokenCostsNoRequestAndIsRenewedAheadOfItsEnd) {
  Stage s([](const std::string&) { return tokens("new", "", 5); });
  s.stored("old", "r1", 2, 5);
  EXPECT_EQ(s.token(), "old");
  EXPECT_EQ(s.server.requests().size(), 0u);
  s.stored("old", "r1", 4, 5);
  EXPECT_EQ(s.token(), "new");
  EXPECT_EQ(s.saved().refresh.reveal(), "r1");  // what the answer does not bring stays
}

TEST(TokenStore, ARefreshTokenIsNotShownToAnotherEndpoint) {
  Stage s([](const std::string&) { return tokens("new", "r2"); });
  TokenServer other([](const std::string&) { return tokens("stolen"); });
  s.stored("old", "r1", 10, 3600);
  s.host.credentials["work"].slot("oauth").set("token_endpoint", other.url);
  const Error e = s.refusal();
  EXPECT_EQ(e.code, Errc::auth);
  EXPECT_THAT(e.what, HasSubstr("another token endpoint"));
  EXPECT_THAT(e.cure, HasSubstr("credential authorize work"));
  EXPECT_EQ(other.requests().size(), 0u);
  EXPECT_TRUE(s.attention());
  s.host.credentials["work"].slot("oauth").set("token_endpoint", s.server.url);  // it was a slip
  s.host.credentials["work"].slot("oauth").set("client_id", "another");
  EXPECT_EQ(s.refusal().code, Errc::auth);
  EXPECT_EQ(s.server.requests().size(), 0u);
  s.host.credentials["work"].slot("oauth").set("client_id", "app");
  EXPECT_EQ(s.token(), "old");
}

TEST(TokenStore, WhatIsRotatedIsSavedBeforeUseAndOnlyThen) {
  Stage s([](const std::string&) { return tokens("new", "r2"); });
  s.stored("old", "r1", 3600, 3600);
  s.host.on_save = [](const std::string&, const std::string&) -> aoh_status { return AOH_E_INTERNAL; };
  EXPECT_EQ(s.refusal().code, Errc::temporary);
  EXPECT_EQ(s.saved().refresh.reveal(), "r1");
  s.host.on_save = nullptr;  // the disk has room again
  EXPECT_EQ(s.token(), "new");
  EXPECT_EQ(s.saved().refresh.reveal(), "r2");
  EXPECT_EQ(s.server.requests().size(), 1u);
}

TEST(TokenStore, WhatAnotherProcessSavedMeanwhileIsUsed) {
  Stage* stage = nullptr;
  Stage s([&](const std::string&) {
    stage->stored("others", "r9", 0, 3600);
    return tokens("mine", "r2");
  });
  stage = &s;
  s.stored("old", "r1", 3600, 3600);
  EXPECT_EQ(s.token(), "others");
  EXPECT_EQ(s.saved().refresh.reveal(), "r9");
}

TEST(TokenStore, AnotherProcessLeaseIsWaitedFor) {
  Stage s([](const std::string&) { return tokens("mine"); });
  s.stored("old", "r1", 3600, 3600);
  {
    const std::lock_guard lock(s.host.mutex);
    const aoh::Json lease{{"holder", "another"}, {"until_unix_ns", s.now() + 10 * kSecond}};
    s.host.state["oauth-lease/work"] = {lease.dump(), ++s.host.versions_};
  }
  std::thread other([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    s.stored("others", "r9", 0, 3600);
    const std::lock_guard lock(s.host.mutex);
    s.host.state.erase("oauth-lease/work");
  });
  EXPECT_EQ(s.token(), "others");
  other.join();
  EXPECT_EQ(s.server.requests().size(), 0u);
}

TEST(TokenStore, ARevokedGrantWaitsForAPersonAndGoesOnByItself) {
  std::atomic<bool> revoked{true};
  Stage s([&](const std::string&) { return revoked ? refused(400, "invalid_grant") : tokens("new", "r3"); });
  s.stored("old", "r1", 3600, 3600);
  for (int i = 0; i < 3; ++i) {
    const Error e = s.refusal();
    EXPECT_EQ(e.code, Errc::auth);
    EXPECT_THAT(e.line(), HasSubstr("sign in again: host-stub credential authorize work"));
  }
  EXPECT_EQ(s.server.requests().size(), 1u);  // nothing is asked until somebody has signed in
  EXPECT_TRUE(s.attention());
  revoked = false;
  s.stored("stale", "r2", 3600, 3600);  // somebody has
  EXPECT_EQ(s.token(), "new");
  EXPECT_FALSE(s.attention());
}

TEST(TokenStore, NobodyHasSignedInYet) {
  Stage s([](const std::string&) { return tokens("new"); });
  EXPECT_THAT(s.refusal().line(), HasSubstr("credential authorize work"));
  EXPECT_EQ(s.server.requests().size(), 0u);
}

TEST(TokenStore, ThrottlingIsNoRefusalAndIsWaitedFor) {
  Stage s([](const std::string&) { return refused(429, "slow_down", "Retry-After: 100\r\n"); });
  s.stored("old", "r1", 3400, 3600);  // due, and good for three minutes yet
  EXPECT_EQ(s.token(), "old");
  EXPECT_EQ(s.token(), "old");
  EXPECT_EQ(s.server.requests().size(), 1u);
  s.stored("gone", "r1", 3600, 3600);
  EXPECT_EQ(s.refusal().code, Errc::auth_throttled);
  EXPECT_EQ(s.server.requests().size(), 1u);
  EXPECT_FALSE(s.attention());
}

TEST(TokenStore, AnUnavailableEndpointIsAskedAgain) {
  std::atomic<int> n{0};
  Stage s([&](const std::string&) { return ++n < 3 ? refused(503, "x") : tokens("new"); });
  s.stored("old", "r1", 3600, 3600);
  EXPECT_EQ(s.token(), "new");
}

TEST(TokenStore, AMailServersRefusalGetsOneNewToken) {
  std::atomic<int> n{0};
  Stage s([&](const std::string&) { return tokens("new" + std::to_string(++n), "r2"); });
  s.stored("old", "r1", 0, 3600);
  const host::SignIn first = s.sign_in();
  EXPECT_TRUE(first.renewable);
  s.store.rejected(s.account(), first.generation);
  const host::SignIn second = s.sign_in();
  EXPECT_EQ(second.credentials.token.reveal(), "new1");
  EXPECT_FALSE(second.renewable);
  EXPECT_NE(second.generation, first.generation);
  EXPECT_EQ(s.token(), "new1");
}

TEST(TokenStore, ClientCredentialsNeedNoPerson) {
  Stage s([](const std::string&) { return tokens("app-token"); }, "client_credentials");
  EXPECT_EQ(s.token(), "app-token");
  EXPECT_EQ(s.token(), "app-token");
  ASSERT_EQ(s.server.requests().size(), 1u);
  EXPECT_THAT(s.server.requests()[0], HasSubstr("client_secret=planted-client-secret"));
}

TEST(TokenStore, NoErrorRepeatsASecret) {
  Stage s(
      [](const std::string& form) {
        return TokenServer::Reply{
            401, R"({"error":"invalid_client","error_description":"got )" + form + "\"}", {}};
      },
      "client_credentials");
  const Error e = s.refusal();
  EXPECT_EQ(e.code, Errc::auth);
  EXPECT_EQ(e.line().find("planted-client-secret"), std::string::npos);
  EXPECT_FALSE(s.attention());
}

TEST(TokenStore, ChangedSettingsWantANewToken) {
  Stage s([](const std::string&) { return tokens("new", "r2"); });
  s.stored("old", "r1", 0, 3600);
  EXPECT_EQ(s.token(), "old");
  {
    const std::lock_guard lock(s.host.mutex);
    s.host.credentials["work"].slot("oauth").set("scopes", aoh::Json::parse(R"(["mail"])"));
  }
  EXPECT_EQ(s.token(), "new");
}

}  // namespace
}  // namespace mailroom::oauth
