// Whatever a parser does, the parent is told, in time, and lives.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "module/extract.hpp"

namespace fs = std::filesystem;
using namespace mailroom::documents;
using testing::HasSubstr;

namespace {

struct Misbehaviour {
  const char* how;
  const char* code;  // of the failure; "" when the document counts as read
  const char* words;
};
void PrintTo(const Misbehaviour& m, std::ostream* os) { *os << m.how; }

const Misbehaviour kAll[] = {{"crash", "crashed", "signal 11"},
                             {"killed", "timeout", "processor time"},
                             {"hang", "timeout", "within its time"},
                             {"silent", "crashed", "ended before"},
                             {"exit_one", "crashed", "ended before"},
                             {"noise", "crashed", "nonsense"},
                             {"half", "crashed", "ended before"},
                             {"half_then_crash", "crashed", "signal 7"},
                             {"long_frame", "crashed", "longer than"},
                             {"cut_frame", "crashed", "ended before"},
                             {"two_hellos", "crashed", "hello"},
                             {"no_json", "crashed", "no JSON"},
                             {"deep_json", "crashed", "no JSON"},
                             {"stray_member", "crashed", "mixed"},
                             {"open_member", "crashed", "ended before"},
                             {"text_in_member", "crashed", "mixed"},
                             {"after_done", "crashed", "after its end"},
                             {"odd_facts", "", ""},
                             {"odd_text", "", ""},
                             {"complains", "", ""},
                             {"closes", "timeout", "within its time"},
                             {"leaves_a_child", "", ""},
                             {"warns", "timeout", ""}};

class Parent : public testing::TestWithParam<Misbehaviour> {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("child-test-" + std::to_string(::getpid()));
    fs::create_directories(folder_ / "work");
    std::ofstream(folder_ / "document") << "a document";
    means_.parser = HOSTILE_PARSER;
    means_.work_folder = folder_ / "work";
    means_.wall = std::chrono::milliseconds(700);
  }
  void TearDown() override { fs::remove_all(folder_); }

  Extracted read(
      const std::string& how, TextTo& to, const std::function<bool()>& stop = [] { return false; }) {
    Document d;
    d.fd = ::open((folder_ / "document").c_str(), O_RDONLY | O_CLOEXEC);
    d.size = 10;
    d.filename = how + ".txt";
    Extracted e = extract(means_, d, to, stop);
    ::close(d.fd);
    return e;
  }
  fs::path folder_;
  Means means_;
};

TEST_P(Parent, LivesAndIsTold) {
  Window window(0, 1u << 20);
  const Extracted e = read(GetParam().how, window);
  EXPECT_EQ(e.failed ? e.failed->code : "", GetParam().code) << (e.failed ? e.failed->what : "");
  EXPECT_THAT(e.failed ? e.failed->what : "", HasSubstr(GetParam().words));
  EXPECT_LE(e.warnings.size(), 200u);
  EXPECT_TRUE(fs::is_empty(folder_ / "work"));
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a child was left unwaited for";
}

INSTANTIATE_TEST_SUITE_P(Misbehaviours, Parent, testing::ValuesIn(kAll),
                         [](const auto& i) { return std::string(i.param.how); });

using Limits_ = Parent;

TEST_P(Limits_, AFloodEndsWhereNobodyTakesMore) {
  Window window(0, 4096);
  const Extracted e = read("flood", window);
  EXPECT_TRUE(e.stopped);
  EXPECT_FALSE(e.failed);
  EXPECT_TRUE(window.more());
  EXPECT_EQ(window.shown().size(), 4096u);
}

TEST_P(Limits_, AFloodEndsAtTheLimitOfThePipe) {
  Job job;
  job.program = HOSTILE_PARSER;
  job.work_folder = folder_ / "work";
  job.options = R"({"filename":"flood"})";
  job.max_output = 3u << 20;
  job.document = ::open((folder_ / "document").c_str(), O_RDONLY | O_CLOEXEC);
  std::size_t taken = 0;
  const Ending end = run(
      job,
      [&](std::string_view bytes) {
        taken += bytes.size();
        return true;
      },
      [] { return false; });
  ::close(job.document);
  EXPECT_EQ(end.how, Ending::How::flooded);
  EXPECT_LE(taken, 3u << 20);
}

TEST_P(Limits_, AStopEndsAHang) {
  Window window(0, 4096);
  means_.wall = std::chrono::minutes(10);
  int asked = 0;
  const Extracted e = read("hang", window, [&] { return ++asked > 2; });
  EXPECT_TRUE(e.cancelled);
}

TEST_P(Limits_, WhatIsShownIsClean) {
  Window window(0, 4096);
  read("odd_text", window);
  window.finish();
  EXPECT_EQ(window.shown(),
            "--- a??page 9?[2J ---\n\xef\xbf\xbd\xef\xbf\xbd[31ma\nb\xef\xbf\xbd\xef\xbf\xbd");
}

TEST_P(Limits_, AHostThatIgnoresItsChildrenIsServed) {
  const auto before = std::signal(SIGCHLD, SIG_IGN);
  Window window(0, 4096);
  const Extracted read_well = read("odd_facts", window);
  const Extracted crashed = read("half_then_crash", window);
  std::signal(SIGCHLD, before);
  EXPECT_FALSE(read_well.failed);
  ASSERT_TRUE(crashed.failed);
  EXPECT_EQ(crashed.failed->code, "crashed");
}

TEST_P(Limits_, AMissingParserIsSaid) {
  Window window(0, 4096);
  means_.parser = "/nowhere/documents-parser";
  const Extracted e = read("hang", window);
  ASSERT_TRUE(e.failed);
  EXPECT_EQ(e.failed->code, "sandbox");
  EXPECT_THAT(e.failed->what, HasSubstr("/nowhere/documents-parser"));
}

INSTANTIATE_TEST_SUITE_P(Once, Limits_, testing::Values(Misbehaviour{"once", "", ""}));

}  // namespace
