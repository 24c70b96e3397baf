#include "services/credentials.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "temp_dir.hpp"

namespace aoh::host {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class CredentialsTest : public testing::Test {
 protected:
  CredentialsTest() {
    std::map<std::string, Secret> secrets;
    secrets["password"] = Secret("old");
    secrets["token"] = Secret("first");
    credentials.put(Json{{"id", "me"}, {"type", "mail"}, {"email", "a@x.example"}}, secrets);
  }
  std::string secret(const std::string& id, const char* field) {
    const auto e = vault.read(id, field);
    return e ? std::string(e->secret.reveal()) : "(none)";
  }
  std::vector<std::string> ids() {
    std::vector<std::string> out;
    for (const Json& r : credentials.list()) out.push_back(r["id"].str());
    return out;
  }
  TempDir dir;
  Db db{dir / "host.db"};
  VirtualClock clock;
  Redactor redactor;
  Vault vault{db, dir / "vault.key", clock, redactor};
  Credentials credentials{db, vault};
};

TEST_F(CredentialsTest, OneThatIsTriedStandsBesideTheOldOneAndInNoList) {
  std::map<std::string, Secret> fresh;
  fresh["password"] = Secret("new");
  const std::string name = credentials.stage(Json{{"id", "me"}, {"type", "mail"}}, fresh);
  EXPECT_EQ(secret(name, "password"), "new");
  EXPECT_EQ(secret(name, "token"), "first");
  EXPECT_EQ(secret("me", "password"), "old");
  EXPECT_THAT(ids(), ElementsAre("me"));
  credentials.unstage("me", fresh);
  EXPECT_FALSE(credentials.get(name));
  EXPECT_THAT(vault.fields(name), IsEmpty());
  EXPECT_EQ(secret("me", "password"), "old");
  EXPECT_EQ(fresh.size(), 1u);
}

TEST_F(CredentialsTest, WhatItsModuleWroteMeanwhileIsNotLost) {
  std::map<std::string, Secret> fresh;
  fresh["password"] = Secret("new");
  const std::string name = credentials.stage(Json{{"id", "me"}, {"type", "mail"}}, fresh);
  const auto before = vault.read(name, "token");
  ASSERT_TRUE(vault.compare_and_set(name, "token", before->version, Secret("rotated")));
  credentials.unstage("me", fresh);
  EXPECT_EQ(secret("me", "token"), "rotated");  // the first one may be dead at the server
  EXPECT_EQ(fresh.at("token").reveal(), "rotated");
  EXPECT_EQ(secret("me", "password"), "old");
}

TEST_F(CredentialsTest, WhatAProcessLeftThatDiedWhileTryingIsGoneAtTheNextStart) {
  std::map<std::string, Secret> fresh;
  fresh["password"] = Secret("new");
  const std::string name = credentials.stage(Json{{"id", "you"}, {"type", "mail"}}, fresh);
  const Credentials again(db, vault);
  EXPECT_FALSE(again.get(name));
  EXPECT_THAT(vault.fields(name), IsEmpty());
}

TEST_F(CredentialsTest, SecretsAreForgottenAloneAndTold) {
  std::string told;
  credentials.listen([&](const std::string& id) { told = id; });
  EXPECT_TRUE(credentials.forget_secrets("me"));
  EXPECT_EQ(told, "me");
  EXPECT_THAT(vault.fields("me"), IsEmpty());
  EXPECT_TRUE(credentials.get("me"));
  EXPECT_FALSE(credentials.forget_secrets("me"));
}

}  // namespace
}  // namespace aoh::host
