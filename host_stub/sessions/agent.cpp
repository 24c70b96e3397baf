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

}  // namespace

Agent parse_agent(std::string_view text, std::string_view file) {
  const YamlNode root = parse_yaml(text, file);
  Problems problems{std::string(file)};
  Agent agent;
  if (!root.is_map()) problems.add(root.at, "an agent is a map with agent_id, type and steps");
  check_keys(root, "", {"agent_id", "type", "description", "grants", "limits", "steps"}, problems);
  agent.id = text_field(root, "", "agent_id", true, problems);
  if (root.find("type") == nullptr) problems.add(root.at, "type is missing; `script` is the one there is");
  choice_field(root, "", "type", {"script"}, "script", problems);
  text_field(root, "", "description", false, problems);
  read_grants(root, agent, problems);
  if (const auto* limits = root.find("limits")) {
    if (!limits->is_map()) problems.add(limits->at, "limits must be a map of time, steps, calls");
    check_keys(*limits, "limits", {"time", "steps", "calls"}, problems);
    agent.limits.time_ns = duration_field(*limits, "limits", "time", agent.limits.time_ns, problems);
    agent.limits.steps = count_field(*limits, "limits", "steps", 1, 10'000, agent.limits.steps, problems);
    agent.limits.calls = count_field(*limits, "limits", "calls", 0, 10'000, agent.limits.calls, problems);
  }
  const auto* steps = root.find("steps");
  if (steps == nullptr || !steps->is_list() || steps->items.empty()) {
    problems.add(steps == nullptr ? root.at : steps->at,
                 "steps is missing or is not a list; the last one is `finish`");
  } else {
    for (std::size_t i = 0; i < steps->items.size(); ++i) {
      agent.steps.push_back(read_step(steps->items[i], "steps[" + std::to_string(i) + "]", problems));
    }
  }
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
