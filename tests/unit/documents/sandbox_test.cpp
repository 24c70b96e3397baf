// A parser in a stranger's hands gets no file, no network, no process and no signal: with every means that
// the kernel has, and with those alone that must hold on every kernel.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "sandbox/child.hpp"
#include "sandbox/confine.hpp"
#include "support/json.hpp"
#include "wire/frame.hpp"

namespace fs = std::filesystem;
using namespace mailroom::documents;
using testing::HasSubstr;

namespace {

struct Tried {
  aoh::Json hello;
  std::map<std::string, std::string> got;  // what was tried: what came of it
  std::string failed;
  Ending end;
};

// Where it runs.
struct Where {
  const char* name;
  bool program = false;     // a program was executed, as for a PDF
  bool poor = false;        // no Landlock, no namespaces
  bool plain_user = false;  // the host is not root
};
void PrintTo(const Where& w, std::ostream* os) { *os << w.name; }

class Sandbox : public testing::TestWithParam<Where> {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("sandbox-test-" + std::to_string(::getpid()) + GetParam().name);
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
                            {"program", GetParam().program},
                            {"poor", GetParam().poor},
                            {"plain_user", GetParam().plain_user},
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
            if (f.type == Frame::failed) out.failed = f.payload;
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

  // What came of one attempt, where nothing may.
  void expect_denied(const std::string& what, const std::string& got, const Tried& t) const {
    const bool landlock = t.hello["landlock"].integer() > 0;
    if (what == "descriptors beyond its own") {
      EXPECT_EQ(got, "0");
    } else if (what == "environment") {
      EXPECT_EQ(got, "empty");
    } else if (what == "8 GiB of memory") {
      EXPECT_TRUE(!t.hello["memory_limits"].boolean() || got == "ENOMEM") << got;
    } else if (GetParam().program && (what == "read /etc/passwd" || what == "read the open file")) {
      // A program must be able to open its libraries; without Landlock that is whatever everybody may read.
      EXPECT_EQ(got, landlock ? "EACCES" : "GOT") << what;
    } else {
      EXPECT_NE(got, "GOT") << what;
    }
  }
  fs::path folder_;
};

TEST_P(Sandbox, NothingIsHad) {
  const Tried t = let_try();
  ASSERT_EQ(t.end.how, Ending::How::exited) << t.end.complaint;
  if (GetParam().program && t.hello["landlock"].integer(0) == 0 && GetParam().plain_user) {
    EXPECT_THAT(t.failed, HasSubstr("neither Landlock nor another user"));
    EXPECT_TRUE(t.got.empty());
    return;
  }
  EXPECT_EQ(t.failed, "");
  for (const auto& [what, got] : t.got) expect_denied(what, got, t);
  EXPECT_GE(t.got.size(), 59u);

  // Nothing is left behind, nothing was changed.
  EXPECT_TRUE(fs::is_empty(folder_ / "work")) << "the working directory was not removed";
  for (const char* made :
       {"/tmp/made-by-a-stranger", "/tmp/moved-by-a-stranger", "/tmp/linked-by-a-stranger"})
    EXPECT_FALSE(fs::exists(made)) << made;
  std::ifstream in(folder_ / "open.txt");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), "everybody may read this");

  // What is said to be there is what was asked of this place.
  if (GetParam().poor) {
    EXPECT_EQ(t.hello["landlock"].integer(-1), 0);
    EXPECT_FALSE(t.hello["own_network"].boolean(true));
  }
  EXPECT_EQ(t.hello["user"].integer(0), ::geteuid() == 0 && !GetParam().plain_user ? 65534 : -1);
}

INSTANTIATE_TEST_SUITE_P(Everywhere, Sandbox,
                         testing::Values(Where{"Plain"}, Where{"Program", true}, Where{"Poor", false, true},
                                         Where{"PoorProgram", true, true}, Where{"User", false, false, true},
                                         Where{"UserProgram", true, false, true},
                                         Where{"PoorUser", false, true, true},
                                         Where{"PoorUserProgram", true, true, true}),
                         [](const auto& i) { return std::string(i.param.name); });

}  // namespace
