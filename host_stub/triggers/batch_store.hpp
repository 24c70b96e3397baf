// What a source hands over becomes rows of the store: events, decisions and the cursor, in one transaction.
#pragma once
#include <map>
#include <memory>
#include <string>

#include "triggers/supervisor_trigger.hpp"

namespace aoh::host {

using BlueprintsById = std::map<std::string, std::shared_ptr<const Blueprint>, std::less<>>;

/// Stores a batch; how many rows of work it made. Throws StoreError: then nothing is stored.
///
/// An event without a blueprint is an action of rules (rule_actions.hpp). An event whose decision (that of
/// its key and blueprint) names `limits` ([{"rule", "who", "most", "per_s", "of"}]) that have let `most`
/// messages through within `per_s` seconds is not taken: its decision becomes `rate_limited`. Counted are the
/// messages that are taken, each once however many events it makes. One whose decision names a rule as
/// `approval` is parked until a person lets it go; one with an action that moves its message is held until
/// that has ended.
std::int64_t store_batch(const Sql& sql, const Batch& batch, const BlueprintsById& blueprints,
                         std::int64_t now_ns, std::int64_t decisions_kept);

}  // namespace aoh::host
