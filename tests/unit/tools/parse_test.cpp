#include "tools/parse.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "email_fakes/fake_host.hpp"
#include "host/files.hpp"
#include "outbox/outbox.hpp"
#include "tools/base64.hpp"

namespace mailroom::tools {
namespace {

using mailroom::testing::FakeCall;
using mailroom::testing::FakeHost;

const char kMail[] =
    "From: Ada <ada@example.org>\r\nTo: bob@example.net\r\nSubject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\n\r\nHello "
    "Bob\r\n";

struct Parse : ::testing::Test {
  Parse() {
    std::string name = (std::filesystem::temp_directory_path() / "parse-XXXXXX").string();
    dir = ::mkdtemp(name.data());
    std::ofstream(dir / "a.eml") << kMail;
    std::filesystem::create_directory(dir / "root");
    std::ofstream(dir / "root" / "in.eml") << kMail;
    std::filesystem::create_symlink(dir / "a.eml", dir / "root" / "out.eml");
    std::filesystem::create_symlink("in.eml", dir / "root" / "near.eml");
  }
  ~Parse() override { std::filesystem::remove_all(dir); }

  aoh::Json run(const aoh::Json& args, bool by_operator = true,
                const aoh::Json& config = aoh::Json::object()) {
    host::Runtime runtime(fake.c(), host::Config::from(config));
    outbox::Outbox outbox(runtime);
    const Toolbox box{runtime, outbox, {}};
    FakeCall call({{"call_id", "c1"}}, by_operator);
    const aoh::Result r = email_parse(box, args, *call.call);
    EXPECT_EQ(r.status, AOH_OK);
    return r.body;
  }
  std::filesystem::path dir;
  FakeHost fake;
};

aoh::Json paths(std::initializer_list<std::string> list) {
  aoh::Json a = aoh::Json::array();
  for (const std::string& p : list) a.push(p);
  return aoh::Json{{"paths", std::move(a)}};
}

TEST_F(Parse, FilesOfThePersonAtTheCommandLine) {
  const aoh::Json body = run(paths({(dir / "a.eml").string(), (dir / "none.eml").string()}));
  const aoh::Json& messages = body["structuredContent"]["messages"];
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(messages.at(0)["subject"].str(), "Grüße");
  EXPECT_EQ(messages.at(0)["from"].at(0)["address"].str(), "ada@example.org");
  EXPECT_TRUE(messages.at(0)["untrusted"].boolean());
  EXPECT_EQ(messages.at(1)["error"]["code"].str(), "not_found");
  EXPECT_FALSE(body["isError"].boolean()) << "one of two was read";
  EXPECT_EQ(body.path("_meta.aoh.taint").size(), 1u);
  EXPECT_NE(body["content"].at(0)["text"].str().find("<<<untrusted"), std::string::npos);
}

TEST_F(Parse, NothingReadableIsAnError) {
  EXPECT_TRUE(run(paths({"/nonexistent/x.eml"}))["isError"].boolean());
  EXPECT_TRUE(run(aoh::Json::object())["isError"].boolean());
  EXPECT_TRUE(run(paths({dir.string()}))["isError"].boolean()) << "a folder";
  EXPECT_TRUE(run(paths({"/dev/zero"}))["isError"].boolean());
}

TEST_F(Parse, AgentsStayBelowFilesRoot) {
  const aoh::Json config{{"files_root", (dir / "root").string()}};
  EXPECT_TRUE(run(paths({(dir / "a.eml").string()}), false)["isError"].boolean()) << "no files_root";
  for (const std::string& good :
       {std::string("in.eml"), std::string("near.eml"), (dir / "root" / "in.eml").string()})
    EXPECT_FALSE(run(paths({good}), false, config)["isError"].boolean()) << good;
  for (const std::string& bad :
       {std::string("out.eml"), std::string("../a.eml"), (dir / "a.eml").string(),
        (dir / "root/../a.eml").string(), (dir / "rootx").string(), std::string("/etc/passwd"),
        std::string("/proc/self/root") + (dir / "a.eml").string()}) {
    const aoh::Json body = run(paths({bad}), false, config);
    EXPECT_TRUE(body["isError"].boolean()) << bad;
    EXPECT_EQ(body.path("structuredContent.error.code").str(), "refused") << bad;
  }
}

TEST_F(Parse, TextAndBlobs) {
  fake.blobs["b1"] = kMail;
  const aoh::Json body = run({{"raw", aoh::Json::array({kMail})},
                              {"blobs", aoh::Json::array({"b1", "b2"})},
                              {"base64", aoh::Json::array({"U3ViamVjdDogaGkNCg0KaGV5", "%%%"})},
                              {"format", "text"}},
                             false);
  const aoh::Json& m = body["structuredContent"]["messages"];
  ASSERT_EQ(m.size(), 5u);
  EXPECT_EQ(m.at(0)["subject"].str(), "Grüße");
  EXPECT_EQ(m.at(1)["error"]["code"].str(), "not_found");
  EXPECT_EQ(m.at(2)["subject"].str(), "Grüße");
  EXPECT_EQ(m.at(3)["subject"].str(), "hi");
  EXPECT_EQ(m.at(4)["error"]["code"].str(), "invalid");
}

TEST_F(Parse, AnswersStaySmallForAModel) {
  aoh::Json raw = aoh::Json::array();
  for (int i = 0; i < 100; ++i) raw.push(std::string("Subject: big\r\n\r\n") + std::string(100'000, 'x'));
  const aoh::Json body = run({{"raw", std::move(raw)}}, false);
  EXPECT_LT(body.dump().size(), 1u << 20);
  EXPECT_FALSE(body["structuredContent"]["notice"].str().empty());
  EXPECT_EQ(body["structuredContent"]["messages"].size(), 100u);
}

TEST(Base64, Table) {
  EXPECT_EQ(decode_base64("", "f"), "");
  EXPECT_EQ(decode_base64("QQ==", "f"), "A");
  EXPECT_EQ(decode_base64("QUI", "f"), "AB");
  EXPECT_EQ(decode_base64("QU\nJD", "f"), "ABC");
  for (const char* bad : {"Q", "QQ=A", "Q@==", "QUI==", "===="})
    EXPECT_THROW(decode_base64(bad, "f"), Failure) << bad;
}

}  // namespace
}  // namespace mailroom::tools
