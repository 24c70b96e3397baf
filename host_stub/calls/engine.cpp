#include "calls/engine.hpp"

#include <sys/random.h>

#include <algorithm>
#include <future>

#include "aoh/extensions/setup.h"
#include "aoh/services/log.h"
#include "calls/check.hpp"
#include "calls/engine_core.hpp"

namespace aoh::host {
namespace {

constexpr std::size_t kKeptAfterEnd = 4096;  // ended calls kept to catch a module that touches them

std::string seconds(std::int64_t ns) {
  const std::int64_t ms = ns / 1'000'000;
  return ms % 1000 == 0 ? std::to_string(ms / 1000) + " s" : std::to_string(ms) + " ms";
}

Json context_of(const CallRequest& r, const std::string& id, const std::string& credential,
                const ToolSpec* tool) {
  Json c{{"call_id", id}};
  c.set_if(!r.session_id.empty(), "session_id", r.session_id);
  c.set_if(!r.step.empty(), "step", r.step);
  c.set_if(!r.agent_id.empty(), "agent_id", r.agent_id);
  c.set_if(!r.idempotency_key.empty(), "idempotency_key", r.idempotency_key);
  if (!r.from_operator) {
    c.set("grants", r.grants.is_object() ? r.grants : Json::object());
  } else {
    // A person's grants are all; the module is told of those that this call is about.
    Json grants = Json::object();
    if (!credential.empty())
      grants.set(credential, tool ? Json::array({name(Grant::read), name(Grant::draft), name(Grant::send),
                                                 name(Grant::manage)})
                                  : Json::array({name(Grant::read)}));
    c.set("grants", std::move(grants));
  }
  c.set_if(!r.default_credential_id.empty(), "default_credential_id", r.default_credential_id);
  c.set_if(r.taint.size() > 0, "taint", r.taint);
  c.set_if(r.send_to_self && !tool, "send_to_self", true);
  return c;
}

}  // namespace

std::string random_call_id() {
  unsigned char bytes[12];
  if (::getrandom(bytes, sizeof bytes, 0) != static_cast<ssize_t>(sizeof bytes))
    throw std::runtime_error("the system gives no random bytes");
  std::string id = "call-";
  for (const unsigned char b : bytes) {
    id += "0123456789abcdef"[b >> 4];
    id += "0123456789abcdef"[b & 15];
  }
  return id;
}

CallPorts CallPorts::of(const Registry& registry) {
  CallPorts p;
  p.tool = [&registry](std::string_view name) { return registry.tool(name); };
  p.tool_names = [&registry] { return registry.tool_names(); };
  p.credential_type = [&registry](std::string_view type) { return registry.credential_type(type); };
  return p;
}

std::string CallEngine::Core::start(OpenCall::Facts facts, CallRequest& request, Done done) {
  const std::int64_t now = clock->monotonic_ns();
  const std::int64_t default_ns = facts.tool        ? facts.tool->timeout_ms * 1'000'000
                                  : facts.authorize ? options.authorize_ns
                                                    : options.credential_test_ns;
  facts.deadline_ns = request.deadline_ns.value_or(now + default_ns);
  facts.from_operator = request.from_operator;
  facts.session_id = request.session_id;
  facts.context = context_of(request, facts.id, facts.credential_id, facts.tool).dump();
  const std::string id = facts.id, what = facts.what;
  const std::int64_t deadline = facts.deadline_ns;
  const std::weak_ptr<Core> weak = weak_from_this();
  const auto call = std::make_shared<OpenCall>(std::move(facts), std::move(done), std::move(request.progress),
                                               [weak](OpenCall& c) {
                                                 if (const auto core = weak.lock()) core->ended(c);
                                               });
  std::optional<CallResult> refused;
  {
    const std::lock_guard lock(m);
    if (draining)
      refused = CallResult{AOH_E_STATE, {}, what + ": the host is shutting down"};
    else if (queue.size() >= options.queue)
      refused =
          CallResult{AOH_E_BUSY,
                     {},
                     what + ": " + std::to_string(queue.size()) + " calls wait already; try again later"};
    else if (deadline <= now)
      refused =
          CallResult{AOH_E_DEADLINE, {}, what + ": its deadline has passed before it began; give it longer"};
    open.emplace(id, call);
    if (!refused) {
      queue.push_back(call);
      if (waiting_threads == 0 && static_cast<int>(threads.size()) < options.threads)
        threads.emplace_back([core = shared_from_this()] { core->loop(); });
      else
        work.notify_one();
    }
  }
  if (refused) {
    call->withdraw(std::move(*refused));
    return id;
  }
  set_timer(call, deadline - now);
  return id;
}

void CallEngine::Core::set_timer(const Ptr& call, std::int64_t allowed_ns) {
  if (call->facts().deadline_ns == INT64_MAX) return;
  const Clock::Id timer = clock->schedule(
      call->facts().deadline_ns, [weak = weak_from_this(), weak_call = std::weak_ptr(call), allowed_ns] {
        const auto core = weak.lock();
        const auto c = weak_call.lock();
        if (core && c) core->deadline_passed(c, allowed_ns);
      });
  call->timer = timer;
  // It may have ended while the timer was made; then nobody else takes it back.
  bool gone = false;
  {
    const std::lock_guard lock(m);
    gone = !open.contains(call->facts().id);
  }
  if (gone) clock->cancel(timer);
}

void CallEngine::Core::loop() {
  std::unique_lock lock(m);
  for (;;) {
    const auto next =
        std::find_if(queue.begin(), queue.end(), [&](const Ptr& c) { return active[kind(*c)] < limit(*c); });
    if (next == queue.end()) {
      if (stop) return;
      ++waiting_threads;
      work.wait(lock);
      --waiting_threads;
      continue;
    }
    Ptr call = std::move(*next);
    queue.erase(next);
    ++active[kind(*call)];
    call->begun = true;
    lock.unlock();
    const auto& f = call->facts();
    if (ports.opened) ports.opened(f.id, *f.module, f.session_id, f.credential_id, f.from_operator);
    call->invoke();
    call.reset();
    lock.lock();
  }
}

void CallEngine::Core::ended(OpenCall& call) {
  Clock::Id timer = 0;
  bool alone = false;
  {
    const std::lock_guard lock(m);
    alone = abandoned;
    timer = call.timer;
  }
  if (!alone) {
    if (timer) clock->cancel(timer);
    if (call.begun && ports.closed) ports.closed(call.facts().id);
  }
  Ptr dropped;
  const std::lock_guard lock(m);
  if (call.begun) --active[kind(call)];
  const auto it = open.find(call.facts().id);
  if (it != open.end()) {
    ended_calls.push_back(std::move(it->second));
    open.erase(it);
  }
  if (ended_calls.size() > kKeptAfterEnd) {
    dropped = std::move(ended_calls.front());
    ended_calls.pop_front();
  }
  work.notify_one();
  if (open.empty()) idle.notify_all();
}

bool CallEngine::Core::unqueue(const OpenCall& call) {
  const std::lock_guard lock(m);
  const auto it = std::find_if(queue.begin(), queue.end(), [&](const Ptr& c) { return c.get() == &call; });
  if (it == queue.end()) return false;
  queue.erase(it);
  return true;
}

void CallEngine::Core::deadline_passed(const Ptr& call, std::int64_t allowed_ns) {
  const std::string& what = call->facts().what;
  if (unqueue(*call)) {
    call->withdraw({AOH_E_DEADLINE,
                    {},
                    what + ": it waited " + seconds(allowed_ns) +
                        " for others to end and was not begun; try again later"});
    return;
  }
  const std::string message = what + " did not answer within " + seconds(allowed_ns) +
                              " and may still be at work; give it longer, or look before you repeat it";
  if (call->answer({AOH_E_DEADLINE, {}, message}) && ports.log)
    ports.log(AOH_LOG_WARN, message, Json{{"call_id", call->facts().id}});
  call->cancel();
  cancel_children(call->facts().id);
}

void CallEngine::Core::cancel(const Ptr& call) {
  if (unqueue(*call))
    call->withdraw({AOH_E_CANCELLED, {}, call->facts().what + ": cancelled before it began"});
  else
    call->cancel();
  cancel_children(call->facts().id);
}

CallEngine::CallEngine(CallPorts ports, Clock& clock) : CallEngine(std::move(ports), clock, Options{}) {}

CallEngine::CallEngine(CallPorts ports, Clock& clock, Options options) : core_(std::make_shared<Core>()) {
  core_->ports = std::move(ports);
  core_->clock = &clock;
  core_->options = options;
}

CallEngine::~CallEngine() {
  // A moment for those whose caller was answered and who only tidy up; a module that owes a finish() gets no
  // more.
  const bool quiet = drain(std::chrono::steady_clock::now() + std::chrono::milliseconds(500));
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(core_->m);
    core_->stop = true;
    core_->abandoned = !quiet;
    threads.swap(core_->threads);
  }
  core_->work.notify_all();
  for (std::thread& t : threads) quiet ? t.join() : t.detach();
  if (!quiet) {
    // A module still owes a finish(): what it would touch must never go.
    static auto* const left = new std::vector<std::shared_ptr<Core>>();
    static std::mutex left_m;
    const std::lock_guard lock(left_m);
    left->push_back(core_);
  }
}

