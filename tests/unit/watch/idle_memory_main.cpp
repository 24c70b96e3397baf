// What an idle watcher costs, without a host: starts N of them on the rig's Dovecot over TLS, prints resident
// memory for each.
//
//   watch_idle_memory [N]     exit status 1 when one costs more than 40 KB
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "email_fakes/fake_host.hpp"
#include "rig/rig.hpp"
#include "watch/watcher.hpp"

namespace {

long resident_kb() {
  std::ifstream in("/proc/self/statm");
  long all = 0, resident = 0;
  in >> all >> resident;
  return resident * (::sysconf(_SC_PAGESIZE) / 1024);
}

}  // namespace

int main(int argc, char** argv) {
  using namespace mailroom;
  const int n = argc > 1 ? std::atoi(argv[1]) : 1000;
  testing::Rig::Options options;
  options.many = true;
  testing::Rig rig(options);
  testing::FakeHost fake;
  host::Runtime runtime(fake.c(), host::Config{});
  fake.secrets["w/password"] = rig.password();
  const auto run = [&](int from, int to, std::vector<std::unique_ptr<testing::FakeTrigger>>& triggers,
                       std::vector<std::shared_ptr<watch::Watcher>>& watchers) {
    for (int i = from; i < to; ++i) {
      const std::string id = "w" + std::to_string(i);
      fake.secrets[id + "/password"] = rig.password();
      fake.credentials[id] =
          aoh::Json{{"id", id},
                    {"type", "mail"},
                    {"email", id + "@rig.test"},
                    {"ca_file", rig.ca_file()},
                    {"imap", {{"host", rig.host()}, {"port", rig.imap_tls_port()}, {"tls", "implicit"}}}};
      triggers.push_back(std::make_unique<testing::FakeTrigger>());
      aoh::Json source{
          {"trigger_id", id},
          {"key", {{"credential_id", id}, {"mailbox", "INBOX"}}},
          {"blueprints",
           aoh::Json::array({aoh::Json{{"id", "b"}, {"match", aoh::Json{{"subject_regex", "quote"}}}}})}};
      watchers.push_back(watch::Watcher::start(runtime, watch::Source::from(source), {},
                                               std::make_shared<aoh::Trigger>(triggers.back()->c())));
      // A few at a time: Dovecot's sign-in is what takes long.
      if (i % 20 == 19 || i + 1 == to)
        for (auto& t : triggers)
          if (!t->wait([](testing::FakeTrigger& x) { return x.last_health()["state"].str() == "idle"; },
                       60'000))
            std::printf("not idle: %s\n", t->last_health().dump().c_str());
    }
  };
  std::vector<std::unique_ptr<testing::FakeTrigger>> triggers;
  std::vector<std::shared_ptr<watch::Watcher>> watchers;
  run(0, 20, triggers, watchers);  // what is paid once: OpenSSL, the heap
  const long before = resident_kb();
  run(20, 20 + n, triggers, watchers);
  const double each = static_cast<double>(resident_kb() - before) / n;
  std::printf("%d idle watchers: %.1f KB each\n", n, each);
  for (std::size_t i = 0; i < watchers.size(); ++i) {
    triggers[i]->stopping = true;
    watchers[i]->stop();
  }
  for (auto& t : triggers) t->wait([](testing::FakeTrigger& x) { return x.has_stopped(); }, 20'000);
  return each <= 40.0 ? 0 : 1;
}
