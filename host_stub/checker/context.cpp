#include "checker/context.hpp"

#include <arpa/inet.h>
#include <malloc.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <clocale>
#include <csignal>
#include <cstring>
#include <fstream>
#include <mutex>
#include <thread>

extern "C" std::size_t
__sanitizer_get_current_allocated_bytes()  // NOLINT(bugprone-reserved-identifier): its name
    __attribute__((weak));
extern char** environ;  // NOLINT

namespace aoh::host::checker {
namespace fs = std::filesystem;
namespace {

constexpr const char* kCredential = "check-credential";

/// A port of the loopback interface that nobody listens on.
int closed_port() {
  static const int port = [] {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t n = sizeof a;
    if (fd < 0 || bind(fd, reinterpret_cast<sockaddr*>(&a), sizeof a) != 0 ||
        getsockname(fd, reinterpret_cast<sockaddr*>(&a), &n) != 0)
      return 1;
    close(fd);
    return static_cast<int>(ntohs(a.sin_port));
  }();
  return port;
}

/// A value that a schema accepts, as far as one can be made up: defaults and examples first; hosts and ports
/// lead nowhere.
Json sample(const Json& schema, const std::string& name) {
  if (name.find("port") != std::string::npos && schema["type"].str() == "integer") return closed_port();
  if (schema.has("default")) return schema["default"];
  if (schema["examples"].size()) return schema["examples"].at(0);
  if (schema["enum"].size()) return schema["enum"].at(0);
  if (schema.has("const")) return schema["const"];
  const std::string type = schema["type"].is_array() ? schema["type"].at(0).str() : schema["type"].str();
  if (type == "object") {
    Json out = Json::object();
    for (const auto& [key, sub] : schema["properties"].members()) out.set(key, sample(sub, key));
    return out;
  }
  if (type == "array") {
    Json out = Json::array();
    for (std::int64_t i = 0; i < schema["minItems"].integer(0); ++i) out.push(sample(schema["items"], name));
    return out;
  }
  if (type == "integer" || type == "number")
    return schema["minimum"].is_number() ? schema["minimum"] : Json(1);
  if (type == "boolean") return true;
  if (type == "null") return nullptr;
  if (schema["format"].str() == "email" || name == "email") return "check@example.org";
  if (name == "host" || name == "server" || name == "address" || name.find("host") != std::string::npos)
    return "127.0.0.1";
  if (name.find("url") != std::string::npos) return "http://127.0.0.1:" + std::to_string(closed_port()) + "/";
  return "check";
}

std::mutex secrets_lock;
std::vector<std::string> secrets;

void add_credentials(FakeHost& host, const Manifest& manifest) {
  for (const CredentialType& type : manifest.credential_types) {
    Json record = sample(type.schema.json(), "");
    std::map<std::string, std::string> hidden;
    for (const std::string& field : type.secret_fields) {
      record.erase(field);
      hidden[field] = "aoh-planted-" + type.type + "-" + field + "-7d1c9e0b5a";
      const std::lock_guard lock(secrets_lock);
      secrets.push_back(hidden[field]);
    }
    record.set("type", type.type).set("label", "made up by the checker");
    host.add_credential(std::string(kCredential) + "-" + type.type, record, hidden);
    if (&type == &manifest.credential_types.front()) host.add_credential(kCredential, record, hidden);
  }
}

}  // namespace

std::unique_ptr<Module> load(const fs::path& library) {
  step("loading");
  Manifest m = gate::manifest(library);
  const aoh_module* raw = gate::load(library);
  gate::version(library, *raw);
  return std::make_unique<Module>(std::move(m), library, *raw);
}

Live::Live(const fs::path& library, FakeHost::Options options) : module(load(library)) {
  host = std::make_unique<FakeHost>(std::move(options));
  add_credentials(*host, manifest());
}

void Live::create() {
  step("creating an instance");
  const Outcome o = module->create(host->c(), "{}");
  if (!o) fail("create() with the configuration {} failed: " + o.message);
}

void Live::destroy() {
  step("quiescing");
  module->quiesce(host->clock().monotonic_ns() + 1'000'000'000);
  step("destroying the instance");
  module->destroy(std::chrono::steady_clock::now() + std::chrono::seconds(5));
}

std::vector<std::string> planted_secrets() {
  const std::lock_guard lock(secrets_lock);
  return secrets;
}

void expect_no_breach(const FakeHost& host) {
  const auto breaches = host.breaches();
  if (!breaches.empty())
    fail(breaches.front() +
         (breaches.size() > 1 ? " (and " + std::to_string(breaches.size() - 1) + " more)" : ""));
}

Called call(Live& live, const std::string& tool, const std::string& arguments, FakeCall::Options options,
            const std::function<void(FakeCall&)>& meanwhile, milliseconds limit) {
  const bool guard = options.guard;
  auto* const c = new FakeCall(*live.host, std::move(options));  // stays when the module never finishes it
  Called out;
  std::atomic<bool> returned{false};
  std::thread worker([&] {
    out.returned =
        live.module->functions().invoke(live.module->instance(), borrow(tool), borrow(arguments), c->c());
    returned = true;
  });
  if (meanwhile) meanwhile(*c);
  const auto until = std::chrono::steady_clock::now() + limit;
  while (!c->wait(milliseconds(5)) && !(returned && out.returned != AOH_OK)) {
    if (std::chrono::steady_clock::now() < until) continue;
    fail(tool + " did not call finish() within " + std::to_string(limit.count()) + " ms" +
         (returned ? " (invoke answered AOH_OK, so it is owed)" : " and invoke did not return"));
  }
  step("waiting for invoke of " + tool + " to return");
  worker.join();
  if (const auto f = c->first()) {
    out.status = f->status;
    out.result = f->result;
    if (out.returned != AOH_OK)
      fail(tool + ": invoke answered " + status_name(out.returned) + " and called finish() all the same");
  }
  out.progress = c->progress();
  if (!c->first()) live.host->drop_bearer(c->id());
  if (c->finishes() <= 1 && !guard) {
    std::this_thread::sleep_for(milliseconds(1));  // a second finish() comes right behind the first
    if (c->finishes() <= 1) delete c;
  }
  return out;
}

std::vector<Example> examples(const Manifest& manifest) {
  std::vector<Example> out;
  for (const ToolSpec& t : manifest.tools) {
    int n = 0;
    for (const Json& given : t.examples) {
      Json arguments = given;
      if (t.credential) arguments.set(t.credential->argument, kCredential);
      out.push_back({&t, arguments.dump(), t.name + " with its example " + std::to_string(++n)});
    }
  }
  return out;
}

void expect_valid_result(const ToolSpec& tool, const Called& called, const std::string& label,
                         bool allow_status) {
  const aoh_status status = called.returned != AOH_OK ? called.returned : called.status;
  if (status != AOH_OK) {
    expect(allow_status, label + ": it answered the status " + status_name(status) + " " + called.result +
                             "; work that fails is a result with isError");
    return;
  }
  expect(called.result.size() <= tool.max_result_bytes,
         label + ": the result has " + std::to_string(called.result.size()) +
             " bytes, its manifest says at most " + std::to_string(tool.max_result_bytes));
  Json r;
  try {
    r = Json::parse(called.result);
  } catch (const JsonError& e) {
    fail(label + ": the result is not " + e.what());
  }
  expect(r.is_object(), label + ": the result is not an object");
  if (r.has("input_required")) return;
  expect(r["content"].is_array(), label + ": the result has no \"content\" array");
  for (const Json& block : r["content"].items())
    expect(block["type"].is_string(), label + ": a block of \"content\" has no \"type\"");
  if (r["isError"].boolean()) {
    expect(!r["content"].empty(), label + ": an isError result without words");
    return;
  }
  if (!tool.has_output) return;
  expect(r.has("structuredContent"),
         label + ": the tool has an outputSchema, the result no \"structuredContent\"");
  const auto problems = tool.output.validate(r["structuredContent"]);
  if (!problems.empty()) fail(label + ": the result does not match its outputSchema: " + describe(problems));
}

std::string source_json(const TriggerSource& source, const std::string& trigger_id, int blueprints) {
  Json match = Json::object();
  Json key = Json::object();
  for (const auto& f : source.source_key) {
    Json value = f.fallback;
    if (value.is_null())
      value = f.name.find("credential") != std::string::npos ? Json(kCredential) : Json("check");
    key.set(f.name, value);
  }
  Json list = Json::array();
  for (int i = 0; i < blueprints; ++i)
    list.push(Json{{"id", "check-" + std::to_string(i + 1)}, {"match", match}, {"start_from", "now"}});
  return Json{{"source", source.source},
              {"key", key},
              {"blueprints", list},
              {"rules", Json::array()},
              {"trigger_id", trigger_id}}
      .dump();
}

namespace {
std::vector<std::string> listed(const char* folder, bool links) {
  std::vector<std::string> out;
  std::error_code ec;
  for (const auto& entry : fs::directory_iterator(folder, ec)) {
    std::string name = entry.path().filename().string();
    if (links) {
      const std::string target = fs::read_symlink(entry.path(), ec).string();
      if (target.starts_with("/proc/")) continue;  // the one that lists
      name += " " + target;
    }
    out.push_back(name);
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::string count_of(const std::vector<std::string>& more, const char* one, const char* many,
                     const char* verb) {
  const std::string& what = more.front();
  return std::string(verb) + " " + std::to_string(more.size()) + " " + (more.size() == 1 ? one : many) +
         " (" + what + ")";
}
}  // namespace

ProcessFacts ProcessFacts::now() {
  ProcessFacts f;
  f.threads = listed("/proc/self/task", false);
  f.descriptors = listed("/proc/self/fd", true);
  std::ifstream timers("/proc/self/timers");
  for (std::string line; std::getline(timers, line);)
    if (line.starts_with("ID:")) f.timers.push_back(line);
  for (int s = 1; s < NSIG; ++s) {
    struct sigaction a {};
    if (sigaction(s, nullptr, &a) == 0)
      f.handlers.emplace_back(s, reinterpret_cast<const void*>(a.sa_handler));
  }
  f.locale = std::setlocale(LC_ALL, nullptr);
  std::error_code ec;
  f.directory = fs::current_path(ec).string();
  for (char** e = environ; e && *e; ++e) f.environment.emplace_back(*e);
  std::sort(f.environment.begin(), f.environment.end());
  f.umask = ::umask(0);
  ::umask(f.umask);
  return f;
}

std::string ProcessFacts::changed_since(const ProcessFacts& before) const {
  std::vector<std::string> changes, more;
  const auto added = [&](const std::vector<std::string>& was, const std::vector<std::string>& is) {
    more.clear();
    std::set_difference(is.begin(), is.end(), was.begin(), was.end(), std::back_inserter(more));
    return !more.empty();
  };
  if (added(before.threads, threads))
    changes.push_back(count_of(more, "thread running", "threads running", "it left"));
  if (added(before.descriptors, descriptors))
    changes.push_back(count_of(more, "descriptor open", "descriptors open", "it left"));
  if (added(before.timers, timers)) changes.push_back(count_of(more, "timer set", "timers set", "it left"));
  for (std::size_t i = 0; i < handlers.size(); ++i)
    if (handlers[i] != before.handlers[i])
      changes.push_back(std::string("it changed the handler of SIG") +
                        (sigabbrev_np(handlers[i].first) ? sigabbrev_np(handlers[i].first) : "?"));
  if (locale != before.locale)
    changes.push_back("it changed the locale from " + before.locale + " to " + locale);
  if (directory != before.directory) changes.push_back("it changed the working directory to " + directory);
  if (environment != before.environment) changes.push_back("it changed the environment");
  if (umask != before.umask) changes.push_back("it changed the umask");
  std::string out;
  for (const auto& c : changes) out += (out.empty() ? "" : "; ") + c;
  return out;
}

std::string settled_difference(const ProcessFacts& before) {
  std::string difference;
  for (int i = 0; i < 50; ++i) {
    difference = ProcessFacts::now().changed_since(before);
    if (difference.empty()) return {};
    std::this_thread::sleep_for(milliseconds(10));
  }
  return difference;
}

std::size_t allocated_bytes() {
  if (__sanitizer_get_current_allocated_bytes) return __sanitizer_get_current_allocated_bytes();
  const auto info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

}  // namespace aoh::host::checker
