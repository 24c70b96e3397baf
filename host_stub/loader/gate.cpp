#include "loader/gate.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <boost/dll/shared_library.hpp>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <mutex>

#include "loader/elf.hpp"

namespace aoh::host {
namespace fs = std::filesystem;
namespace {

constexpr const char* kSymbol = "aoh_module_v1";

std::string short_list(const std::vector<std::string>& names) {
  std::string out;
  for (std::size_t i = 0; i < names.size() && i < 5; ++i) out += (i ? ", " : "") + names[i];
  if (names.size() > 5) out += " and " + std::to_string(names.size() - 5) + " more";
  return out;
}

/// The words of the dynamic linker less the path it begins with, and what to do about them.
std::pair<std::string, std::string> explain_load_error(const std::string& text) {
  const std::string missing_file = ": cannot open shared object file";
  const std::string undefined = "undefined symbol: ";
  if (const auto at = text.find(missing_file); at != std::string::npos) {
    const auto begin = text.find_last_of(" [(", at - 1);
    const std::string library = text.substr(begin == std::string::npos ? 0 : begin + 1,
                                            at - (begin == std::string::npos ? 0 : begin + 1));
    return {"the library " + library + " that it needs is missing",
            "install the package that has " + library};
  }
  if (const auto at = text.find(undefined); at != std::string::npos) {
    const std::string symbol = text.substr(
        at + undefined.size(), text.find_first_of(" ,)", at + undefined.size()) - at - undefined.size());
    return {"the symbol " + symbol + " that it needs is in none of its libraries",
            "link the module with what defines it"};
  }
  return {"loading failed: " + text, "build it on this machine with aoh_add_module()"};
}

/// Loads for good: the object that would unmap the library is never destroyed.
const aoh_module* load_and_keep(const fs::path& library) {
  using boost::dll::load_mode::rtld_local;
  using boost::dll::load_mode::rtld_now;
  auto* lib = new boost::dll::shared_library(library, rtld_now | rtld_local);
  static auto* const kept =
      new std::vector<boost::dll::shared_library*>;  // reachable: not a leak, a decision
  static std::mutex m;
  const std::lock_guard lock(m);
  kept->push_back(lib);
  return &lib->get<const aoh_module>(kSymbol);
}

/// The child of the probe: loads, reads one word of the table, says nothing when all is well.
[[noreturn]] void probe_child(const fs::path& library, int out) {
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  for (const int s : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGTERM, SIGINT, SIGALRM})
    std::signal(s, SIG_DFL);
  dup2(out, 3);
  syscall(SYS_close_range, 4u, ~0u, 0u);
  const int null = ::open("/dev/null", O_RDWR);
  dup2(null, 0);
  dup2(null, 1);
  std::string words;
  try {
    const aoh_module* m = load_and_keep(library);
    if (m->struct_size == 0) words = "";  // a read, so that an unreadable table crashes here
  } catch (const std::exception& e) {
    words = e.what();
  }
  if (!words.empty() && ::write(3, words.data(), std::min<std::size_t>(words.size(), 2000)) < 0) _exit(3);
  _exit(words.empty() ? 0 : 2);
}

}  // namespace

fs::path manifest_of(const fs::path& library) {
  fs::path m = library;
  return m.replace_extension(".json");
}

