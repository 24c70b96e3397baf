#include "loader/gate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "loader/elf.hpp"
#include "loader/registry.hpp"

namespace fs = std::filesystem;
using namespace aoh::host;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

fs::path built(const char* file) { return fs::path(std::getenv("MAILROOM_BUILD_DIR")) / "modules" / file; }

struct Gate : testing::Test {
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "gate-XXXXXX").string();
    dir = ::mkdtemp(name.data());
    fs::copy(built("template.so"), dir / "template.so");
    fs::copy(built("template.json"), dir / "template.json");
  }
  void TearDown() override { fs::remove_all(dir); }
  std::string refusal(const GateOptions& options) {
    try {
      pass_gate(dir / "template.so", options);
      return "accepted";
    } catch (const GateError& e) {
      return std::string(name(e.step)) + ": " + e.what();
    }
  }
  fs::path dir;
};

const aoh_host* no_service_host() {
  static const aoh_host host{sizeof(aoh_host), 1, 0, 0,
                             [](const aoh_host*, aoh_str) -> const void* { return nullptr; }};
  return &host;
}

TEST_F(Gate, TrustIsAskedBeforeAnythingIsLoaded) {
  EXPECT_THAT(refusal({}), HasSubstr("trust: "));
  EXPECT_THAT(refusal({}), HasSubstr("host-stub plugins trust"));
  TrustTable table(dir / "trusted.json");
  table.trust("template", dir / "template.so", dir / "template.json");
  GateOptions options;
  options.trust = &table;
  EXPECT_EQ(refusal(options), "accepted");
  const TrustTable again(dir / "trusted.json");  // it is on disk
  options.trust = &again;
  EXPECT_EQ(refusal(options), "accepted");
  std::ofstream(dir / "template.json", std::ios::app) << " ";
  EXPECT_THAT(refusal(options), HasSubstr("the manifest is not the one that was trusted"));
  std::ofstream(dir / "template.so", std::ios::app) << " ";
  EXPECT_THAT(refusal(options), HasSubstr("the library is not the one that was trusted"));
}

TEST_F(Gate, TheDevelopmentFolderNeedsNoRecord) {
  GateOptions options;
  options.development = dir;
  EXPECT_EQ(refusal(options), "accepted");
  options.development = dir.parent_path();
  EXPECT_THAT(refusal(options), HasSubstr("not trusted"));
}

TEST_F(Gate, DescribeMustBeTheShippedManifest) {
  std::ofstream(dir / "template.json", std::ios::app) << " ";
  GateOptions options;
  options.trust_everything = true;
  EXPECT_THAT(refusal(options), HasSubstr("describe: "));
  EXPECT_THAT(refusal(options), HasSubstr("they differ from byte"));
}

TEST_F(Gate, NamesWhatIsMissing) {
  GateOptions options;
  options.trust_everything = true;
  options.has_service = [](std::string_view id) { return id != "aoh.log/1"; };
  EXPECT_THAT(refusal(options), HasSubstr("it requires the service aoh.log/1"));
  fs::remove(dir / "template.json");
  EXPECT_THAT(refusal(options), HasSubstr("put template.json beside it"));
  fs::remove(dir / "template.so");
  EXPECT_THAT(refusal(options), HasSubstr("no such module"));
}

TEST_F(Gate, DamagedLibrariesAreErrorsNotCrashes) {
  GateOptions options;
  options.trust_everything = true;
  std::ifstream in(dir / "template.so", std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(in), {});
  in.close();
  for (const std::size_t size : {0ul, 3ul, 64ul, 1000ul, bytes.size() / 2, bytes.size() - 100}) {
    std::ofstream(dir / "template.so", std::ios::binary | std::ios::trunc) << bytes.substr(0, size);
    EXPECT_THAT(refusal(options), HasSubstr("exports: ")) << size;
  }
  std::ofstream(dir / "template.so", std::ios::trunc)
      << "#!/bin/sh\necho no library, but long enough to have a header of 64 bytes\n";
  EXPECT_THAT(refusal(options), HasSubstr("is not an ELF file"));
}

