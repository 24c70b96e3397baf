// Cases about making an instance: under which hosts, with which configurations.
#include "checker/context.hpp"

namespace aoh::host::checker {
namespace {

using Path = std::filesystem::path;

/// One example of each tool, results as they must be.
void short_tour(Live& live, bool allow_status) {
  const ToolSpec* last = nullptr;
  for (const Example& e : examples(live.manifest())) {
    if (e.tool == last) continue;
    last = e.tool;
    step("calling " + e.label);
    expect_valid_result(*e.tool, call(live, e.tool->name, e.arguments), e.label, allow_status);
  }
}

void create_exact(const Path& library) {
  Live live(library, {.age = Age::exact});
  live.create();
  short_tour(live, false);
  live.destroy();
  expect_no_breach(*live.host);
}

void create_newer(const Path& library) {
  Live live(library, {.age = Age::newer});
  live.create();
  short_tour(live, false);
  live.destroy();
  expect_no_breach(*live.host);
}

void services_absent(const Path& library) {
  Live live(library);
  std::vector<std::set<std::string, std::less<>>> trials;
  std::set<std::string, std::less<>> every;
  for (const char* id : {AOH_LOG_ID, AOH_CLOCK_ID, AOH_CREDENTIAL_ID, AOH_VAULT_ID, AOH_STATE_ID,
                         AOH_SESSION_ID, AOH_BLOB_ID}) {
    trials.push_back({id});
    every.insert(id);
  }
  trials.push_back(every);
  for (const auto& absent : trials) {
    const std::string label = absent.size() == 1 ? "without " + *absent.begin() : "without any service";
    live.host = std::make_unique<FakeHost>(FakeHost::Options{.absent = absent});
    step("creating an instance " + label);
    const Outcome o = live.module->create(live.host->c(), "{}");
    const bool required =
        std::any_of(live.manifest().services_required.begin(), live.manifest().services_required.end(),
                    [&](const auto& s) { return absent.contains(s); });
    if (!o) {
      expect(required, label + ": create() refuses (" + o.message +
                           "), but the manifest does not list that as required");
      expect(!o.message.empty() && !o.message.starts_with("status "),
             label + ": create() refuses without a word of why");
      continue;
    }
    step("working " + label);
    short_tour(live, true);
    step("destroying the instance " + label);
    live.module->functions().destroy(live.module->instance());
    live.module = std::make_unique<Module>(live.manifest(), library, live.module->functions());
  }
}

void config_invalid(const Path& library) {
  Live live(library);
  const std::string deep(100000, '[');
  Json wrong = Json::object();
  for (const auto& [key, schema] : live.manifest().config.json()["properties"].members())
    wrong.set(key, Json::array({Json{{"wrong", true}}}));
  struct Trial {
    std::string text, label;
    bool must_fail;
  };
  const Trial trials[] = {{"{", "a cut-off document", true},
                          {"[]", "an array", true},
                          {"null", "null", true},
                          {"\"x\"", "a string", true},
                          {deep, "100,000 open brackets", true},
                          {"{\"a\":1,\"a\":2}", "a key that stands twice", true},
                          {"{\"a\":\"\xff\xfe\"}", "invalid UTF-8", true},
                          {std::string("{}\0{}", 5), "a NUL byte and more behind the end", true},
                          {wrong.dump(), "wrong types in every property", false}};
  for (const Trial& t : trials) {
    step("creating an instance with " + t.label + " as its configuration");
    const Outcome o = live.module->create(live.host->c(), t.text);
    if (!o) {
      expect(!o.message.empty() && !o.message.starts_with("status "),
             "with " + t.label + " as its configuration create() refuses without a word of why");
      continue;
    }
    expect(!t.must_fail, "create() accepted " + t.label + " as its configuration");
    live.module->functions().destroy(live.module->instance());
    live.module = std::make_unique<Module>(live.manifest(), library, live.module->functions());
  }
  step("creating an instance after refusals");
  live.create();
  live.destroy();
}

void create_leaves_alone(const Path& library) {
  Live live(library);
  const ProcessFacts before = ProcessFacts::now();
  live.create();
  ProcessFacts after = ProcessFacts::now();
  after.threads = before.threads;  // an instance may have threads, descriptors and timers of its own
  after.descriptors = before.descriptors;
  after.timers = before.timers;
  const std::string changed = after.changed_since(before);
  if (!changed.empty()) fail("create(): " + changed);
  live.destroy();
}

}  // namespace

std::vector<Case> create_cases() {
  return {{"create-exact-host", "works with structs of exactly the size of version 1.0", create_exact},
          {"create-newer-host", "works with longer structs whose further members are traps", create_newer},
          {"services-absent", "each service absent, and all: a clean refusal or it works", services_absent},
          {"config-invalid", "an invalid configuration is refused with words", config_invalid},
          {"create-leaves-process-alone", "create() changes no global state", create_leaves_alone}};
}

}  // namespace aoh::host::checker
