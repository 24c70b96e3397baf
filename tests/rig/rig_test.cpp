// The rig itself: mail goes through, servers come back, nothing is left behind.
#include "rig/rig.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <fstream>

using mailroom::testing::Rig;

namespace {

bool runs(const Rig& rig, const char* server) {
  const auto pid = static_cast<pid_t>(rig.info["pids"][server].integer());
  return pid > 0 && ::kill(pid, 0) == 0;
}

TEST(Rig, DeliversManyAndSingleMessagesAsSent) {
  Rig rig;
  auto one = rig.deliver({.to = "one@rig.test",
                          .subject = "Grüße",
                          .body = "It's 5 o'clock.\n",
                          .headers = {"In-Reply-To: <q@x.example>"}});
  auto mail = rig.maildir("one@rig.test", 1);
  ASSERT_EQ(mail.size(), 1u);
  EXPECT_EQ(mail.at(0)["message_id"].str(), one.at(0));
  EXPECT_EQ(mail.at(0)["subject"].str(), "Grüße");
  EXPECT_EQ(mail.at(0)["body"].str(), "It's 5 o'clock.\n");
  EXPECT_EQ(mail.at(0)["in_reply_to"].str(), "<q@x.example>");

  auto sent = rig.deliver({.to = "many@other.example", .count = 300});
  auto many = rig.maildir("many@other.example", 300);
  std::vector<std::string> arrived;
  for (const auto& m : many.items()) arrived.push_back(m["message_id"].str());
  std::sort(sent.begin(), sent.end());
  std::sort(arrived.begin(), arrived.end());
  EXPECT_EQ(sent, arrived);
}

TEST(Rig, AMessageFromAFileArrivesByteForByte) {
  Rig rig;
  const std::string raw =
      "Message-ID: <raw@x.example>\r\nSubject: raw\r\n\r\n.leading dot\r\n..two\r\n\r\n.\r\nend\r\n";
  const std::string path = rig.dir() + "/raw.eml";
  std::ofstream(path) << raw;
  EXPECT_EQ(rig.deliver({.to = "raw@rig.test", .file = path}).at(0), "<raw@x.example>");
  auto mail = rig.maildir("raw@rig.test", 1);
  EXPECT_EQ(mail.at(0)["body"].str(), ".leading dot\n..two\n\n.\nend\n");
}

TEST(Rig, MailSentWhileDovecotIsDownArrivesAfterwards) {
  Rig rig;
  rig.stop_dovecot();
  rig.deliver({.to = "later@rig.test"});
  EXPECT_EQ(rig.maildir("later@rig.test").size(), 0u);
  rig.start_dovecot();
  EXPECT_EQ(rig.maildir("later@rig.test", 1).size(), 1u);
}

TEST(Rig, ARefusedRecipientIsAnErrorWithTheServersWords) {
  Rig rig;
  try {
    rig.deliver({.to = "refused@rig.test"});
    FAIL() << "Postfix accepted refused@rig.test";
  } catch (const std::runtime_error& e) {
    EXPECT_NE(std::string(e.what()).find("550 5.1.1"), std::string::npos) << e.what();
  }
}

TEST(Rig, NothingIsLeftEvenWhenAMasterWasKilled) {
  pid_t postfix = 0, dovecot = 0;
  std::string dir;
  {
    Rig rig;
    ASSERT_TRUE(runs(rig, "postfix"));
    ASSERT_TRUE(runs(rig, "dovecot"));
    postfix = static_cast<pid_t>(rig.info["pids"]["postfix"].integer());
    dovecot = static_cast<pid_t>(rig.info["pids"]["dovecot"].integer());
    dir = rig.dir();
    ::kill(postfix, SIGKILL);
  }
  for (const pid_t group : {postfix, dovecot}) {
    // They are nobody's children by now; whoever reaps them may take a moment.
    for (int i = 0; i < 300 && ::kill(-group, 0) == 0; ++i) ::usleep(10'000);
    EXPECT_NE(::kill(-group, 0), 0) << "process group " << group << " survives";
  }
  EXPECT_FALSE(std::filesystem::exists(dir));
}

}  // namespace