namespace gate {

Manifest manifest(const fs::path& library) {
  const fs::path file = manifest_of(library);
  std::error_code ec;
  if (!fs::is_regular_file(library, ec))
    throw GateError(GateStep::manifest, "no such module", library.string(),
                    "build it, or name another folder with --modules");
  if (!fs::exists(file, ec))
    throw GateError(GateStep::manifest, "it has no manifest", library.string(),
                    "put " + file.filename().string() + " beside it");
  try {
    Manifest m = Manifest::load(file);
    if (m.id != library.stem().string())
      throw ManifestError(file.string() + ": manifest at /id: expected \"" + library.stem().string() +
                          "\", the name of the library, came \"" + m.id + "\"");
    return m;
  } catch (const ManifestError& e) {
    std::string what = e.what();
    if (what.starts_with(file.string() + ": ")) what.erase(0, file.string().size() + 2);
    throw GateError(GateStep::manifest, what, file.string(),
                    "correct the manifest; plugin_api/schemas/manifest.schema.json has the rules");
  }
}

void trust(const fs::path& library, const Manifest& manifest, const GateOptions& options) {
  if (options.trust_everything) return;
  if (options.development) {
    std::error_code ec;
    if (fs::equivalent(library.parent_path(), *options.development, ec)) return;
  }
  const std::string cure =
      "look at what changed, then run `host-stub plugins trust " + library.string() + "`";
  const TrustTable::Entry* e = options.trust ? options.trust->find(manifest.id) : nullptr;
  if (!e)
    throw GateError(GateStep::trust, "the module is not trusted: its hashes are not on record",
                    library.string(), cure);
  try {
    if (sha256_file(library) != e->library_sha256)
      throw GateError(GateStep::trust,
                      "the library is not the one that was trusted: its SHA-256 differs from the record",
                      library.string(), cure);
    if (sha256_file(manifest_of(library)) != e->manifest_sha256)
      throw GateError(GateStep::trust,
                      "the manifest is not the one that was trusted: its SHA-256 differs from the record",
                      manifest_of(library).string(), cure);
  } catch (const GateError&) {
    throw;
  } catch (const std::exception& x) {
    throw GateError(GateStep::trust, x.what(), library.string(), "make the file readable");
  }
}

void exports(const fs::path& library) {
  ElfFacts facts;
  try {
    facts = read_elf(library);
  } catch (const std::exception& e) {
    std::string what = e.what();
    if (what.starts_with(library.string() + " "))
      what = "the file " + what.substr(library.string().size() + 1);
    throw GateError(GateStep::exports, what, library.string(),
                    "build it with aoh_add_module() for this machine");
  }
  const auto ours = std::find(facts.exports.begin(), facts.exports.end(), kSymbol);
  if (ours == facts.exports.end()) {
    std::string other;
    for (const std::string& s : facts.exports)
      if (s.starts_with("aoh_module_v")) other = s;
    if (!other.empty())
      throw GateError(GateStep::exports,
                      "it exports " + other +
                          ", which is of another major version of the interface; this host takes " + kSymbol,
                      library.string(), "build it against this host's plugin_api");
    throw GateError(GateStep::exports, std::string("it does not export ") + kSymbol, library.string(),
                    "define it with AOH_MODULE and build with aoh_add_module()");
  }
  facts.exports.erase(ours);
  if (!facts.exports.empty())
    throw GateError(GateStep::exports,
                    "it exports more than " + std::string(kSymbol) + ": " + short_list(facts.exports),
                    library.string(), "link it with aoh_add_module(), whose version script hides the rest");
}

void probe(const fs::path& library, std::chrono::milliseconds limit) {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0)
    throw GateError(GateStep::probe, std::string("no pipe for the probe: ") + std::strerror(errno),
                    library.string(), "raise the limit of open files");
  const pid_t child = fork();
  if (child < 0) {
    const std::string why = std::strerror(errno);
    close(fds[0]);
    close(fds[1]);
    throw GateError(GateStep::probe, "no process for the probe: " + why, library.string(),
                    "raise the limit of processes");
  }
  if (child == 0) probe_child(library, fds[1]);
  close(fds[1]);
  // The pipe closes when the child is gone, however it went.
  std::string words;
  bool late = false;
  const auto deadline = std::chrono::steady_clock::now() + limit;
  for (;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now())
            .count();
    pollfd p{fds[0], POLLIN, 0};
    const int ready = poll(&p, 1, static_cast<int>(std::max<std::int64_t>(0, left)));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) {
      late = true;
      kill(child, SIGKILL);
      break;
    }
    char buffer[2048];
    const ssize_t n = read(fds[0], buffer, sizeof buffer);
    if (n <= 0) break;
    if (words.size() < 8192) words.append(buffer, static_cast<std::size_t>(n));
  }
  close(fds[0]);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  const std::string cure = "look at its static objects and constructors; nothing of it was loaded here";
  if (late)
    throw GateError(
        GateStep::probe,
        "loading it did not end within " + std::to_string(limit.count()) + " ms (a constructor hangs?)",
        library.string(), cure);
  if (WIFSIGNALED(status))
    throw GateError(GateStep::probe,
                    std::string("loading it crashed with SIG") + sigabbrev_np(WTERMSIG(status)) +
                        " (a constructor crashes?)",
                    library.string(), cure);
  if (WEXITSTATUS(status) == 2) {
    const auto [what, do_this] = explain_load_error(words);
    throw GateError(GateStep::probe, what, library.string(), do_this);
  }
  if (WEXITSTATUS(status) != 0)
    throw GateError(GateStep::probe,
                    "loading it ended the process with exit status " + std::to_string(WEXITSTATUS(status)),
                    library.string(), cure);
}

