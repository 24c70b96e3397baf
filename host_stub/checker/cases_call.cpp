// Cases about calling tools.
#include <thread>

#include "checker/context.hpp"

namespace aoh::host::checker {
namespace {

using Path = std::filesystem::path;
using std::chrono::seconds;

void each_example(const Path& library) {
  Live live(library);
  live.create();
  for (const Example& e : examples(live.manifest())) {
    step("calling " + e.label);
    expect_valid_result(*e.tool, call(live, e.tool->name, e.arguments), e.label, false);
  }
  live.destroy();
  expect_no_breach(*live.host);
}

void hostile_arguments(const Path& library) {
  Live live(library);
  live.create();
  struct Trial {
    std::string text, label;
    bool may_succeed;
  };
  const Trial trials[] = {
      {"", "no arguments", true},
      {"{}", "an empty object", true},
      {"null", "null", false},
      {"[1]", "an array", false},
      {"{\"a\":", "a cut-off document", false},
      {"{\"x\":1,\"x\":2}", "a key that stands twice", false},
      {"{\"x\":\"\xc3\x28\xff\"}", "invalid UTF-8", false},
      {"{\"x\":\"" + std::string(8u << 20, 'A') + "\"}", "a string of 8 MiB", true},
      {"{\"x\":" + std::string(200000, '[') + std::string(200000, ']') + "}", "200,000 nested arrays", false},
      {std::string(200000, '{'), "200,000 open braces", false},
      {"{\"\\u0000\":\"\\u0000\"}", "NUL characters", true},
      {"{\"x\":1e999}", "a number out of range", true}};
  for (const ToolSpec& t : live.manifest().tools) {
    const auto try_one = [&](const std::string& text, const std::string& what, bool may_succeed) {
      const std::string label = t.name + " with " + what;
      step("calling " + label);
      const Called c = call(live, t.name, text);
      expect_valid_result(t, c, label, true);
      const bool succeeded =
          c.returned == AOH_OK && c.status == AOH_OK && !Json::parse(c.result)["isError"].boolean();
      expect(may_succeed || !succeeded, label + ": it answered as if nothing were wrong");
    };
    for (const Trial& x : trials) try_one(x.text, x.label, x.may_succeed);
    Json wrong = Json::object();  // every property with a value of another type than the schema says
    for (const auto& [key, schema] : t.input.json()["properties"].members())
      wrong.set(key,
                schema["type"].str() == "object" ? Json("text") : Json{{"unexpected", Json::array({1})}});
    try_one(wrong.dump(), "wrong types in every property", true);
    if (t.examples.empty()) continue;
    for (const auto& [key, value] : t.examples.front().members()) {
      if (!value.is_string()) continue;
      Json spoiled = t.examples.front();
      spoiled.set(key, std::string(300000, 'z'));
      try_one(spoiled.dump(), "300,000 characters in " + key, true);
      spoiled.set(key, "line\r\nbreak\t\x01\x7f");
      try_one(spoiled.dump(), "control characters in " + key, true);
    }
  }
  live.destroy();
  expect_no_breach(*live.host);
}

void unknown_tool(const Path& library) {
  Live live(library);
  live.create();
  std::vector<std::string> names = {"", "no_such_tool", std::string(100000, 'x')};
  for (const ToolSpec& t : live.manifest().tools) {
    names.push_back(t.name + std::string("\0", 1));
    names.push_back(t.name + " ");
    names.push_back(t.name.substr(0, t.name.size() - 1));
  }
  for (const std::string& name : names) {
    if (live.manifest().tool(name)) continue;
    const std::string shown = "\"" + valid_utf8(utf8_prefix(name, 40)) + "\"";
    step("calling the unknown tool " + shown);
    const Called c = call(live, name, "{}", {}, {}, milliseconds(3000));
    expect(c.returned < 0, "invoke took the unknown tool " + shown +
                               "; it must answer AOH_E_NOT_FOUND and leave the call alone");
  }
  live.destroy();
  expect_no_breach(*live.host);
}

void finish_once(const Path& library) {
  Live live(library);
  live.create();
  for (const Example& e : examples(live.manifest())) {
    step("calling " + e.label);
    call(live, e.tool->name, e.arguments);
  }
  std::this_thread::sleep_for(milliseconds(200));  // for one that comes late
  expect_no_breach(*live.host);
  live.destroy();
  expect_no_breach(*live.host);
}

void call_dead(const Path& library) {
  Live live(library);
  live.create();
  for (const Example& e : examples(live.manifest())) {
    step("calling " + e.label);
    call(live, e.tool->name, e.arguments, {.guard = true});
  }
  std::this_thread::sleep_for(milliseconds(100));
  live.destroy();
}

constexpr milliseconds kObey{3000};  // a cancelled call or one past its deadline ends within this

void cancel_before(const Path& library) {
  Live live(library);
  live.create();
  for (const Example& e : examples(live.manifest())) {
    auto* const c = new FakeCall(*live.host);
    c->cancel();
    step("calling " + e.label + ", cancelled already");
    aoh_status returned = AOH_OK;
    std::thread worker([&] {
      returned = live.module->functions().invoke(live.module->instance(), borrow(e.tool->name),
                                                 borrow(e.arguments), c->c());
    });
    if (!c->wait(kObey) && returned == AOH_OK)
      fail(e.label + ": it was cancelled before it began and did not finish within 3 s");
    worker.join();
    delete c;
  }
  live.destroy();
  expect_no_breach(*live.host);
}

void cancel_during(const Path& library) {
  Live live(library);
  live.create();
  for (const Example& e : examples(live.manifest())) {
    step("calling " + e.label + " and cancelling it");
    std::chrono::steady_clock::time_point when;
    const Called c = call(
        live, e.tool->name, e.arguments, {.deadline_in = seconds(60)},
        [&](FakeCall& f) {
          f.wait_for_sign(milliseconds(20));
          when = std::chrono::steady_clock::now();
          f.cancel();
        },
        seconds(20));
    const auto took = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - when);
    expect(took <= kObey, e.label + ": it went on for " + std::to_string(took.count()) +
                              " ms after it was cancelled; at most 3000 are fine");
    expect_valid_result(*e.tool, c, e.label, true);
  }
  live.destroy();
  expect_no_breach(*live.host);
}

void cancel_after(const Path& library) {
  Live live(library);
  live.create();
  for (const Example& e : examples(live.manifest())) {
    auto* const c = new FakeCall(*live.host);
    step("calling " + e.label + " and cancelling it afterwards");
    const aoh_status s = live.module->functions().invoke(live.module->instance(), borrow(e.tool->name),
                                                         borrow(e.arguments), c->c());
    if (s == AOH_OK && !c->wait(seconds(12))) fail(e.label + ": it did not finish within 12 s");
    c->cancel();
    delete c;
  }
  live.destroy();
  expect_no_breach(*live.host);
}

void deadline_past(const Path& library) {
  Live live(library);
  live.create();
  for (const Example& e : examples(live.manifest())) {
    step("calling " + e.label + " with a deadline that has passed");
    const Called c = call(live, e.tool->name, e.arguments, {.deadline_in = -seconds(5)}, {}, kObey);
    expect_valid_result(*e.tool, c, e.label, true);
  }
  live.destroy();
  expect_no_breach(*live.host);
}

void concurrent(const Path& library) {
  Live live(library);
  live.create();
  for (const Example& e : examples(live.manifest())) {
    const int n = std::min(e.tool->concurrency, 8);
    step("calling " + e.label + " " + std::to_string(n) + " times at once");
    std::vector<std::thread> threads;
    for (int i = 0; i < n; ++i)
      threads.emplace_back([&] {
        expect_valid_result(*e.tool, call(live, e.tool->name, e.arguments, {}, {}, seconds(20)), e.label,
                            false);
      });
    for (auto& t : threads) t.join();
  }
  live.destroy();
  expect_no_breach(*live.host);
}

void promises(const Path& library) {
  Live live(library);
  live.create();
  for (const Example& e : examples(live.manifest())) {
    const bool read_only = e.tool->read_only();
    if (!read_only && !e.tool->idempotent()) continue;
    const auto state = live.host->state();
    const auto secrets = live.host->secrets().size();
    step("calling " + e.label + " twice");
    FakeCall::Options same;
    same.context = Json{{"idempotency_key", "check-session/the-same"}};
    call(live, e.tool->name, e.arguments, same);
    const auto once = live.host->state();
    if (read_only)
      expect(once == state && live.host->secrets().size() == secrets,
             e.label + ": its manifest says readOnlyHint, and it changed the module's state");
    call(live, e.tool->name, e.arguments, same);
    expect(live.host->state() == once,
           e.label + ": its manifest says idempotentHint, and the second call changed the state again");
  }
  live.destroy();
  expect_no_breach(*live.host);
}

void host_faults(const Path& library) {
  const char* const points[] = {"credential.get", "vault.read",  "state.get",      "state.apply",
                                "state.list",     "blob.create", "blob.write",     "blob.seal",
                                "blob.stat",      "blob.read",   "session.current"};
  Live live(library);
  live.create();
  for (const char* point : points) {
    const std::string service =
        "aoh." + std::string(point).substr(0, std::string_view(point).find('.')) + "/1";
    if (!live.manifest().wants_service(service)) continue;
    for (const int nth : {1, 2}) {
      for (const Example& e : examples(live.manifest())) {
        live.host->fail(point, nth, AOH_E_INTERNAL);
        step("calling " + e.label + " while " + point + " fails");
        expect_valid_result(*e.tool, call(live, e.tool->name, e.arguments),
                            e.label + " while " + point + " fails", true);
      }
    }
  }
  live.destroy();
  expect_no_breach(*live.host);
}

}  // namespace

std::vector<Case> call_cases() {
  return {
      {"examples", "each tool's examples give results valid against its outputSchema", each_example},
      {"arguments-hostile", "invalid, huge, deep, duplicate-key and invalid UTF-8 arguments",
       hostile_arguments},
      {"unknown-tool", "an unknown tool is refused and its call left alone", unknown_tool},
      {"finish-once", "finish() comes exactly once", finish_once},
      {"call-not-used-after-finish", "the call is not touched after finish()", call_dead},
      {"cancel-before", "a call cancelled before it begins ends soon", cancel_before},
      {"cancel-during", "a call cancelled while it runs ends soon", cancel_during},
      {"cancel-after", "cancelling a finished call does nothing", cancel_after},
      {"deadline-past", "a call whose deadline has passed ends soon", deadline_past},
      {"concurrent-calls", "as many calls at once as the manifest allows (at most 8)", concurrent},
      {"promises", "read-only tools change nothing, idempotent ones nothing more the second time", promises},
      {"host-faults", "services that fail now and then are survived", host_faults}};
}

}  // namespace aoh::host::checker
