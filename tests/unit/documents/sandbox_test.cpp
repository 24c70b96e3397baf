// A parser in a stranger's hands gets no file, no network, no process and no signal.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "sandbox/child.hpp"
#include "sandbox/confine.hpp"
#include "support/json.hpp"
#include "wire/frame.hpp"

namespace fs = std::filesystem;
using namespace mailroom::documents;

namespace {

struct Tried {
  aoh::Json hello;
  std::map<std::string, std::string> got;  // what was tried: what came of it
  Ending end;
};

class Sandbox : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() /
              ("sandbox-test-" + std::to_string(::getpid()) + (GetParam() ? "-p" : "-n"));
    fs::create_directories(folder_ / "work");
    std::ofstream(folder_ / "open.txt") << "everybody may read this";
    ::chmod((folder_ / "open.txt").c_str(), 0666);
    std::ofstream(folder_ / "key") << "the vault's key";
    ::chmod((folder_ / "key").c_str(), 0600);
    std::ofstream(folder_ / "document") << "a document";
  }
  void TearDown() override { fs::remove_all(folder_); }

  Tried let_try() const {
    Tried out;
    Job job;
    job.program = HOSTILE_PARSER;
    job.work_folder = folder_ / "work";
    job.options = aoh::Json{{"self", HOSTILE_PARSER},
                            {"program", GetParam()},
                            {"parent", ::getpid()},
                            {"port", 9},
                            {"open_file", (folder_ / "open.txt").string()},
                            {"key", (folder_ / "key").string()}}
                      .dump();
    job.document = ::open((folder_ / "document").c_str(), O_RDONLY | O_CLOEXEC);
    std::string all;
    FrameReader reader;
    out.end = run(
        job,
        [&](std::string_view bytes) {
          reader.feed(bytes);
          for (FrameReader::Taken f; reader.next(f);) {
            if (f.type == Frame::hello) out.hello = aoh::Json::parse(f.payload);
            if (f.type == Frame::failed) all += "failed: " + f.payload;
            if (f.type == Frame::text) all += f.payload;
          }
          return true;
        },
        [] { return false; });
    ::close(job.document);
    for (std::size_t at = 0, end; (end = all.find('\n', at)) != all.npos; at = end + 1) {
      const std::string line = all.substr(at, end - at);
      out.got[line.substr(0, line.rfind(": "))] = line.substr(line.rfind(": ") + 2);
    }
    EXPECT_TRUE(reader.ended()) << all << out.end.complaint;
    return out;
  }
  fs::path folder_;
};

TEST_P(Sandbox, NothingIsHad) {
  const Tried t = let_try();
  ASSERT_EQ(t.end.how, Ending::How::exited) << t.end.complaint;
  const bool sanitized = !t.hello["memory_limits"].boolean();
  std::size_t checked = 0;
  for (const auto& [what, got] : t.got) {
    ++checked;
    if (what == "descriptors beyond its own") {
      EXPECT_EQ(got, "0");
    } else if (what == "environment") {
      EXPECT_EQ(got, "empty");
    } else if (what == "8 GiB of memory") {
      EXPECT_TRUE(sanitized || got == "ENOMEM") << got;
    } else if (GetParam() && (what == "read /etc/passwd" || what == "read the open file")) {
      // A program must be able to open its libraries; what else can be opened is Landlock's to say.
      EXPECT_TRUE(t.hello["landlock"].integer() == 0 || got == "EACCES") << what << ": " << got;
    } else if (GetParam() && what == "read the key") {
      EXPECT_TRUE((t.hello["landlock"].integer() == 0 && t.hello["user"].integer() < 0) || got == "EACCES")
          << got;
    } else {
      EXPECT_NE(got, "GOT") << what;
    }
  }
  EXPECT_GE(checked, 59u);
}

TEST_P(Sandbox, NothingIsLeftBehind) {
  let_try();
  EXPECT_TRUE(fs::is_empty(folder_ / "work")) << "the working directory was not removed";
  for (const char* made :
       {"/tmp/made-by-a-stranger", "/tmp/moved-by-a-stranger", "/tmp/linked-by-a-stranger"})
    EXPECT_FALSE(fs::exists(made)) << made;
  std::ifstream in(folder_ / "open.txt");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), "everybody may read this");
}

TEST_P(Sandbox, WhatTheKernelLacksIsSaid) {
  const Tried t = let_try();
  // As root everything but Landlock and the namespace must be there; those depend on the kernel and the
  // container.
  EXPECT_EQ(t.hello["user"].integer(), ::geteuid() == 0 ? 65534 : -1);
  EXPECT_TRUE(t.hello.has("landlock"));
  EXPECT_TRUE(t.hello.has("own_network"));
}

INSTANTIATE_TEST_SUITE_P(WithoutAndWithAProgram, Sandbox, testing::Bool());

}  // namespace
