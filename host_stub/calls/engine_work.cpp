// What a module does beside tool calls, and ends with the call that it is for.
#include <algorithm>
#include <future>

#include "calls/check.hpp"
#include "calls/engine_core.hpp"

namespace aoh::host {

void CallEngine::Core::cancel_children(const std::string& id) {
  std::vector<Ptr> children;
  {
    const std::lock_guard lock(m);
    for (const auto& [child, c] : open)
      if (c->facts().parent == id) children.push_back(c);
  }
  for (const Ptr& c : children) c->cancel();
}

CallResult CallEngine::Core::run_work(Work w) {
  const std::int64_t now = clock->monotonic_ns();
  OpenCall::Facts facts;
  facts.id = random_call_id();
  facts.what = w.what;
  facts.module = w.module;
  facts.parent = w.parent;
  facts.run = std::move(w.run);
  facts.context = Json{{"call_id", facts.id}}.dump();
  facts.deadline_ns = w.limit_ns > INT64_MAX - now ? INT64_MAX : now + w.limit_ns;
  const auto promise = std::make_shared<std::promise<CallResult>>();
  auto answer = promise->get_future();
  Ptr call;
  {
    const std::lock_guard lock(m);
    if (draining) return {AOH_E_STATE, {}, w.what + ": the host is shutting down"};
    if (!w.parent.empty()) {
      const auto parent = open.find(w.parent);
      if (parent == open.end() || parent->second->cancelled())
        return {AOH_E_CANCELLED, {}, w.what + ": who asked for it has been cancelled"};
      facts.deadline_ns = std::min(facts.deadline_ns, parent->second->facts().deadline_ns);
    }
    if (facts.deadline_ns <= now)
      return {AOH_E_DEADLINE, {}, w.what + ": its deadline has passed before it began; give it longer"};
    const std::string id = facts.id;
    call = std::make_shared<OpenCall>(
        std::move(facts), [promise](CallResult r) { promise->set_value(std::move(r)); }, OpenCall::Progress{},
        [weak = weak_from_this(), closed = w.closed](OpenCall& c) {
          if (closed) closed(c.facts().id);
          if (const auto core = weak.lock()) core->ended(c);
        });
    open.emplace(id, call);
  }
  set_timer(call, call->facts().deadline_ns - now);
  if (w.opened) w.opened(call->facts().id);
  call->invoke();
  return answer.get();
}

CallResult CallEngine::work(Work w) { return core_->run_work(std::move(w)); }

bool CallEngine::covered(const Registry::ToolRef& tool, const Json& grants) const {
  return host::covered(core_->ports, tool, grants);
}

}  // namespace aoh::host
