// What an `agent_id` is: a script of tool calls, read from manifests/agents/*.yaml.
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
  std::int64_t steps = 100;
  std::int64_t calls = 50;
};

/// A script agent. A value.
struct Agent {
  std::string id;
  std::map<std::string, std::vector<std::string>>
      grants;  ///< credential id or "$trigger" -> read, draft, send, manage
  AgentLimits limits;
  std::vector<AgentStep> steps;
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
