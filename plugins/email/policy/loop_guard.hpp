// Whether a message may be answered by a machine (RFC 3834). Pure.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mime/message.hpp"

namespace mailroom::policy {

/// How many automatic answers the rules give to one sender, and in one conversation, within a day.
constexpr std::int64_t kAnswersToOne = 3;
/// How long after its arrival a message may still be answered by the rules, seconds.
constexpr std::int64_t kAnswerWithin = 2 * 86'400;

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

/// The same for an answer of the rules, which nobody has looked at: also refused for a message that arrived
/// more than kAnswerWithin before `now_s`, and where more or less than one address would get it.
Verdict may_answer_by_rule(const mime::Message& original, const std::vector<std::string>& own,
                           std::int64_t arrived_s, std::int64_t now_s);

/// Whom an answer goes to: Reply-To, else From; empty unless it is one address.
std::string answered_address(const mime::Message& original);

/// Whether an automatic reply may go to `address`: not to a machine by its name, not to one of `own`.
Verdict may_auto_reply_to(std::string_view address, const std::vector<std::string>& own);

}  // namespace mailroom::policy
