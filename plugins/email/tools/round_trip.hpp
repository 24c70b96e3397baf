// A message from an account to itself, and how long it takes.
#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "imap/client.hpp"
#include "smtp/client.hpp"
#include "tools/toolbox.hpp"

namespace mailroom::tools {

/// What is needed for it. A value.
struct RoundTripPlan {
  imap::Login imap;
  smtp::Login smtp;
  std::string address;  ///< from and to
  std::int64_t unix_s = 0;
};

struct RoundTripResult {
  std::int64_t handed_in_ns = 0;  ///< from the start until the server had taken it
  std::int64_t arrived_ns = 0;    ///< ... until it lay in INBOX
  bool removed = false;           ///< it was taken out of the mailbox again
};

/// Sends a small message that no out-of-office answers (RFC 3834), waits at most `most` for it in INBOX,
/// looking every second, and removes just that message where the server can remove single ones. Throws
/// Failure: those of the two sessions; refused or temporary for what SMTP says; not_found when it does not
/// come.
net::Task<RoundTripResult> round_trip(host::Runtime& runtime, std::shared_ptr<host::Job> job,
                                      std::shared_ptr<RoundTripPlan> plan, net::Executor executor,
                                      std::chrono::seconds most = std::chrono::seconds(60));

}  // namespace mailroom::tools
