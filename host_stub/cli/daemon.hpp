// `host-stub run`: watchers, sessions, and the socket that the other verbs come through.
#pragma once
#include "cli/app.hpp"
#include "cli/command.hpp"
#include "cli/io.hpp"
#include "cli/signals.hpp"

namespace aoh::host {

/// Runs until SIGTERM or SIGINT, then ends everything in order within 30 s; a second signal ends it at once.
/// 0 when all ended.
int run_daemon(App& app, const Command& command, const Io& io, SignalFd& signals);

}  // namespace aoh::host
