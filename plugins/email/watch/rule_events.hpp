// What rules order for a message itself, as events for the host to carry out, and the terms on which
// blueprints get it (docs/plugins.md).
#pragma once
#include <optional>
#include <string>

#include "watch/batch.hpp"

namespace mailroom::watch {

constexpr std::size_t kActions = 2;  // of one message, at most

std::string rule_named(std::string_view rule);  ///< rule "NAME", for people

/// Without the time that it occurred. Flags, labels and the mailbox that it goes to; nullopt: it stays as it
/// is. A message that lies in that mailbox already is not moved. `key`: of the message's events.
std::optional<aoh::Event> change_event(const Source& source, std::uint32_t uid_validity,
                                       const Watcher::Batch::Item& item, const std::string& key);

/// The automatic answer; nullopt: the rules want none, or none may go. `decision`: that of the event, with
/// the limits of each sender and conversation, or why none goes; left alone where none is wanted.
std::optional<aoh::Event> answer_event(const Source& source, std::uint32_t uid_validity,
                                       const Watcher::Batch::Item& item, const std::string& key,
                                       const std::vector<std::string>& own, std::int64_t now_s,
                                       aoh::Json& decision);

/// The decision with the terms on which its event is taken.
aoh::Json with_terms(aoh::Json decision, const Watcher::Batch::Item& item, const policy::Orders::Terms& terms,
                     const std::string& key);

}  // namespace mailroom::watch
