// Calls as verbs make them: for a person, with progress, ended by Ctrl-C.
#pragma once
#include <functional>
#include <string>

#include "cli/app.hpp"
#include "cli/command.hpp"
#include "cli/io.hpp"

namespace aoh::host {

/// The text parts of a tool result, each with a line end.
std::string text_of(const Json& result);

/// A person's request: all credentials are granted, --timeout counts, progress goes to a terminal.
CallRequest request_of(App& app, const Command& c, const Inputs& inputs, const Io& io);

/// Runs `start`, which gives the call's id, and waits for its end; Ctrl-C cancels it.
CallResult wait_for_call(App& app, const Io& io, const std::function<std::string(CallEngine::Done)>& start);

}  // namespace aoh::host
