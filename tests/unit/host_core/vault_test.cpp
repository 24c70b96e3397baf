#include "services/vault.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "services/faults.hpp"
#include "temp_dir.hpp"

namespace aoh::host {
namespace {

using testing::HasSubstr;
using testing::Not;

class VaultTest : public testing::Test {
 protected:
  void SetUp() override { ::unsetenv("AOH_VAULT_KEY"); }
  void TearDown() override {
    ::unsetenv("AOH_VAULT_KEY");
    faults::configure("");
  }
  std::string read(std::string_view credential, std::string_view field) {
    const auto e = vault.read(credential, field);
    return e ? std::string(e->secret.reveal()) : "(none)";
  }
  std::string read_anew() {
    Vault other(db, dir / "vault.key", clock, redactor);
    return std::string(other.read("me", "password")->secret.reveal());
  }
  TempDir dir;
  Db db{dir / "host.db"};
  VirtualClock clock;
  Redactor redactor;
  Vault vault{db, dir / "vault.key", clock, redactor};
};

TEST_F(VaultTest, GivesBackWhatItGot) {
  const std::string odd("p\0ss \xFF", 6);
  EXPECT_EQ(vault.put("me", "password", Secret(odd)), 1u);
  EXPECT_EQ(vault.put("me", "token", Secret("t")), 2u);
  EXPECT_EQ(vault.put("me", "password", Secret("next")), 3u);
  EXPECT_EQ(read("me", "password"), "next");
  EXPECT_EQ(read("me", "token"), "t");
  EXPECT_EQ(read("you", "password"), "(none)");
  EXPECT_EQ(vault.read("me", "password")->version, 3u);
  EXPECT_EQ(read_anew(), "next");
}

TEST_F(VaultTest, NothingReadableIsOnTheDisk) {
  vault.put("me", "password", Secret("planted-secret-value"));
  db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  for (const auto& file : std::filesystem::directory_iterator(dir.path()))
    EXPECT_THAT(slurp(file.path()), Not(HasSubstr("planted-secret-value"))) << file.path();
}

TEST_F(VaultTest, TheSameSecretIsNeverSealedTheSameWay) {
  vault.put("a", "password", Secret("same"));
  const auto sealed = [&] {
    Statement s(db, "SELECT sealed FROM secrets");
    s.step();
    return s.text(0);
  };
  const std::string first = sealed();
  db.exec("DELETE FROM secrets");
  vault.put("a", "password", Secret("same"));
  EXPECT_NE(first, sealed());
}

TEST_F(VaultTest, EveryFlippedBitIsRefused) {
  vault.put("me", "password", Secret("planted-secret-value"));
  std::string sealed;
  {
    Statement s(db, "SELECT sealed FROM secrets");
    s.step();
    sealed = s.text(0);
  }
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    std::string damaged = sealed;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    Statement(db, "UPDATE secrets SET sealed=?").bind_blob(1, damaged).run();
    const std::string words = words_of([&] { vault.read("me", "password"); });
    ASSERT_THAT(words, HasSubstr("does not open")) << "byte " << i;
    ASSERT_THAT(words, Not(HasSubstr("planted")));
  }
  for (std::size_t n = 0; n < sealed.size(); ++n) {
    Statement(db, "UPDATE secrets SET sealed=?").bind_blob(1, std::string_view(sealed).substr(0, n)).run();
    ASSERT_THROW(vault.read("me", "password"), VaultError) << n << " bytes";
  }
}

TEST_F(VaultTest, ASecretDoesNotOpenInAnotherPlace) {
  vault.put("me", "password", Secret("mine"));
  vault.put("you", "password", Secret("yours"));
  vault.put("me", "token", Secret("token"));
  const auto refused = [&](const char* sql, const char* credential, const char* field) {
    Transaction t(db);
    db.exec(sql);
    EXPECT_THROW(vault.read(credential, field), VaultError) << sql;
  };
  refused(
      "UPDATE secrets SET sealed=(SELECT sealed FROM secrets WHERE credential='you') WHERE credential='me' "
      "AND field='password'",
      "me", "password");
  refused(
      "UPDATE secrets SET sealed=(SELECT sealed FROM secrets WHERE field='token') WHERE credential='me' AND "
      "field='password'",
      "me", "password");
  refused("UPDATE secrets SET version=7", "me", "password");
  EXPECT_EQ(read("me", "password"), "mine");
}

TEST_F(VaultTest, WhatWasSealedBeforeARemovalDoesNotOpenAfterIt) {
  const auto sealed = [&] {
    Statement s(db, "SELECT sealed FROM secrets WHERE credential='me'");
    s.step();
    return s.text(0);
  };
  const auto first = vault.put("me", "password", Secret("old"));
  const std::string old = sealed();
  vault.remove_all("me");
  const auto second = vault.put("me", "password", Secret("new"));
  EXPECT_GT(second, first);
  EXPECT_FALSE(vault.compare_and_set("me", "password", first, Secret("late"))) << "that was another life's";
  EXPECT_EQ(read("me", "password"), "new");
  Statement(db, "UPDATE secrets SET sealed=? WHERE credential='me'").bind_blob(1, old).run();
  EXPECT_THAT(words_of([&] { vault.read("me", "password"); }), HasSubstr("does not open"));
}

TEST_F(VaultTest, VersionsGoOnFromAHomeThatHadNoCounter) {
  for (int i = 0; i < 5; ++i) vault.put("me", "password", Secret("x"));
  db.exec("DROP TABLE vault_version");
  Vault other(db, dir / "vault.key", clock, redactor);
  EXPECT_EQ(other.put("you", "password", Secret("y")), 6u);
  EXPECT_EQ(read("me", "password"), "x");
}

TEST_F(VaultTest, ACounterThatWasSetBackIsNoticed) {
  for (int i = 0; i < 5; ++i) vault.put("me", "password", Secret("x"));
  db.exec("UPDATE vault_version SET last=2");
  EXPECT_THAT(words_of([&] { vault.put("me", "password", Secret("y")); }), HasSubstr("set back"));
  EXPECT_EQ(read("me", "password"), "x");
}

TEST_F(VaultTest, ComparesBeforeItSets) {
  EXPECT_FALSE(vault.compare_and_set("me", "token", 1, Secret("x")));
  EXPECT_EQ(vault.compare_and_set("me", "token", 0, Secret("a")), 1u);
  EXPECT_FALSE(vault.compare_and_set("me", "token", 0, Secret("b")));
  EXPECT_EQ(vault.compare_and_set("me", "token", 1, Secret("c")), 2u);
  EXPECT_EQ(read("me", "token"), "c");
}

TEST_F(VaultTest, AFailedCommitKeepsTheOldSecret) {
  vault.put("me", "token", Secret("old"));
  faults::configure("store.commit=fail");
  EXPECT_THROW(vault.put("me", "token", Secret("new")), faults::Injected);
  faults::configure("");
  EXPECT_EQ(read("me", "token"), "old");
}

TEST_F(VaultTest, TheKeyFileIsMadeForItsOwnerOnly) {
  EXPECT_FALSE(std::filesystem::exists(dir / "vault.key")) << "no secret was asked for";
  vault.put("me", "password", Secret("x"));
  struct stat st {};
  ASSERT_EQ(::stat((dir / "vault.key").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777, 0600u);
  EXPECT_EQ(st.st_size, 32);
}

TEST_F(VaultTest, AKeyFileThatOthersMayReadIsRefused) {
  vault.put("me", "password", Secret("x"));
  ::chmod((dir / "vault.key").c_str(), 0644);
  EXPECT_THAT(words_of([&] { read_anew(); }), HasSubstr("chmod 600"));
}

TEST_F(VaultTest, AnotherKeyAShortOneAndAMissingOneAreEachNamed) {
  vault.put("me", "password", Secret("x"));
  std::ofstream(dir / "vault.key", std::ios::binary) << std::string(32, 'k');
  EXPECT_THAT(words_of([&] { read_anew(); }), HasSubstr("wrong vault key"));
  std::ofstream(dir / "vault.key", std::ios::binary | std::ios::trunc) << "short";
  EXPECT_THAT(words_of([&] { read_anew(); }), HasSubstr("32 bytes"));
  std::filesystem::remove(dir / "vault.key");
  EXPECT_THAT(words_of([&] { read_anew(); }), HasSubstr("restore it"));
  EXPECT_FALSE(std::filesystem::exists(dir / "vault.key")) << "a new key would only hide the loss";
}

TEST_F(VaultTest, TheKeyMayComeFromTheEnvironment) {
  ::setenv("AOH_VAULT_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", 1);
  vault.put("me", "password", Secret("x"));
  EXPECT_FALSE(std::filesystem::exists(dir / "vault.key"));
  EXPECT_EQ(read_anew(), "x");
  for (const char* wrong : {"", "AAECAw==", "not base64 at all, but of the right length!!"}) {
    ::setenv("AOH_VAULT_KEY", wrong, 1);
    EXPECT_THAT(words_of([&] { read_anew(); }), HasSubstr("AOH_VAULT_KEY")) << wrong;
  }
}

TEST_F(VaultTest, WhatItHandsOutIsMaskedFromThenOn) {
  vault.put("me", "password", Secret("planted-secret"));
  Redactor fresh;
  Vault other(db, dir / "vault.key", clock, fresh);
  other.read("me", "password");
  EXPECT_EQ(fresh("planted-secret"), "[secret]");
  EXPECT_EQ(redactor("planted-secret"), "[secret]");
}

TEST_F(VaultTest, TheAuditHasNoValues) {
  vault.put("me", "password", Secret("planted-secret"));
  vault.audit("email", "me", "password", "call-1", "given");
  vault.audit("email", "me", "password", "call-2", "denied");
  const Json log = vault.audit_entries(10);
  ASSERT_EQ(log.size(), 2u);
  EXPECT_EQ(log.at(0)["bearer"].str(), "call-2");
  EXPECT_EQ(log.at(0)["outcome"].str(), "denied");
  EXPECT_THAT(log.dump(), Not(HasSubstr("planted-secret")));
}

TEST_F(VaultTest, RemovingTakesEveryFieldOfThatCredentialOnly) {
  vault.put("me", "password", Secret("x"));
  vault.put("me", "token", Secret("x"));
  vault.put("you", "password", Secret("y"));
  vault.remove_all("me");
  EXPECT_EQ(read("me", "password"), "(none)");
  EXPECT_EQ(read("me", "token"), "(none)");
  EXPECT_EQ(read("you", "password"), "y");
}

}  // namespace
}  // namespace aoh::host
