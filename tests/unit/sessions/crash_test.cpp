// kill -9 at every transaction and every step: a child process runs sessions and is killed, the next goes on.
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.hpp"

namespace aoh::host {
namespace {

/// Calls as the outside world saw them: one line a call, appended so that a kill keeps them.
class World {
 public:
  explicit World(std::filesystem::path file) : file_(std::move(file)) {}
  void saw(const std::string& key) const { std::ofstream(file_, std::ios::app) << key << std::endl; }
  std::map<std::string, int> keys() const {
    std::map<std::string, int> out;
    std::ifstream in(file_);
    for (std::string line; std::getline(in, line);) ++out[line];
    return out;
  }

 private:
  std::filesystem::path file_;
};

/// A child runs everything that is due under the fault; true when it was killed.
bool killed_child(const std::filesystem::path& dir, const std::string& fault) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    try {
      Db db(dir / "host.db");
      const Sql sql(db);
      const AgentDirectory agents({dir / "agents"});
      const World world(dir / "world");
      Ports ports;
      ports.now_ns = [] { return std::int64_t{1'900'000'000} * kSecond; };
      ports.call = [&](const ToolCall& call) {
        world.saw(call.idempotency_key);
        return ToolOutcome{AOH_OK, Json{{"structuredContent", Json{{"ok", true}}}}, ""};
      };
      Runner runner(sql, ports, agents);
      faults::configure(fault);
      sql.write("requeue", [&] { return requeue_running(sql, ports.now_ns()); });
      while (runner.run_one()) {
      }
    } catch (...) {
      ::_exit(3);
    }
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  EXPECT_TRUE((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) ||
              (WIFEXITED(status) && WEXITSTATUS(status) == 0))
      << status;
  return WIFSIGNALED(status);
}

TEST_F(SessionTest, KilledAnywhereItGoesOnAtTheFirstUnfinishedStep) {
  agent("a", "steps: [{call: one, save_as: x}, {call: two}, {finish: {output_text: t}}]");
  int kills = 0;
  for (const std::string point : {"store.begin", "store.commit", "store.committed", "session.step"}) {
    for (int n = 1; n < 40; ++n) {
      std::filesystem::remove(dir_ / "world");
      const auto id = input("message:" + point + std::to_string(n), "a", reply(events_ + 1));
      const bool killed = killed_child(dir_, point + "@" + std::to_string(n) + "=kill");
      kills += killed ? 1 : 0;
      EXPECT_FALSE(killed_child(dir_, ""));
      EXPECT_EQ(state(id), "finished") << point << n;
      const auto keys = World(dir_ / "world").keys();
      EXPECT_EQ(keys.size(), 3u) << point << n;
      int calls = 0;
      for (const auto& [key, count] : keys) calls += count;
      EXPECT_LE(calls, killed ? 4 : 3)
          << point << n;  // at most the one step that was open is called again, with its key
      EXPECT_EQ(steps_of(sql_, id, 1).size(), 4u);
      if (!killed) break;  // the scenario has fewer than n such points
    }
  }
  EXPECT_GE(kills, 30);
}

}  // namespace
}  // namespace aoh::host