std::string CallEngine::start(CallRequest request, Done done) {
  const CallPorts& ports = core_->ports;
  OpenCall::Facts facts;
  facts.id = random_call_id();
  const auto refuse = [&](aoh_status status, std::string message) {
    done({status, {}, std::move(message), false});
    return facts.id;
  };
  const Registry::ToolRef tool = ports.tool ? ports.tool(request.tool) : Registry::ToolRef{};
  if (!tool) {
    const std::string near =
        nearest(request.tool, ports.tool_names ? ports.tool_names() : std::vector<std::string>{});
    return refuse(AOH_E_NOT_FOUND, "there is no tool \"" + one_line(request.tool) + "\"" +
                                       (near.empty() ? "" : "; did you mean \"" + near + "\"?") +
                                       "; `tools list` shows all");
  }
  if (request.arguments.is_null()) request.arguments = Json::object();
  Subject subject;
  if (request.arguments.is_object()) subject = settle_credential(ports, tool, request);
  // Wrong arguments first: who mistyped one should hear of that, not of a credential.
  if (std::string wrong = check_arguments(*tool.spec, request.arguments);
      !wrong.empty() && subject.status != AOH_E_DENIED)
    return refuse(AOH_E_INVALID, std::move(wrong));
  if (!subject.error.empty()) return refuse(subject.status, std::move(subject.error));
  facts.what = tool.spec->name;
  facts.module = tool.module;
  facts.tool = tool.spec;
  facts.credential_id = std::move(subject.credential_id);
  facts.arguments = request.arguments.dump();
  if (facts.arguments.size() > AOH_MAX_JSON)
    return refuse(AOH_E_INVALID,
                  facts.what + ": the arguments have more than 16 MiB; hand large content over as a blob");
  return core_->start(std::move(facts), request, std::move(done));
}

