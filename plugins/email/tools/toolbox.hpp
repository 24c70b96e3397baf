// What every tool has at hand, and how it answers.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "aoh/sdk/call.hpp"
#include "aoh/sdk/result.hpp"
#include "base/error_json.hpp"
#include "host/random.hpp"
#include "host/runtime.hpp"
#include "mime/json.hpp"
#include "mime/message.hpp"

namespace mailroom::outbox {
class Outbox;
}

namespace mailroom::tools {

/// Shared by all calls of one instance; outlives them.
struct Toolbox {
  host::Runtime& runtime;
  outbox::Outbox& outbox;

  /// The running watchers of an account as email_watch shows them; empty strings: all.
  std::function<aoh::Json(std::string_view credential_id, std::string_view mailbox)> watchers;
  /// {"rules", "blueprints": [{"id", "match"}]} of the running watcher of a mailbox; null: there is none.
  std::function<aoh::Json(std::string_view credential_id, std::string_view mailbox)> in_force;
};

/// A failure as a tool result: isError, one line for the model, {"error": {code, what, where, server_said,
/// cure, temporary}} for programs, plus the members of `extra`.
aoh::Result error_result(const Error& error, const aoh::Json& extra = {});

/// Runs `tool` and turns what it throws into error_result(), a cancellation into Result::cancelled().
aoh::Result answer(const std::function<aoh::Result()>& tool);

using host::random_token;

/// The credential that the call is about: the argument, else the only one granted. Throws Failure(invalid).
std::string credential_of(const aoh::Json& args, const aoh::Call& call);

/// Throws Failure(refused) unless the caller holds `grant` of the credential, or one that includes it: a host
/// knows one grant for each tool, and some of what a tool does wants more. `what`: "mark messages as read".
void need_grant(const aoh::Call& call, const std::string& credential, std::string_view grant,
                std::string_view what);

/// Addresses from an argument: "a@b, Name <c@d>", {name, address}, or a list of those. Throws
/// Failure(invalid) naming `field`.
std::vector<mime::Address> addresses_of(const aoh::Json& args, const char* field);

mime::Format format_of(const aoh::Json& args, mime::Format fallback);

/// The answer of a tool that shows a stranger's mail: fenced text for the model, data for programs, the
/// taint.
aoh::Result mail_result(aoh::Json structured, std::string rendered, std::string_view source);

}  // namespace mailroom::tools
