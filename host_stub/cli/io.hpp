// What a verb is given besides its command, and where its words go: this terminal, or a client's over the
// socket.
#pragma once
#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "calls/check.hpp"
#include "cli/command.hpp"
#include "support/json.hpp"
#include "support/secret.hpp"

namespace aoh::host {

/// A verb failed; what() is one line with cause and cure, without "host-stub: " in front.
struct CliError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// "host-stub: ..." as the one line that goes to stderr; what has several lines is joined by "; ".
std::string error_line(std::string_view what);

/// What the caller's process read for the verb, since files, standard input and the terminal are the
/// caller's.
struct Inputs {
  std::optional<std::string> document;    ///< call: the arguments; credential add: the record
  std::map<std::string, Secret> secrets;  ///< credential add: by field
  bool terminal = false;                  ///< stderr is one: progress is worth showing
};
/// Reads what `command` names. May ask at the terminal, without echo. Throws CliError.
Inputs gather(const Command& command);

/// The contents of a file of at most `max_bytes`; CliError that names it.
std::string read_file(const std::filesystem::path& file, std::size_t max_bytes);

/// Where a verb's words go. Functions may be called from any thread.
struct Io {
  std::function<void(std::string_view)> out, err;
  /// `fn` runs when the caller gives up (Ctrl-C, or its connection ended), perhaps at once; an empty one
  /// takes it back and waits for a running one.
  std::function<void(std::function<void()> fn)> on_cancel;

  void line(std::string_view text) const { out(std::string(text) + "\n"); }
  void json(const Json& value) const { out(visible_json(value.dump(true)) + "\n"); }
};

}  // namespace aoh::host
