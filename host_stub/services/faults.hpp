// Fault injection for plugin developers and tests: named points in the host where it can be made to die, fail
// or dawdle.
//
// A specification, from the environment variable AOH_FAULTS or --fault, is rules separated by ';':
//   POINT[~SUBSTRING][@N | /K][+MS]=kill|fail|delay
// POINT is one of the names below; SUBSTRING must occur in the point's detail; @N: the N-th hit only (default
// 1); /K: every K-th hit; +MS: after that many milliseconds (of delay, or before the kill, which then strikes
// from another thread while work goes on). A SUBSTRING that itself ends like a count is followed by @1.
//   call.invoke        detail: tool name          trigger.health   detail: the state       trigger.emit
//   store.begin        store.commit               store.committed: detail: what is written, "vault.FIELD"
//   for a secret       state.apply detail: keys and outbox states        session.spawn    session.step
//   handover           blob.seal                  vault.read     rule.act, rule.acted: before and after an
//   action of the rules file, detail: its key
// Example: AOH_FAULTS='state.apply~committing@3+5=kill'
#pragma once
#include <stdexcept>
#include <string>
#include <string_view>

namespace aoh::host::faults {

/// What a point set to `fail` throws.
struct Injected : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Replaces all rules. Throws std::invalid_argument that names the rule and what is wrong with it.
/// Thread-safe.
void configure(std::string_view specification);
/// Costs one relaxed load when no rule is set. [any thread]
void point(std::string_view name, std::string_view detail = {});

}  // namespace aoh::host::faults