std::string CallEngine::start_credential_test(std::string credential_id, CallRequest request, Done done) {
  return core_->start_credential(false, std::move(credential_id), request, std::move(done));
}

std::string CallEngine::start_credential_authorize(std::string credential_id, CallRequest request,
                                                   Done done) {
  return core_->start_credential(true, std::move(credential_id), request, std::move(done));
}

std::string CallEngine::Core::start_credential(bool authorize, std::string credential_id,
                                               CallRequest& request, Done done) {
  OpenCall::Facts facts;
  facts.id = random_call_id();
  const auto refuse = [&](std::string message) {
    done({AOH_E_NOT_FOUND, {}, std::move(message)});
    return facts.id;
  };
  const auto type = ports.type_of_credential ? ports.type_of_credential(credential_id) : std::nullopt;
  if (!type) {
    const std::string near =
        nearest(credential_id, ports.credential_ids ? ports.credential_ids() : std::vector<std::string>{});
    return refuse("no credential \"" + one_line(credential_id) + "\" is on record" +
                  (near.empty() ? "" : "; did you mean \"" + near + "\"?") +
                  "; `credential list` shows them");
  }
  const auto owner = ports.credential_type ? ports.credential_type(*type) : Registry::CredentialTypeRef{};
  if (!owner)
    return refuse("the credential \"" + one_line(credential_id) + "\" is of type \"" + *type +
                  "\", which no loaded module declares; `plugins list` shows why one was not loaded");
  facts.what =
      (authorize ? "signing in to credential " : "the test of credential ") + one_line(credential_id);
  facts.authorize = authorize;
  facts.module = owner.module;
  facts.credential_id = std::move(credential_id);
  return start(std::move(facts), request, std::move(done));
}

