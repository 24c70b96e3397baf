// A delivery report, tied to the message that it answers: the outbox record tells of it, and a dead address
// is suppressed.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "deliver/suppression.hpp"
#include "host/services.hpp"

namespace mailroom::bounce {

struct Taken {
  std::string outbox_id;                ///< the message that it is about; empty: ignored
  std::string ignored;                  ///< why
  std::vector<std::string> noted;       ///< recipients of the record that were changed
  std::vector<std::string> suppressed;  ///< of them, those that are suppressed from now on
};

/// Works on what came into the mailbox of `credential_id`. The record "outbox/<id>" gets, at each recipient
/// that the report names:
///   "bounced": {"kind": failed | dead | complaint, "status", "diagnostic", "at_unix_ns"}, or "delayed"
///   alike.
/// Idempotent: the same report again changes nothing, also when the address was released meanwhile. A crash
/// between its writes leaves the address suppressed and the record without the note; the report is then read
/// again. Any thread; reads and writes the disk. Throws aoh::StatusError when that fails, Failure(temporary)
/// when the record is changed by others all the time.
Taken take_report(const host::Services& services, std::string_view credential_id,
                  const deliver::Report& report);

}  // namespace mailroom::bounce
