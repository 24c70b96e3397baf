// What became of a message, as a tool answers it.
#pragma once
#include "outbox/record.hpp"
#include "tools/toolbox.hpp"

namespace mailroom::tools {

/// sent: ok; queued: ok, with when and why; refused, failed, cancelled: isError; uncertain: isError with
/// `state` and `outbox_id`, never to be repeated. `repeated`: the answer comes from the record of an earlier
/// call. `resident`: the host stays up, so that what is queued goes by itself.
aoh::Result outcome_result(const outbox::Record& record, bool repeated, bool resident = true);
aoh::Result uncertain_result(const outbox::Record& record, bool repeated);

/// "2026-11-26T09:00:00Z".
std::string utc_text(std::int64_t unix_ns);

/// The argument `field` as Unix nanoseconds; 0 when it is not there. Throws Failure(invalid) unless it is RFC
/// 3339 with an offset.
std::int64_t time_of(const aoh::Json& args, const char* field);

}  // namespace mailroom::tools
