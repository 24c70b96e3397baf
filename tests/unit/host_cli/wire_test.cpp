#include "cli/wire.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

using aoh::Json;
using aoh::host::Home;
using aoh::host::Line;

namespace {

struct Pair {
  int ends[2];
  Pair() { EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0); }
};

TEST(Line, MessagesArriveWholeHoweverTheyAreCut) {
  Pair p;
  Line in(p.ends[0]);
  const std::string text = "{\"out\":\"one\\ntwo\"}\n{\"exit\":3}\n";
  for (std::size_t i = 0; i < text.size(); ++i) {
    ASSERT_EQ(::send(p.ends[1], &text[i], 1, 0), 1);
    const auto message = in.receive();
    ASSERT_EQ(message.has_value(), text[i] == '\n') << i;
    if (message && message->has("out")) {
      EXPECT_EQ((*message)["out"].str(), "one\ntwo");
    }
    if (message && message->has("exit")) {
      EXPECT_EQ((*message)["exit"].integer(), 3);
    }
  }
  ::close(p.ends[1]);
  EXPECT_FALSE(in.receive());
  EXPECT_TRUE(in.closed());
}

TEST(Line, WhatIsNoMessageIsAnError) {
  Pair p;
  Line in(p.ends[0]);
  ASSERT_GT(::send(p.ends[1], "nonsense\n", 9, 0), 0);
  EXPECT_THROW(in.receive(), aoh::JsonError);
  ::close(p.ends[1]);
}

TEST(Line, ASenderWhosePeerIsGoneLearnsIt) {
  Pair p;
  Line out(p.ends[0]);
  ::close(p.ends[1]);
  EXPECT_FALSE(out.send(Json{{"out", "x"}}));
}

TEST(Socket, AStaleOneIsNoObstacleAndALongHomeIsReached) {
  char base[] = "/tmp/wireXXXXXX";
  ASSERT_NE(::mkdtemp(base), nullptr);
  const Home home(std::filesystem::path(base) / std::string(120, 'h'));
  EXPECT_EQ(aoh::host::connect_to(home), -1);
  for (int round = 0; round < 2; ++round) {  // the second finds what the first left behind
    const int listener = aoh::host::listen_in(home);
    struct stat st {};
    ASSERT_EQ(::stat(home.socket().c_str(), &st), 0);
    EXPECT_EQ(st.st_mode & 0777, 0600u);
    const int fd = aoh::host::connect_to(home);
    EXPECT_GE(fd, 0);
    ::close(fd);
    ::close(listener);
    EXPECT_EQ(aoh::host::connect_to(home), -1);
  }
  std::filesystem::remove_all(base);
}

}  // namespace
