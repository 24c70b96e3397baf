// Questions to the person at this process's terminal.
#pragma once
#include <optional>
#include <string>

#include "support/secret.hpp"

namespace aoh::host {

/// Is a person there to be asked? Standard input and the controlling terminal are what counts.
bool can_ask();

/// The answer to `question`, without its line end, from the terminal itself, whatever stdin and stdout are;
/// at most 64 KiB. nullopt: end of file, or no terminal. Ctrl-C ends the program with the terminal as it was.
std::optional<std::string> ask(const std::string& question);
/// The same without echo.
std::optional<Secret> ask_secret(const std::string& question);
/// y or n; `by_default` for an empty answer and at the end of the file false.
bool ask_whether(const std::string& question, bool by_default);

}  // namespace aoh::host