const aoh_module* load(const fs::path& library) {
  try {
    return load_and_keep(fs::canonical(library));
  } catch (const std::exception& e) {
    const auto [what, cure] = explain_load_error(e.what());
    throw GateError(GateStep::load, what, library.string(), cure);
  }
}

void version(const fs::path& library, const aoh_module& raw) {
  const auto fail = [&](const std::string& what, const char* cure) {
    throw GateError(GateStep::version, what, library.string(), cure);
  };
  constexpr std::size_t kLeast = offsetof(aoh_module, get_extension) + sizeof(raw.get_extension);
  if (raw.struct_size < kLeast)
    fail("its aoh_module says struct_size " + std::to_string(raw.struct_size) + "; version 1.0 has " +
             std::to_string(kLeast),
         "set struct_size to sizeof(aoh_module)");
  if (raw.struct_size > 65536)
    fail("its aoh_module says struct_size " + std::to_string(raw.struct_size) + ", which cannot be",
         "set struct_size to sizeof(aoh_module)");
  if (raw.abi_major != AOH_ABI_MAJOR)
    fail("it speaks version " + std::to_string(raw.abi_major) + " of the interface, this host version " +
             std::to_string(AOH_ABI_MAJOR),
         "build it against this host's plugin_api");
  if (raw.abi_minor_needed > AOH_ABI_MINOR)
    fail("it needs version " + std::to_string(raw.abi_major) + "." + std::to_string(raw.abi_minor_needed) +
             " of the interface, this host has " + std::to_string(AOH_ABI_MAJOR) + "." +
             std::to_string(AOH_ABI_MINOR),
         "update the host");
  if (raw.flags != 0) fail("its aoh_module has unknown flags", "set flags to 0");
  if (!raw.describe || !raw.create || !raw.destroy)
    fail("describe, create or destroy is missing from its aoh_module", "fill them in; AOH_MODULE does");
}

void describe(const Module& module) {
  std::string first, second;
  for (std::string* text : {&first, &second}) {
    const Outcome o = module.describe(*text);
    if (!o)
      throw GateError(GateStep::describe, "describe() failed: " + o.message, module.file().string(),
                      "correct the module");
  }
  if (first != second)
    throw GateError(GateStep::describe, "describe() answered two different texts", module.file().string(),
                    "it must be a constant");
  const std::string& shipped = module.manifest().text;
  if (first == shipped) return;
  const auto differ = std::mismatch(first.begin(), first.end(), shipped.begin(), shipped.end());
  throw GateError(
      GateStep::describe,
      "describe() is not the manifest shipped beside it: they differ from byte " +
          std::to_string(differ.first - first.begin()),
      module.file().string(),
      "rebuild and ship " + manifest_of(module.file()).filename().string() + " together with the library");
}

void services(const Module& module, const GateOptions& options) {
  const Manifest& m = module.manifest();
  if (m.abi_major != AOH_ABI_MAJOR || m.abi_minor > AOH_ABI_MINOR)
    throw GateError(GateStep::services,
                    "its manifest asks for version " + std::to_string(m.abi_major) + "." +
                        std::to_string(m.abi_minor) + " of the interface, this host has " +
                        std::to_string(AOH_ABI_MAJOR) + "." + std::to_string(AOH_ABI_MINOR),
                    module.file().string(), "update the host");
  if (!options.has_service) return;
  for (const std::string& s : m.services_required)
    if (!options.has_service(s))
      throw GateError(GateStep::services, "it requires the service " + s + ", which this host does not have",
                      module.file().string(), "update the host, or list the service as optional");
}

}  // namespace gate

std::unique_ptr<Module> pass_gate(const fs::path& library, const GateOptions& options) {
  std::error_code ec;
  const fs::path file = fs::weakly_canonical(library, ec);
  const fs::path& path = ec ? library : file;
  Manifest m = gate::manifest(path);
  gate::trust(path, m, options);
  gate::exports(path);
  gate::probe(path, options.probe_limit);
  const aoh_module* raw = gate::load(path);
  gate::version(path, *raw);
  auto module = std::make_unique<Module>(std::move(m), path, *raw);
  gate::describe(*module);
  gate::services(*module, options);
  return module;
}

}  // namespace aoh::host
