// The checker against modules that each break one rule: the case that must fail, and the words it must say.
#include "checker/checker.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

namespace fs = std::filesystem;
using aoh::host::checker::check;
using aoh::host::checker::Report;
using testing::HasSubstr;

namespace {

fs::path broken(const std::string& name) { return fs::path(BROKEN_DIR) / (name + ".so"); }
fs::path built(const std::string& name) {
  return fs::path(std::getenv("MAILROOM_BUILD_DIR")) / "modules" / (name + ".so");
}

struct Breakage {
  const char* module;
  const char* failing_case;
  const char* words;
};
void PrintTo(const Breakage& b, std::ostream* os) { *os << b.module; }

const Breakage kBreakages[] = {
    {"unknown_key", "manifest", "/licence: expected a known property"},
    {"dotted_tool", "manifest", "/tools/0/name: expected a text that matches"},
    {"extra_export", "exports", "it exports more than aoh_module_v1: helper_that_should_be_hidden"},
    {"no_symbol", "exports", "it does not export aoh_module_v1"},
    {"lazy_binding", "binding", "link with -z now"},
    {"rpath", "relocations", "/opt/somewhere"},
    {"crash_in_constructor", "load", "crashed with SIGSEGV (a constructor crashes?)"},
    {"hang_in_constructor", "load", "did not end within 5000 ms (a constructor hangs?)"},
    {"exit_in_constructor", "load", "ended the process with exit status 7"},
    {"undefined_symbol", "load",
     "the symbol this_symbol_is_nowhere that it needs is in none of its libraries"},
    {"missing_library", "load", "the library libabsent-from-here.so.9 that it needs is missing"},
    {"thread_at_load", "load-leaves-process-alone", "it left 1 thread running"},
    {"major", "version", "it speaks version 2 of the interface"},
    {"minor", "version", "it needs version 1.5 of the interface"},
    {"struct_size_zero", "version", "struct_size 0"},
    {"struct_size_small", "version", "struct_size 88; version 1.0 has 104"},
    {"extension_by_prefix", "extensions", "it must know its ids by length and bytes"},
    {"describe_differs", "describe", "differ from byte"},
    {"describe_unstable", "describe", "two different texts"},
    {"reads_beyond_host", "create-exact-host", "it read beyond the struct_size of aoh_host"},
    {"reads_beyond_host", "create-newer-host", "a member that lies beyond version 1.0"},
    {"needs_log", "services-absent", "while creating an instance without aoh.log/1"},
    {"changes_signal", "create-leaves-process-alone", "it changed the handler of SIGUSR2"},
    {"changes_locale", "create-leaves-process-alone", "it changed the locale"},
    {"changes_directory", "create-leaves-process-alone", "it changed the working directory"},
    {"changes_environment", "create-leaves-process-alone", "it changed the environment"},
    {"result_schema", "examples", "/answer: expected an integer, came the string \"forty-two\""},
    {"result_json", "examples", "the result is not JSON"},
    {"trusts_arguments", "arguments-hostile", "it crashed with SIGABRT while calling probe with"},
    {"unknown_tool", "unknown-tool", "invoke took the unknown tool"},
    {"finish_twice", "finish-once", "finish() was called 2 times"},
    {"never_finishes", "finish-once", "probe did not call finish() within 12000 ms"},
    {"finishes_and_fails", "finish-once", "called finish() all the same"},
    {"progress_back", "finish-once", "progress went back"},
    {"touch_after_finish", "call-not-used-after-finish", "it touched its aoh_call after the end of its life"},
    {"exception", "examples", "what():  it was left lying here"},
    {"ignores_cancel", "cancel-before", "did not finish within 3 s"},
    {"ignores_cancel", "cancel-during", "ms after it was cancelled"},
    {"ignores_cancel", "deadline-past", "did not call finish() within 3000 ms"},
    {"trigger_never_stops", "trigger-start-stop", "stopped() did not come within 3 s"},
    {"trigger_stops_twice", "trigger-start-stop", "stopped() was called 2 times"},
    {"trigger_silent", "trigger-health", "said nothing about its health"},
    {"trigger_two_emits", "trigger-one-emit", "emit() was called while another emit was outstanding"},
    {"trigger_stops_early", "trigger-one-emit", "stopped() came while an emit was outstanding"},
    {"trigger_lost_busy", "trigger-busy", "it emitted nothing more after AOH_E_BUSY"},
    {"trigger_forgets_cursor", "trigger-cursor", "it emitted pulse-1 again"},
    {"secret_in_log", "secrets", "a secret from the vault in its log"},
    {"leaks_thread", "destroy-leaves-nothing", "it left 1 thread running"},
    {"leaks_fd", "destroy-leaves-nothing", "it left 1 descriptor open"},
    {"leaks_timer", "destroy-leaves-nothing", "it left 1 timers with aoh.clock/1"},
    {"leaks_memory", "cycles", "bytes allocated"},
    {"undeclared_service", "permissions",
     "it asks for the service aoh.vault/1, which its manifest does not list"},
    {"unused_permission", "permissions", "wants the permission state, and no service that needs it"},
};

class Broken : public testing::TestWithParam<Breakage> {};

TEST_P(Broken, IsFoundWithTellingWords) {
  const Breakage& b = GetParam();
  const Report r = check(broken(b.module), {.only = b.failing_case});
  ASSERT_EQ(r.cases.size(), 1u);
  EXPECT_FALSE(r.passed()) << b.module << " passed " << b.failing_case;
  EXPECT_THAT(r.cases[0].message, HasSubstr(b.words));
  EXPECT_THAT(r.text(), HasSubstr(std::string("FAIL  ") + b.failing_case + " - "));
}

INSTANTIATE_TEST_SUITE_P(Checker, Broken, testing::ValuesIn(kBreakages), [](const auto& tested) {
  std::string name = std::string(tested.param.module) + "_in_" + tested.param.failing_case;
  for (char& c : name)
    if (c == '-') c = '_';
  return name;
});

TEST(Checker, TheSameModuleUnbrokenPasses) {
  const Report r = check(broken("right"));
  EXPECT_TRUE(r.passed()) << r.text();
  EXPECT_EQ(r.cases.size(), aoh::host::checker::case_names().size());
}

TEST(Checker, TheTemplatePasses) {
  const Report r = check(built("template"));
  EXPECT_TRUE(r.passed()) << r.text();
  EXPECT_TRUE(r.json()["passed"].boolean());
  EXPECT_EQ(r.json()["cases"].size(), r.cases.size());
}

TEST(Checker, AfterAFailedLoadTheRestIsNotRun) {
  const Report r = check(broken("crash_in_constructor"));
  EXPECT_FALSE(r.passed());
  EXPECT_THAT(r.text(), HasSubstr("FAIL  cycles - not run: the module does not load"));
}

// The limit holds for loading, too, which takes a sanitizer on a busy machine more than a second.
TEST(Checker, AHangIsAResult) {
  const Report r =
      check(broken("never_finishes"), {.only = "finish-once", .case_limit = std::chrono::milliseconds(5000)});
  EXPECT_THAT(r.text(), HasSubstr("it hung: no end within 5 s while calling probe"));
}

TEST(Checker, NoFileIsAResultToo) {
  const Report r = check("/nonexistent/module.so");
  EXPECT_FALSE(r.passed());
  EXPECT_THAT(r.text(), HasSubstr("no such module"));
}

TEST(Checker, UnknownCaseNamesTheNearest) {
  try {
    check(built("template"), {.only = "cycle"});
    FAIL();
  } catch (const std::invalid_argument& e) {
    EXPECT_THAT(e.what(), HasSubstr("did you mean \"cycles\"?"));
  }
}

}  // namespace
