// What an `agent_id` is, read from manifests/agents/*.yaml: a script of tool calls, or a program that speaks
// MCP.
#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sessions/yaml.hpp"
#include "support/json.hpp"

namespace aoh::host {

/// One step: a tool call whose arguments are templates, or the end.
struct AgentStep {
  std::string tool;  ///< empty: this step finishes the turn
  Json arguments;    ///< of the call, or {"output_text", "output_html"} of the finish; strings are templates
  std::string save_as;    ///< name under `steps.` for later templates; may be empty
  std::string condition;  ///< `if`: a template; the step is skipped when it renders to nothing, false or 0
};

/// Limits of one turn (one input of a session).
struct AgentLimits {
  std::int64_t time_ns = 300'000'000'000;
  std::int64_t steps =
      100;  ///< of a script; of a program: lines that it writes, 1000 where the file says nothing
  std::int64_t calls = 50;
  // Of a program only.
  std::int64_t line_bytes = 4 << 20;     ///< of one line that it writes
  std::int64_t output_bytes = 64 << 20;  ///< of all that it writes, standard error included
  std::int64_t tokens = 1'000'000;       ///< that it reports to have used
  std::int64_t refusals = 0;             ///< calls of what it is not granted that it may make, and go on
};

/// An agent. A value.
struct Agent {
  std::string id;
  std::map<std::string, std::vector<std::string>>
      grants;  ///< credential id or "$trigger" -> read, draft, send, manage
  AgentLimits limits;
  std::vector<AgentStep> steps;
  // Of a program only; `command` is empty for a script.
  std::vector<std::string> command;      ///< the program and its arguments
  std::vector<std::string> tools;        ///< the only ones that it gets; empty: all that the grants cover
  std::vector<std::string> environment;  ///< "NAME=value", beside what every program gets
  std::vector<std::string> pass;         ///< names of the host's variables that are passed on
  std::filesystem::path folder;          ///< of the file: the program's working directory
};

/// Reads an agent file. Throws DocumentError.
Agent parse_agent(std::string_view text, std::string_view file);

/// Agent files of some folders; the first folder that holds `<agent_id>.yaml` (or .yml, .json) wins. Read
/// anew at each use, so an edited agent counts from the next turn on. Thread-safe.
class AgentDirectory {
 public:
  explicit AgentDirectory(std::vector<std::filesystem::path> folders) : folders_(std::move(folders)) {}
  /// Throws DocumentError when there is none, it cannot be read, or it is wrong.
  Agent load(std::string_view agent_id) const;
  bool exists(std::string_view agent_id) const { return find(agent_id).has_value(); }

 private:
  std::optional<std::filesystem::path> find(std::string_view agent_id) const;
  std::vector<std::filesystem::path> folders_;
};

/// The bytes of a regular file of at most max_bytes. Throws DocumentError.
std::string read_document(const std::filesystem::path& path, std::size_t max_bytes = YamlLimits{}.max_bytes);

}  // namespace aoh::host
