// Cases about the files, loading, and describing.
#include <set>

#include "checker/context.hpp"
#include "loader/elf.hpp"

namespace aoh::host::checker {
namespace {

using Path = std::filesystem::path;

void manifest(const Path& library) { gate::manifest(library); }

void profile(const Path& library) {
  const Manifest m = gate::manifest(library);  // names and schemas were checked with it
  for (const ToolSpec& t : m.tools) {
    expect(t.description.size() <= 1024, "/tools: the description of " + t.name +
                                             " has more than 1024 bytes, which is what model APIs take");
    expect(
        !t.examples.empty(),
        "/tools: " + t.name + " has no example; add one under aoh.examples, so that the tool can be checked");
    for (const auto& [key, schema] : t.input.json()["properties"].members())
      expect(schema.has("description") || schema.has("title") || schema.is_bool(),
             "/tools: the property " + key + " of " + t.name +
                 " has no description; a model has nothing else to go by");
  }
}

void exports(const Path& library) { gate::exports(library); }

void binding(const Path& library) {
  const ElfFacts f = read_elf(library);
  expect(f.bind_now,
         "it binds its symbols at the first call; link with -z now, so that a missing one shows at load time "
         "(aoh_add_module does)");
  expect(f.no_delete, "it may be unmapped; link with -z nodelete (aoh_add_module does)");
}

void relocations(const Path& library) {
  const ElfFacts f = read_elf(library);
  expect(!f.text_relocations, "it has text relocations; compile every part with -fPIC");
  expect(f.rpath.empty(),
         "it has the RPATH " + f.rpath + "; it would load libraries from there; build with SKIP_BUILD_RPATH");
  expect(f.runpath.empty(), "it has the RUNPATH " + f.runpath +
                                "; it would load libraries from there; build with SKIP_BUILD_RPATH");
}

void loading(const Path& library) {
  gate::probe(library, milliseconds(5000));
  const auto start = std::chrono::steady_clock::now();
  step("loading");
  gate::load(library);
  const auto ms = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - start).count();
  expect(ms <= 2000, "loading took " + std::to_string(ms) +
                         " ms; at most 2000 are fine: move work from static objects into create()");
}

void leaves_alone(const Path& library) {
  const ProcessFacts before = ProcessFacts::now();
  gate::load(library);
  const std::string changed = settled_difference(before);
  if (!changed.empty()) fail("by being loaded: " + changed);
}

void version(const Path& library) { load(library); }

void extensions(const Path& library) {
  const auto m = load(library);
  step("asking for extensions");
  for (const std::string& id :
       {std::string("aoh.no-such-thing/1"), std::string(), std::string("aoh.resources/1\0x", 17),
        std::string("aoh.resources/1 "), std::string("aoh.resources/10000"), std::string(100000, 'x')})
    expect(m->functions().get_extension(borrow(id)) == nullptr,
           "get_extension(\"" + valid_utf8(utf8_prefix(id, 40)) +
               "\") is not NULL; it must know its ids by length and bytes");
}

void describe_case(const Path& library) {
  const auto m = load(library);
  step("describing");
  gate::describe(*m);
  // A sink that wants no more must be obeyed, not written past.
  struct Full {
    aoh_sink head;
    int writes;
  } full{{sizeof(aoh_sink), 0,
          [](aoh_sink* s, const void*, std::size_t) -> aoh_status {
            ++reinterpret_cast<Full*>(s)->writes;
            return AOH_E_INVALID;
          }},
         0};
  step("describing into a full sink");
  const aoh_status s = m->functions().describe(&full.head, nullptr);
  expect(s < 0, "describe() answered AOH_OK although the sink refused the bytes");
  expect(full.writes <= 1, "describe() went on writing after the sink said stop");
}

}  // namespace

std::vector<Case> load_cases() {
  return {{"manifest", "the manifest is valid", manifest},
          {"profile", "tools fit what model APIs take, and each has an example", profile},
          {"exports", "one exported symbol", exports},
          {"binding", "bound at load time, never unmapped", binding},
          {"relocations", "no text relocations, no RPATH", relocations},
          {"load", "it loads, and quickly", loading},
          {"load-leaves-process-alone", "loading changes no global state, starts no thread, opens nothing",
           leaves_alone},
          {"version", "the version fields are sane", version},
          {"extensions", "unknown extension ids give NULL", extensions},
          {"describe", "describe() is the shipped manifest, each time", describe_case}};
}

}  // namespace aoh::host::checker
