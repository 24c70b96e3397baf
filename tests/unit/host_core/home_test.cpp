#include "services/home.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "temp_dir.hpp"

namespace aoh::host {
namespace {

using testing::HasSubstr;

TEST(HomeFolder, IsMadeForItsOwnerOnly) {
  TempDir dir;
  const Home home(dir / "a");
  struct stat st {};
  ASSERT_EQ(::stat((dir / "a").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777, 0700u);
  EXPECT_TRUE(std::filesystem::is_directory(home.blobs()));
}

TEST(HomeFolder, OneThatOthersMayWriteToIsRefused) {
  TempDir dir;
  std::filesystem::create_directory(dir / "a");
  ::chmod((dir / "a").c_str(), 0777);
  EXPECT_THAT(words_of([&] { Home home(dir / "a"); }), HasSubstr("chmod 700"));
}

TEST(HomeFolder, AFileInItsPlaceIsNamed) {
  TempDir dir;
  std::ofstream(dir / "a") << "x";
  EXPECT_THAT(words_of([&] { Home home(dir / "a"); }), HasSubstr((dir / "a").string()));
}

TEST(HomeFolder, OneThatCannotBeMadeNamesTheCure) {
  EXPECT_THAT(words_of([] { Home home("/proc/no/such"); }), HasSubstr("--home"));
}

TEST(Lock, OneHolderAtATimeAndItIsNamed) {
  TempDir dir;
  const Home home(dir / "a");
  EXPECT_EQ(HomeLock::holder(home), 0);
  {
    const auto first = HomeLock::take(home);
    ASSERT_TRUE(first);
    EXPECT_EQ(HomeLock::holder(home), ::getpid());
    EXPECT_FALSE(HomeLock::take(home));
  }
  EXPECT_EQ(HomeLock::holder(home), 0);
  EXPECT_TRUE(HomeLock::take(home));
}

TEST(Lock, GoesWithItsProcessHoweverThatEnds) {
  TempDir dir;
  const Home home(dir / "a");
  int fds[2];
  ASSERT_EQ(::pipe(fds), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto lock = HomeLock::take(home);
    [[maybe_unused]] const auto n = ::write(fds[1], lock ? "y" : "n", 1);
    ::pause();
    ::_exit(0);
  }
  char answer = 0;
  ASSERT_EQ(::read(fds[0], &answer, 1), 1);
  EXPECT_EQ(answer, 'y');
  EXPECT_EQ(HomeLock::holder(home), child);
  EXPECT_FALSE(HomeLock::take(home));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_TRUE(HomeLock::take(home));
  ::close(fds[0]);
  ::close(fds[1]);
}

}  // namespace
}  // namespace aoh::host
