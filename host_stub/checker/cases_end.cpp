// Cases about what is left afterwards: in the process, in memory, in what was said.
#include <fstream>
#include <set>
#include <thread>

#include "checker/context.hpp"

namespace aoh::host::checker {
namespace {

using Path = std::filesystem::path;

/// Every example once, every source for a moment.
void full_tour(Live& live) {
  for (const Example& e : examples(live.manifest())) {
    step("calling " + e.label);
    call(live, e.tool->name, e.arguments);
  }
  for (const TriggerSource& s : live.manifest().trigger_sources) {
    step("running the source " + s.source);
    auto* const t = new FakeTrigger(*live.host, "check-tour-" + s.source);
    if (!live.module->trigger_start(source_json(s, "check-tour-" + s.source), "", t->c())) continue;
    t->wait_batches(1, milliseconds(300));
    t->ask_to_stop();
    live.module->trigger_stop(t->c());
    if (!t->wait_stopped(std::chrono::seconds(3)))
      fail(s.source + ": stopped() did not come within 3 s of trigger_stop()");
  }
}

void secrets(const Path& library) {
  Live live(library);
  live.create();
  full_tour(live);
  for (const auto& [key, value] : live.host->secrets())
    live.host->credential_changed(key.substr(0, key.find('/')));
  for (const char* point : {"vault.read", "credential.get"}) {  // errors talk the most
    live.host->fail(point, 1, AOH_E_INTERNAL);
    for (const Example& e : examples(live.manifest())) call(live, e.tool->name, e.arguments);
  }
  live.destroy();
  const std::string said = live.host->everything_said();
  for (const std::string& secret : planted_secrets()) {
    const auto at = said.find(secret);
    if (at == std::string::npos) continue;
    bool logged = false;
    for (const auto& line : live.host->logs())
      logged |= (line.message + line.fields).find(secret) != std::string::npos;
    std::string context = said.substr(at > 60 ? at - 60 : 0, std::min<std::size_t>(at, 60));
    fail(std::string("it showed a secret from the vault ") +
         (logged ? "in its log" : "in a result, an event, its health or its state") + ", after the words \"" +
         valid_utf8(context) + "\"");
  }
}

void destroy_clean(const Path& library) {
  Live live(library);
  const ProcessFacts before = ProcessFacts::now();
  live.create();
  full_tour(live);
  live.destroy();
  const std::string changed = settled_difference(before);
  if (!changed.empty()) fail("after destroy(): " + changed);
  expect(
      live.host->pending_timers() == 0,
      "after destroy(): it left " + std::to_string(live.host->pending_timers()) + " timers with aoh.clock/1");
  expect_no_breach(*live.host);
}

std::size_t resident_bytes() {
  std::ifstream in("/proc/self/statm");
  std::size_t all = 0, resident = 0;
  in >> all >> resident;
  return resident * 4096;
}

void cycles(const Path& library) {
  constexpr int kCycles = 100;
  Live live(library);
  const aoh_module& f = live.module->functions();
  const auto one = [&] {
    aoh_instance* self = nullptr;
    const aoh_status s = f.create(live.host->c(), borrow("{}"), &self, nullptr);
    if (s != AOH_OK)
      fail(std::string("create() failed with ") + status_name(s) + "; a NULL error pointer is allowed");
    f.quiesce(self, live.host->clock().monotonic_ns());
    f.destroy(self);
  };
  step("creating and destroying to warm up");
  for (int i = 0; i < 20; ++i) one();
  const ProcessFacts before = ProcessFacts::now();
  const std::size_t memory = allocated_bytes(), resident = resident_bytes();
  step("creating and destroying 100 times");
  for (int i = 0; i < kCycles; ++i) one();
  const std::string changed = settled_difference(before);
  if (!changed.empty()) fail("after 100 times create() and destroy(): " + changed);
  const auto grown = static_cast<std::int64_t>(allocated_bytes()) - static_cast<std::int64_t>(memory);
  expect(grown < std::int64_t{kCycles} * 64, "100 times create() and destroy() left " +
                                                 std::to_string(grown) + " bytes allocated, " +
                                                 std::to_string(grown / kCycles) + " each time");
#if !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)  // a sanitizer keeps freed memory for a while
  const auto mapped = static_cast<std::int64_t>(resident_bytes()) - static_cast<std::int64_t>(resident);
  expect(mapped < (4 << 20),
         "100 times create() and destroy() made the process " + std::to_string(mapped >> 10) + " KiB larger");
#else
  (void)resident;
#endif
}

void permissions(const Path& library) {
  Live live(library);
  const Manifest& m = live.manifest();
  live.create();
  full_tour(live);
  live.destroy();
  for (const std::string& id : live.host->asked())
    expect(m.wants_service(id), "it asks for the service " + id + ", which its manifest does not list");
  for (const auto* list : {&m.services_required, &m.services_optional})
    for (const std::string& id : *list)
      expect(live.host->asked().contains(id),
             "its manifest lists the service " + id + ", which it never asked for; ask for less");
  for (const Permission& p : m.permissions) {
    bool used = p.name == "network" || p.name == "files";  // these go past the service table
    for (const auto* list : {&m.services_required, &m.services_optional})
      for (const std::string& id : *list) used |= permission_of_service(id) == p.name;
    expect(used,
           "its manifest wants the permission " + p.name + ", and no service that needs it; ask for less");
  }
}

}  // namespace

std::vector<Case> end_cases() {
  return {{"secrets", "secrets of the vault are never in results, logs or events", secrets},
          {"destroy-leaves-nothing", "no thread, descriptor, timer or changed global state after destroy()",
           destroy_clean},
          {"cycles", "100 times create() and destroy() without growth", cycles},
          {"permissions", "services that are asked for are declared, and the reverse", permissions}};
}

}  // namespace aoh::host::checker