TEST_F(Gate, TheTemplateExportsOneSymbolAndIsBoundAtLoad) {
  const ElfFacts f = read_elf(dir / "template.so");
  EXPECT_THAT(f.exports, ElementsAre("aoh_module_v1"));
  EXPECT_TRUE(f.bind_now);
  EXPECT_TRUE(f.no_delete);
  EXPECT_FALSE(f.text_relocations);
  EXPECT_EQ(f.rpath + f.runpath, "");
}

TEST_F(Gate, RegistryFindsOpensAndLooksUp) {
  Registry r({{dir}, {}});
  ASSERT_EQ(r.find().size(), 1u);
  EXPECT_FALSE(r.find()[0].trusted);
  EXPECT_THAT(r.open_all({[](Module&) { return no_service_host(); }, {}, {}}).at(0).why,
              HasSubstr("not trusted"));

  GateOptions dev;
  dev.development = dir;
  Registry open({{dir}, dev});
  int dropped = 0;
  const auto failures =
      open.open_all({[](Module&) { return no_service_host(); }, {}, [&](Module&) { ++dropped; }});
  ASSERT_TRUE(failures.empty()) << failures[0].why;
  EXPECT_TRUE(open.tool("weather_now"));
  EXPECT_FALSE(open.tool("weather"));
  EXPECT_TRUE(open.source("tick"));
  EXPECT_THAT(open.tool_names(), ElementsAre("weather_now", "weather_survey"));
  EXPECT_THROW(open.open(dir / "template.so", {[](Module&) { return no_service_host(); }, {}, {}}),
               std::runtime_error);

  Module& m = *open.module("template");
  {
    const Module::Use use(m);
    EXPECT_TRUE(use);
    EXPECT_EQ(open.destroy(std::chrono::steady_clock::now() + std::chrono::milliseconds(20)).size(),
              1u);  // still in use
    EXPECT_NE(m.instance(), nullptr);
    EXPECT_FALSE(Module::Use(m));  // but closed for new work
  }
  EXPECT_TRUE(open.destroy(std::chrono::steady_clock::now() + std::chrono::seconds(5)).empty());
  EXPECT_EQ(m.instance(), nullptr);
  EXPECT_EQ(dropped, 1);
}

TEST_F(Gate, ConfigurationIsCheckedBeforeTheModuleSeesIt) {
  GateOptions dev;
  dev.development = dir;
  Registry r({{dir}, dev});
  const auto failures = r.open_all({[](Module&) { return no_service_host(); },
                                    [](const Manifest&) {
                                      return aoh::Json{{"offset", 1}};
                                    },
                                    {}});
  ASSERT_EQ(failures.size(), 1u);
  EXPECT_THAT(failures[0].why, HasSubstr("/offset: expected a known property (offset_celsius)"));
}

TEST_F(Gate, LocateSuggestsTheNearestId) {
  const Registry r({{dir}, {}});
  EXPECT_EQ(r.locate("template"), fs::weakly_canonical(dir / "template.so"));
  try {
    r.locate("templat");
    FAIL();
  } catch (const std::runtime_error& e) {
    EXPECT_THAT(e.what(), HasSubstr("did you mean \"template\"?"));
  }
}

TEST(Module, NormalisedTableAnswersForWhatIsAbsent) {
  aoh_module raw{};
  raw.struct_size = offsetof(aoh_module, invoke);            // an old one: nothing from invoke on
  raw.invoke = reinterpret_cast<decltype(raw.invoke)>(0x1);  // beyond its size: must not be used
  const aoh_module m = normalise(raw);
  EXPECT_EQ(m.invoke(nullptr, {}, {}, nullptr), AOH_E_UNSUPPORTED);
  EXPECT_EQ(m.create(nullptr, {}, nullptr, nullptr), AOH_E_UNSUPPORTED);
  EXPECT_EQ(m.get_extension({}), nullptr);
  m.destroy(nullptr);
  EXPECT_STREQ(status_name(-42), "AOH_E_INTERNAL");
}

TEST(Module, ThirdBreachQuarantines) {
  aoh_module raw{};
  raw.struct_size = sizeof raw;
  Module m(Manifest{}, "x.so", raw);
  EXPECT_EQ(m.breach("one"), 1);
  m.breach("two");
  EXPECT_FALSE(m.quarantined());
  m.breach("three");
  EXPECT_TRUE(m.quarantined());
  EXPECT_THAT(m.quarantine_reason(), HasSubstr("three"));
}

}  // namespace
