#include "fake_module.hpp"

#include <algorithm>

namespace aoh::host::test {
namespace {

FakeModule* g_fake = nullptr;

aoh_status create(const aoh_host*, aoh_str, aoh_instance** out, aoh_error*) {
  *out = reinterpret_cast<aoh_instance*>(g_fake);
  return AOH_OK;
}
aoh_status invoke(aoh_instance*, aoh_str, aoh_str arguments, aoh_call* call) {
  return g_fake->body(call, Json::parse(view(arguments)));
}
aoh_status credential_test(aoh_instance*, aoh_str credential, aoh_call* call) {
  return g_fake->body(call, Json{{"credential", view(credential)}});
}
void destroy(aoh_instance*) {}

Manifest manifest() {
  return Manifest::parse(R"({
    "id": "demo", "version": "1.0.0", "title": "Demo", "description": "d", "license": "MIT", "abi": {"major": 1, "minor": 0},
    "tools": [
      {"name": "echo", "description": "d", "inputSchema": {"type": "object"}, "aoh": {"timeout_ms": 60000, "concurrency": 64, "max_result_bytes": 1024}},
      {"name": "one", "description": "d", "inputSchema": {"type": "object"}, "aoh": {"concurrency": 1}},
      {"name": "strict", "description": "d",
       "inputSchema": {"type": "object", "properties": {"uid": {"type": "integer", "minimum": 1}, "mailbox": {"type": "string"}},
                       "required": ["uid"], "additionalProperties": false},
       "outputSchema": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}},
      {"name": "mail", "description": "d",
       "inputSchema": {"type": "object", "properties": {"credential_id": {"type": "string"}}, "additionalProperties": false},
       "aoh": {"credential": {"argument": "credential_id", "grant": "send"}, "permissions": ["credentials"]}}],
    "credential_types": [{"type": "mail", "schema": {"type": "object", "properties": {"password": {"type": "string"}}}, "secret_fields": ["password"]}],
    "permissions": [{"name": "credentials", "reason": "accounts"}]})");
}

}  // namespace

FakeModule::FakeModule() {
  g_fake = this;
  aoh_module raw{};
  raw.struct_size = sizeof raw;
  raw.abi_major = AOH_ABI_MAJOR;
  raw.create = create;
  raw.invoke = invoke;
  raw.credential_test = credential_test;
  raw.destroy = destroy;
  module_ = std::make_unique<Module>(manifest(), "/nowhere/demo.so", raw);
  module_->on_breach = [this](const Module&, std::string_view what) {
    const std::lock_guard lock(m);
    breaches_.emplace_back(what);
  };
  static const aoh_host host{};
  module_->create(&host, "{}");
}

FakeModule::~FakeModule() { module_->destroy(std::chrono::steady_clock::now() + std::chrono::seconds(10)); }

CallPorts FakeModule::ports() {
  CallPorts p;
  p.tool = [this](std::string_view name) {
    const ToolSpec* spec = module_->manifest().tool(name);
    return spec ? Registry::ToolRef{module_.get(), spec} : Registry::ToolRef{};
  };
  p.tool_names = [] { return std::vector<std::string>{"echo", "one", "strict", "mail"}; };
  p.credential_type = [this](std::string_view type) {
    const CredentialType* spec = module_->manifest().credential_type(type);
    return spec ? Registry::CredentialTypeRef{module_.get(), spec} : Registry::CredentialTypeRef{};
  };
  p.type_of_credential = [this](std::string_view id) -> std::optional<std::string> {
    const auto it = credentials.find(std::string(id));
    if (it == credentials.end()) return std::nullopt;
    return it->second;
  };
  p.credential_ids = [this] {
    std::vector<std::string> ids;
    for (const auto& [id, type] : credentials) ids.push_back(id);
    return ids;
  };
  p.opened = [this](std::string_view id, const Module&, std::string_view, std::string_view credential, bool) {
    const std::lock_guard lock(m);
    opened.emplace_back(id);
    opened_credential = std::string(credential);
  };
  p.closed = [this](std::string_view id) {
    const std::lock_guard lock(m);
    closed.emplace_back(id);
  };
  return p;
}

std::vector<std::string> FakeModule::breaches() const {
  const std::lock_guard lock(m);
  return breaches_;
}
bool FakeModule::breached(std::string_view words) const {
  const auto all = breaches();
  return std::any_of(all.begin(), all.end(),
                     [&](const std::string& b) { return b.find(words) != std::string::npos; });
}

void finish(aoh_call* call, aoh_status status, const std::string& json) {
  call->finish(call, status, borrow(json));
}
void succeed(aoh_call* call, const Json& structured) {
  finish(call, AOH_OK, Json{{"structuredContent", structured}}.dump());
}

void Gate::open() {
  const std::lock_guard lock(m_);
  open_ = true;
  changed_.notify_all();
}
void Gate::wait() {
  std::unique_lock lock(m_);
  ++arrived_;
  changed_.notify_all();
  changed_.wait(lock, [this] { return open_; });
}
bool Gate::arrived(int n) {
  std::unique_lock lock(m_);
  return changed_.wait_for(lock, std::chrono::seconds(10), [&] { return arrived_ >= n; });
}

CallRequest ask(std::string tool, Json arguments) {
  CallRequest r;
  r.tool = std::move(tool);
  r.arguments = std::move(arguments);
  r.from_operator = true;
  return r;
}

}  // namespace aoh::host::test
