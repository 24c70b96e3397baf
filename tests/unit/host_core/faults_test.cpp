#include "services/faults.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "temp_dir.hpp"

namespace aoh::host::faults {
namespace {

using testing::HasSubstr;

class Faults : public testing::Test {
 protected:
  void TearDown() override { configure(""); }
  static std::string hits(int n, std::string_view name, std::string_view detail = {}) {
    std::string out;
    for (int i = 0; i < n; ++i) out += words_of([&] { point(name, detail); }).empty() ? '.' : 'F';
    return out;
  }
};

TEST_F(Faults, NothingHappensWithoutRules) { EXPECT_EQ(hits(3, "store.commit"), "..."); }
TEST_F(Faults, TheFirstHitIfNothingElseIsSaid) {
  configure("store.commit=fail");
  EXPECT_EQ(hits(3, "store.commit"), "F..");
}
TEST_F(Faults, TheNthHit) {
  configure("store.commit@3=fail");
  EXPECT_EQ(hits(5, "store.commit"), "..F..");
}
TEST_F(Faults, EveryKthHit) {
  configure("store.commit/2=fail");
  EXPECT_EQ(hits(6, "store.commit"), ".F.F.F");
}
TEST_F(Faults, OnlyThatPointAndOnlyThatDetail) {
  configure("state.apply~committing=fail");
  EXPECT_EQ(hits(1, "store.commit", "committing"), ".");
  EXPECT_EQ(hits(2, "state.apply", "outbox/1 prepared"), "..");
  EXPECT_EQ(hits(1, "state.apply", "outbox/1 committing"), "F") << "hits with another detail do not count";
}
TEST_F(Faults, SeveralRules) {
  configure("a=fail;;b@2=fail");
  EXPECT_EQ(hits(2, "a"), "F.");
  EXPECT_EQ(hits(2, "b"), ".F");
}
TEST_F(Faults, TheErrorNamesThePoint) {
  configure("handover=fail");
  EXPECT_THAT(words_of([] { point("handover"); }), HasSubstr("handover"));
}
TEST_F(Faults, Delays) {
  configure("a+30=delay");
  const auto start = std::chrono::steady_clock::now();
  point("a");
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(30));
}
TEST_F(Faults, KillsWithoutAnyCleanUp) {
  for (const char* rule : {"a@2=kill", "a@2+20=kill"}) {
    const pid_t child = ::fork();
    if (child == 0) {
      configure(rule);
      point("a");
      point("a");
      ::sleep(20);
      ::_exit(0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << rule << ": status " << status;
  }
}
TEST_F(Faults, ARuleThatIsWrongIsNamedAndTheOldOnesStay) {
  configure("a/1=fail");
  for (const char* rule :
       {"a", "a=explode", "=kill", "a@0=kill", "a@x=kill", "a/x=fail", "a+-1=delay", "a@=kill", "a/0=fail"}) {
    const std::string words = words_of([&] { configure(rule); });
    EXPECT_THAT(words, HasSubstr(std::string("'") + rule + "'")) << rule;
    EXPECT_THAT(words, HasSubstr("POINT")) << rule;
  }
  EXPECT_EQ(hits(1, "a"), "F");
}

}  // namespace
}  // namespace aoh::host::faults
