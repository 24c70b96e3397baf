// email_rules_explain: which rules and blueprints a message hits, and why the others not. Changes nothing.
#pragma once
#include "tools/toolbox.hpp"

namespace mailroom::tools {

/// The message is a stored one (mailbox with uid or message_id), or `path`, `blob` or `raw`, of at most 64
/// MiB. `rules` and `blueprints` stand for those in force, which only a running watcher of that mailbox
/// knows. What is answered holds nothing of the message but the trusted servers' verdict.
aoh::Result email_rules_explain(const Toolbox& box, const aoh::Json& args, aoh::Call& call);

}  // namespace mailroom::tools
