#include "sessions/agent.hpp"

#include <algorithm>
#include <cctype>
#include <fstream>

namespace aoh::host {
namespace {

void read_grants(const YamlNode& root, Agent& agent, Problems& problems) {
  const auto* grants = root.find("grants");
  if (grants == nullptr) return;
  if (!grants->is_map())
    return problems.add(grants->at, "grants must be a map: a credential's id (or $trigger) to [read, send]");
  static const std::vector<std::string_view> kGrants = {"read", "draft", "send", "manage"};
  for (const auto& member : grants->members) {
    auto& list = agent.grants[member.key];
    if (!member.value.is_list()) problems.add(member.value.at, "grants." + member.key + " must be a list");
    for (const auto& item : member.value.items) {
      if (std::find(kGrants.begin(), kGrants.end(), item.scalar.str()) == kGrants.end()) {
        problems.add(item.at, "a grant is one of read, draft, send, manage");
      }
      list.push_back(item.scalar.str());
    }
  }
}

AgentStep read_step(const YamlNode& node, const std::string& where, Problems& problems) {
  AgentStep step;
  if (!node.is_map()) {
    problems.add(node.at, where + " must be a map with `call` or `finish`");
    return step;
  }
  const bool call = node.find("call") != nullptr;
  if (call == (node.find("finish") != nullptr))
    problems.add(node.at, where + " needs either `call` or `finish`");
  if (node.find("if") != nullptr) step.condition = text_field(node, where, "if", true, problems);
  if (call) {
    check_keys(node, where, {"call", "arguments", "save_as", "if", "finish"}, problems);
    step.tool = text_field(node, where, "call", true, problems);
    if (node.find("save_as") != nullptr) step.save_as = text_field(node, where, "save_as", true, problems);
    step.arguments = Json::object();
    if (const auto* arguments = node.find("arguments")) {
      if (!arguments->is_map()) problems.add(arguments->at, where + ".arguments must be a map");
      step.arguments = arguments->json();
    }
  } else if (const auto* finish = node.find("finish")) {
    check_keys(node, where, {"finish", "if", "call"}, problems);
    if (!finish->is_map()) {
      problems.add(finish->at, where + ".finish must be a map with output_text and output_html");
    } else {
      check_keys(*finish, where + ".finish", {"output_text", "output_html"}, problems);
      text_field(*finish, where + ".finish", "output_text", false, problems);
      text_field(*finish, where + ".finish", "output_html", false, problems);
    }
    step.arguments = finish->json();
  }
  return step;
}

void read_limits(const YamlNode& root, bool program, AgentLimits& limits, Problems& problems) {
  if (program) limits.steps = 1000;
  const auto* node = root.find("limits");
  if (node == nullptr) return;
  if (!node->is_map()) problems.add(node->at, "limits must be a map of time, steps, calls");
  std::vector<std::string_view> known = {"time", "steps", "calls"};
  if (program) known.insert(known.end(), {"line_bytes", "output_bytes", "tokens", "refusals"});
  check_keys(*node, "limits", known, problems);
  const auto count = [&](std::string_view key, std::int64_t minimum, std::int64_t maximum,
                         std::int64_t& value) {
    value = count_field(*node, "limits", key, minimum, maximum, value, problems);
  };
  limits.time_ns = duration_field(*node, "limits", "time", limits.time_ns, problems);
  count("steps", 1, program ? 1'000'000 : 10'000, limits.steps);
  count("calls", 0, 10'000, limits.calls);
  if (!program) return;
  count("line_bytes", 1024, 64 << 20, limits.line_bytes);
  count("output_bytes", 1024, std::int64_t{16} << 30, limits.output_bytes);
  count("tokens", 1, 1'000'000'000'000, limits.tokens);
  count("refusals", 0, 1000, limits.refusals);
}

void read_steps(const YamlNode& root, Agent& agent, Problems& problems) {
  const auto* steps = root.find("steps");
  if (steps == nullptr || !steps->is_list() || steps->items.empty())
    return problems.add(steps == nullptr ? root.at : steps->at,
                        "steps is missing or is not a list; the last one is `finish`");
  for (std::size_t i = 0; i < steps->items.size(); ++i)
    agent.steps.push_back(read_step(steps->items[i], "steps[" + std::to_string(i) + "]", problems));
}

/// A list of texts without NUL; what is not is reported.
std::vector<std::string> read_texts(const YamlNode& root, const char* key, Problems& problems) {
  std::vector<std::string> out;
  const auto* node = root.find(key);
  if (node == nullptr) return out;
  if (!node->is_list()) problems.add(node->at, std::string(key) + " must be a list of texts");
  for (const auto& item : node->items) {
    // What a person wrote as a number is an argument all the same.
    std::string text = item.scalar.is_number() ? item.scalar.dump() : item.scalar.str();
    if (!item.is_map() && !item.is_list() && (item.scalar.is_number() || item.scalar.is_string()) &&
        text.find('\0') == std::string::npos)
      out.push_back(std::move(text));
    else
      problems.add(item.at, std::string(key) + " must be a list of texts");
  }
  return out;
}

bool variable_name(std::string_view name) {
  return !name.empty() && (std::isalpha(static_cast<unsigned char>(name[0])) != 0 || name[0] == '_') &&
         std::all_of(name.begin(), name.end(),
                     [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
}

void read_program(const YamlNode& root, Agent& agent, Problems& problems) {
  if (const auto* steps = root.find("steps")) problems.add(steps->at, "steps is for agents of type script");
  const auto* command = root.find("command");
  agent.command = read_texts(root, "command", problems);
  if (command == nullptr || (command->is_list() && (agent.command.empty() || agent.command.front().empty())))
    problems.add(command == nullptr ? root.at : command->at,
                 "command is missing; it is a list of the program and its arguments: [python3, agent.py]");
  agent.tools = read_texts(root, "tools", problems);
  agent.pass = read_texts(root, "pass", problems);
  for (const auto& name : agent.pass) {
    if (!variable_name(name) || name.starts_with("AOH_"))
      problems.add(root.find("pass")->at, "pass: \"" + std::string(utf8_prefix(name, 80)) +
                                              "\" is no variable that can be passed on; none of the host's "
                                              "own (AOH_...) is");
  }
  if (const auto* environment = root.find("environment")) {
    if (!environment->is_map()) problems.add(environment->at, "environment must be a map of names to texts");
    for (const auto& member : environment->members) {
      const Json& value = member.value.scalar;
      const std::string text = value.is_number() ? value.dump() : value.str();
      if (!variable_name(member.key) || member.value.is_map() || member.value.is_list() ||
          !(value.is_string() || value.is_number()) || text.find('\0') != std::string::npos)
        problems.add(member.at, "environment must be a map of names to texts");
      agent.environment.push_back(member.key + "=" + text);
    }
  }
}

}  // namespace

Agent parse_agent(std::string_view text, std::string_view file) {
  const YamlNode root = parse_yaml(text, file);
  Problems problems{std::string(file)};
  Agent agent;
  if (!root.is_map()) problems.add(root.at, "an agent is a map with agent_id, type and steps");
  check_keys(root, "",
             {"agent_id", "type", "description", "grants", "limits", "steps", "command", "tools",
              "environment", "pass"},
             problems);
  agent.id = text_field(root, "", "agent_id", true, problems);
  if (root.find("type") == nullptr) problems.add(root.at, "type is missing; it is `script` or `command`");
  const bool program = choice_field(root, "", "type", {"script", "command"}, "script", problems) == "command";
  text_field(root, "", "description", false, problems);
  read_grants(root, agent, problems);
  read_limits(root, program, agent.limits, problems);
  for (const auto* key : {"command", "tools", "environment", "pass"}) {
    if (const auto* node = root.find(key); node != nullptr && !program)
      problems.add(node->at, std::string(key) + " is for agents of type command");
  }
  if (program)
    read_program(root, agent, problems);
  else
    read_steps(root, agent, problems);
  problems.raise();
  return agent;
}

std::optional<std::filesystem::path> AgentDirectory::find(std::string_view agent_id) const {
  const auto good = [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.'; };
  if (agent_id.empty() || agent_id.size() > 64 || agent_id.front() == '.' ||
      !std::all_of(agent_id.begin(), agent_id.end(), good)) {
    return std::nullopt;
  }
  for (const auto& folder : folders_) {
    for (const auto* extension : {".yaml", ".yml", ".json"}) {
      auto path = folder / (std::string(agent_id) + extension);
      std::error_code ignored;
      if (std::filesystem::is_regular_file(path, ignored)) return path;
    }
  }
  return std::nullopt;
}

Agent AgentDirectory::load(std::string_view agent_id) const {
  const auto path = find(agent_id);
  if (!path) {
    std::string message = "no agent \"" + std::string(utf8_prefix(agent_id, 80)) + "\": there is no " +
                          std::string(utf8_prefix(agent_id, 80)) + ".yaml in";
    for (const auto& folder : folders_) message += " " + folder.string();
    throw DocumentError(message);
  }
  Agent agent = parse_agent(read_document(*path), path->string());
  agent.folder = std::filesystem::absolute(*path).parent_path();
  if (agent.id != agent_id) {
    throw DocumentError(path->string() + ": agent_id is \"" + agent.id + "\", but the file is named for \"" +
                        std::string(agent_id) + "\"");
  }
  return agent;
}

std::string read_document(const std::filesystem::path& path, std::size_t max_bytes) {
  std::error_code ec;
  if (!std::filesystem::is_regular_file(path, ec))
    throw DocumentError(path.string() + ": there is no such file");
  std::ifstream in(path, std::ios::binary);
  if (!in) throw DocumentError(path.string() + ": cannot be opened for reading");
  std::string text(max_bytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad()) throw DocumentError(path.string() + ": cannot be read");
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > max_bytes) {
    throw DocumentError(path.string() + ": larger than " + std::to_string(max_bytes) + " bytes");
  }
  return text;
}

}  // namespace aoh::host
