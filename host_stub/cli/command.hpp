// The command line, parsed: what is asked for, and nothing done yet.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace aoh::host {

/// Every option of every verb. A value.
struct Command {
  // Of all verbs.
  std::filesystem::path home;  ///< empty: Home::default_path()
  std::vector<std::filesystem::path> modules, agents;
  std::filesystem::path trace;
  bool json = false, no_development = false, allow_debug = false;
  std::string fault;

  std::string verb;      ///< "plugins list", "call"; words by one space
  std::string target;    ///< the first positional: a tool, an id, a path, a duration
  std::string text;      ///< the second: JSON, or a state
  double timeout_s = 0;  ///< 0: the tool's own
  bool virtual_clock = false;
  bool no_browser = false;                     ///< credential authorize: the only way there is
  bool prometheus = false;                     ///< metrics: in the format of that name
  std::optional<std::int64_t> clock_start_ns;  ///< where it begins; unset: now
  std::string type, credential, state;
  int limit = 50;
  std::vector<std::string> words;          ///< kb search
  std::string message_id, sender, sha256;  ///< kb remove
  std::string rules, mailbox;              ///< rules explain: the file; where the message lies
  std::int64_t uid = 0;                    ///< rules explain; 0: none
  std::string check_case;                  ///< plugins check: the one case to run

  // credential add, edit, rotate
  std::string file, id, label, email, imap, smtp, tls, username, ca_file;
  std::vector<std::pair<std::string, std::string>> secrets;  ///< field, "-" or a path
  bool propose = false;  ///< say what would be stored and what is missing; store nothing
  bool test = false, no_test = false, yes = false, send_to_self = false;
  std::vector<std::string> unset;  ///< credential edit

  /// Options that count only where the modules are loaded.
  std::string start_up_option() const;
};

/// The line was wrong, or asked for help. what(): one line, or the help.
struct UsageError : std::runtime_error {
  UsageError(const std::string& what, bool is_help) : std::runtime_error(what), help(is_help) {}
  bool help;
};

/// Throws UsageError. `arguments` without the program's name. Paths become absolute, seen from `cwd`.
Command parse_command(std::vector<std::string> arguments, const std::filesystem::path& cwd);

}  // namespace aoh::host
