// The fields of a trigger that only source `cron` has.
#pragma once
#include "triggers/blueprint.hpp"

namespace aoh::host {

/// What a trigger of source cron may have.
const std::vector<std::string_view>& cron_trigger_keys();

/// Reads at | cron | every, timezone and missed into `b`, whose other fields are read already; adds what is
/// wrong to `problems`.
void read_cron(const YamlNode& root, const YamlNode& trigger, const Catalog& catalog, Blueprint& b,
               Problems& problems);

/// Of source cron its next three times after `now_ns`, were it added then, as local_text shows them; of
/// others none. Throws DocumentError when its last has passed.
std::vector<std::string> next_times(const Blueprint& b, std::string_view file, std::int64_t now_ns);

}  // namespace aoh::host
