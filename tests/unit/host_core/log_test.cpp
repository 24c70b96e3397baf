#include "services/log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "aoh/services/log.h"
#include "temp_dir.hpp"

namespace aoh::host {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Redaction, MasksEveryOccurrence) {
  Redactor r;
  r.add("hunter22");
  EXPECT_EQ(r("a hunter22 b hunter22"), "a [secret] b [secret]");
  EXPECT_EQ(r("hunter2"), "hunter2");
}
TEST(Redaction, LeavesWordsThatAreTooShortToBeSecrets) {
  Redactor r;
  r.add("");
  r.add("short");
  EXPECT_EQ(r("a short word"), "a short word");
}
// The mask must not be masked again: it holds this secret.
TEST(Redaction, MasksTheSecretNamedSecret) {
  Redactor r;
  r.add("secret");
  EXPECT_EQ(r("my secret is secret"), "my [secret] is [secret]");
}
TEST(Redaction, MasksTheLongerOfTwoThatBeginAlike) {
  Redactor r;
  r.add("abcdef");
  r.add("abcdefghij");
  EXPECT_THAT(r("x abcdefghij y"), Not(HasSubstr("ghij")));
}
// The fields of a log line are JSON.
TEST(Redaction, MasksASecretAsJsonWritesIt) {
  Redactor r;
  const std::string secret = "quo\"te\\back\nline";
  r.add(secret);
  EXPECT_EQ(r(Json{{"got", secret}}.dump()), "{\"got\":\"[secret]\"}");
}

// Servers quote the sign-in that they refuse: PLAIN and LOGIN are base64.
TEST(Redaction, MasksASecretWithinBase64) {
  Redactor r;
  r.add("hunter22");
  EXPECT_THAT(r("500 AUTH PLAIN AHRpbQBodW50ZXIyMg=="), Not(HasSubstr("dW50ZXIy")));    // \0tim\0hunter22
  EXPECT_THAT(r("500 AUTH PLAIN AHRpbW0AaHVudGVyMjI="), Not(HasSubstr("HVudGVyMj")));   // \0timm\0hunter22
  EXPECT_THAT(r("500 AUTH PLAIN AHRpbW1tAGh1bnRlcjIy"), Not(HasSubstr("h1bnRlcjIy")));  // \0timmm\0hunter22
  EXPECT_THAT(r("500 aHVudGVyMjI="), Not(HasSubstr("aHVudGVyMj")));
  EXPECT_EQ(r("250 AHRpbQ=="), "250 AHRpbQ==");
}

struct LogFile : testing::Test {
  TempDir dir;
  Redactor redactor;
  Log log{redactor};
};

TEST_F(LogFile, HoldsLevelSpeakerMessageAndFields) {
  log.to_file(dir / "host.log");
  log.write(AOH_LOG_WARN, "email", "the server went away", Json{{"host", "imap.example"}});
  const std::string text = slurp(dir / "host.log");
  EXPECT_THAT(text, HasSubstr("warn"));
  EXPECT_THAT(text, HasSubstr("email"));
  EXPECT_THAT(text, HasSubstr("the server went away"));
  EXPECT_THAT(text, HasSubstr("imap.example"));
}
TEST_F(LogFile, HasNoSecretsInMessageOrFields) {
  log.to_file(dir / "host.log");
  redactor.add("planted-secret");
  log.write(AOH_LOG_ERROR, "email", "said planted-secret", Json{{"also", "planted-secret"}});
  EXPECT_THAT(slurp(dir / "host.log"), Not(HasSubstr("planted-secret")));
}
TEST_F(LogFile, IsOneLineAnEntryWhateverTheMessage) {
  log.to_file(dir / "host.log");
  log.write(AOH_LOG_ERROR, "email", "first\nforged line\r\n{} %s {0}");
  const std::string text = slurp(dir / "host.log");
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  EXPECT_THAT(text, HasSubstr("{} %s {0}"));
}
TEST_F(LogFile, CutsWhatIsTooLong) {
  log.to_file(dir / "host.log");
  log.write(AOH_LOG_ERROR, "email", std::string(100'000, 'x'), Json{{"f", std::string(100'000, 'y')}});
  EXPECT_LT(slurp(dir / "host.log").size(), 9u << 10);
}
// Where a secret stands across the cut, its first half must not remain.
TEST_F(LogFile, ASecretAcrossTheCutIsMasked) {
  log.to_file(dir / "host.log");
  redactor.add("planted-secret-of-some-length");
  for (std::size_t before = (8u << 10) - 40; before <= (8u << 10); before += 4)
    log.write(AOH_LOG_ERROR, "email", std::string(before, 'x') + "planted-secret-of-some-length");
  EXPECT_THAT(slurp(dir / "host.log"), Not(HasSubstr("planted-sec")));
}
TEST_F(LogFile, TheWireGoesToTheTraceAlone) {
  log.to_file(dir / "host.log");
  log.trace_to(dir / "trace");
  redactor.add("planted-secret");
  log.write(AOH_LOG_DEBUG, "email", "imap", Json{{"wire", "C: LOGIN me planted-secret"}});
  EXPECT_THAT(slurp(dir / "trace"), HasSubstr("C: LOGIN me [secret]"));
  EXPECT_EQ(slurp(dir / "host.log"), "");
}

}  // namespace
}  // namespace aoh::host
