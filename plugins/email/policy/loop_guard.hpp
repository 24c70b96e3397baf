// Whether a message may be answered by a machine (RFC 3834). Pure.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "mime/message.hpp"

namespace mailroom::policy {

struct Verdict {
  bool allowed = true;
  std::string rule;  ///< which rule refused, stable, for programs: "auto_submitted", "precedence", "list" ...
  std::string why;  ///< one line for people; quotes at most a header's name and our own words, nothing of the
                    ///< sender's
  explicit operator bool() const { return allowed; }
};

/// May `original` get an automatic reply? Refused, by the first rule that applies: `Auto-Submitted` other
/// than `no` (RFC 3834 §5; parameters and comments are read away), `Precedence: bulk|junk|list`, any `List-*`
/// field (RFC 2369, 2919), `X-Auto-Response-Suppress` naming all, autoreply or oof, a null `Return-Path` (RFC
/// 5321 §4.5.5), a delivery or read report (RFC 3462, 8098), a sender that is a machine by its name
/// (mailer-daemon, no-reply ...), one of `own` addresses (ASCII case ignored), a Message-ID among
/// `own_message_ids`, no sender at all, or more than 50 `Received` fields (a loop under way).
Verdict may_auto_reply(const mime::Message& original, const std::vector<std::string>& own,
                       const std::vector<std::string>& own_message_ids = {});

/// Whether an automatic reply may go to `address`: not to a machine by its name, not to one of `own`.
Verdict may_auto_reply_to(std::string_view address, const std::vector<std::string>& own);

}  // namespace mailroom::policy
