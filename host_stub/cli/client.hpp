// A verb's work done by the host that runs in the home.
#pragma once
#include <string>
#include <vector>

#include "cli/io.hpp"
#include "cli/signals.hpp"
#include "cli/wire.hpp"

namespace aoh::host {

/// Sends the command and passes on what comes back; returns its exit status. Ctrl-C cancels. CliError when
/// the host went away.
int forward(Line& line, const std::vector<std::string>& arguments, const Inputs& inputs, const Io& io,
            SignalFd& signals);

}  // namespace aoh::host