std::string CallEngine::start_setup(std::string type, const Json& setup, CallRequest request, Done done) {
  const CallPorts& ports = core_->ports;
  OpenCall::Facts facts;
  facts.id = random_call_id();
  const auto owner = ports.credential_type ? ports.credential_type(type) : Registry::CredentialTypeRef{};
  const auto* table =
      owner ? static_cast<const aoh_setup_v1*>(owner.module->functions().get_extension(borrow(AOH_SETUP_ID)))
            : nullptr;
  if (!table || table->struct_size < sizeof(aoh_setup_v1) || !table->complete) {
    done({AOH_E_UNSUPPORTED,
          {},
          "the module of the credential type \"" + one_line(type) + "\" finds nothing by itself"});
    return facts.id;
  }
  facts.what = "looking for what belongs to the " + one_line(type) + " account";
  facts.module = owner.module;
  facts.run = [complete = table->complete, type = std::move(type), text = setup.dump()](aoh_instance* self,
                                                                                        aoh_call* call) {
    return complete(self, borrow(type), borrow(text), call);
  };
  return core_->start(std::move(facts), request, std::move(done));
}

namespace {
/// Runs `start` and waits for its answer.
template <class F>
CallResult wait_for(F&& start) {
  auto promise = std::make_shared<std::promise<CallResult>>();
  auto future = promise->get_future();
  start([promise](CallResult r) { promise->set_value(std::move(r)); });
  return future.get();
}
}  // namespace

CallResult CallEngine::call(CallRequest request) {
  return wait_for([&](Done done) { start(std::move(request), std::move(done)); });
}

CallResult CallEngine::credential_test(std::string credential_id, CallRequest request) {
  return wait_for([&](Done done) {
    start_credential_test(std::move(credential_id), std::move(request), std::move(done));
  });
}

bool CallEngine::cancel(std::string_view call_id) {
  Core::Ptr call;
  {
    const std::lock_guard lock(core_->m);
    const auto it = core_->open.find(call_id);
    if (it == core_->open.end()) return false;
    call = it->second;
  }
  core_->cancel(call);
  return true;
}

bool CallEngine::drain(std::chrono::steady_clock::time_point deadline) {
  const auto calls = [this] {
    std::vector<Core::Ptr> out;
    for (const auto& [id, c] : core_->open) out.push_back(c);
    return out;
  };
  std::vector<Core::Ptr> now;
  {
    const std::lock_guard lock(core_->m);
    core_->draining = true;
    now = calls();
  }
  for (const auto& c : now) core_->cancel(c);
  {
    std::unique_lock lock(core_->m);
    if (core_->idle.wait_until(lock, deadline, [this] { return core_->open.empty(); })) return true;
    now = calls();
  }
  for (const auto& c : now)
    c->answer(
        {AOH_E_CANCELLED, {}, c->facts().what + ": the host is shutting down and did not wait any longer"});
  return false;
}

std::size_t CallEngine::open_calls() const {
  const std::lock_guard lock(core_->m);
  return core_->open.size();
}

}  // namespace aoh::host
