// `credential add` and `rotate` at a terminal: asks for what was neither given nor found.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/io.hpp"

namespace aoh::host {

/// Runs one verb from its words; the home is free before and after.
using RunWords =
    std::function<int(const std::vector<std::string>& words, const Inputs& inputs, const Io& io)>;

/// Is there a person whom `command` should ask?
bool wants_interview(const Command& command);

/// The whole of it: looks up, shows, asks, tries, stores. `words`: the command line. The exit status.
int interview(const Command& command, std::vector<std::string> words, const RunWords& run, const Io& io);

}  // namespace aoh::host
