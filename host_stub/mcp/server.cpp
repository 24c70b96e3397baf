#include "mcp/server.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace aoh::host::mcp {
namespace {

constexpr std::string_view kModern = "2026-07-28";
constexpr std::array<std::string_view, 4> kWithHandshake = {"2025-11-25", "2025-06-18", "2025-03-26",
                                                            "2024-11-05"};
constexpr std::string_view kBatches = "2025-03-26";  // the one revision that has them
constexpr std::string_view kMeta = "io.modelcontextprotocol/";

/// How a request is refused.
struct Refusal {
  int code;
  std::string message;
  Json data = {};
};

Json versions() {
  Json all = Json::array({kModern});
  for (const auto version : kWithHandshake) all.push(version);
  return all;
}

std::string in_quotes(std::string_view word) { return "\"" + std::string(utf8_prefix(word, 100)) + "\""; }

Json meta_of(const Message& m, std::string_view name) {
  const Json* value = m.params["_meta"].find(std::string(kMeta) + std::string(name));
  return value != nullptr ? *value : Json();
}

}  // namespace

Server::Server(Offer offer, ServerLimits limits) : offer_(std::move(offer)), limits_(limits) {}

Reaction Server::line(std::string_view text) {
  Reaction reaction;
  if (text.find_first_not_of(" \t\r") == std::string_view::npos) return reaction;
  Json json;
  try {
    json = Json::parse(
        text, {.max_bytes = text.size(), .max_depth = limits_.max_depth, .max_values = limits_.max_values});
  } catch (const JsonError& e) {
    reaction.broken = e.what();
    reaction.lines.push_back(error_line({}, kParseError, reaction.broken));
    return reaction;
  }
  if (json.is_array() && version_ == kBatches && !json.empty() && json.size() <= limits_.batch) {
    for (const auto& item : json.items()) message(item, reaction);
  } else {
    message(json, reaction);
  }
  return reaction;
}

void Server::message(const Json& json, Reaction& reaction) {
  try {
    const Message m = read_message(json);
    reaction.tokens = std::max(reaction.tokens, m.params["_meta"]["aoh/tokens"].integer());
    if (m.kind == Message::Kind::request) request(m, reaction);
    if (m.kind == Message::Kind::notification) notification(m, reaction);
    // A response answers nothing: this server asks its client for nothing.
  } catch (const InvalidMessage& e) {
    reaction.lines.push_back(error_line(e.id, kInvalidRequest, e.what()));
  }
}

void Server::request(const Message& m, Reaction& reaction) {
  bool modern = false;
  try {
    std::size_t answered = 0;
    for (const auto& line : reaction.lines) answered += line.size();
    if (answered >= limits_.answers)
      throw Refusal{kTooMuchAtOnce, "the answers to this batch have " + std::to_string(answered) +
                                        " bytes already; ask for the rest anew"};
    const Json version = meta_of(m, "protocolVersion");
    modern = !version.is_null();
    if (modern && version.str() != kModern)
      throw Refusal{kUnsupportedVersion, "Unsupported protocol version",
                    Json{{"supported", versions()}, {"requested", utf8_prefix(version.str(), 100)}}};
    if (modern && !meta_of(m, "clientCapabilities").is_object())
      throw Refusal{kInvalidParams,
                    "_meta lacks \"io.modelcontextprotocol/clientCapabilities\"; an empty object will do"};
    const auto answer = [&](Json result, bool cacheable = false) {
      reaction.lines.push_back(result_line(m.id, shaped(std::move(result), modern, cacheable)));
    };
    if (m.method == "initialize" && !modern) return answer(initialize(m));
    if (m.method == "ping" && !modern) return answer(Json::object());
    if (m.method == "server/discover" && modern) return answer(discover(), true);
    if (version_.empty() && !modern)
      throw Refusal{kInvalidRequest, "initialize comes first, or a request that names its protocol version"};
    if (m.method == "tools/list") return answer(list_tools(m), true);
    if (m.method == "tools/call") return call(m, modern, reaction);
    if (m.method == "resources/list") return answer(list_resources(), true);
    if (m.method == "resources/templates/list")
      return answer(Json{{"resourceTemplates", Json::array()}}, true);
    if (m.method == "resources/read") return answer(read_resource(m, modern), true);
    throw Refusal{kMethodNotFound, "there is no method " + in_quotes(m.method)};
  } catch (const Refusal& refusal) {
    reaction.lines.push_back(error_line(m.id, refusal.code, refusal.message, refusal.data));
  }
}

void Server::notification(const Message& m, Reaction& reaction) {
  if (m.method != "notifications/cancelled") return;  // initialized, progress ...: nothing to do
  const auto it = open_.find(m.params["requestId"].dump());
  if (it == open_.end()) return;  // it was answered meanwhile, or never there
  // One of the same batch is not begun; its id may come again within it.
  if (std::erase_if(reaction.calls, [&](const Call& call) { return call.key == it->first; }) == 0)
    reaction.cancelled.push_back(it->first);
  open_.erase(it);
}

void Server::call(const Message& m, bool modern, Reaction& reaction) {
  const Json& name = m.params["name"];
  if (!name.is_string()) throw Refusal{kInvalidParams, "\"name\" must say which tool"};
  const bool offered = std::any_of(offer_.tools.begin(), offer_.tools.end(),
                                   [&](const Json& tool) { return tool["name"].str() == name.str(); });
  if (!offered) {
    reaction.refused.emplace_back(utf8_prefix(name.str(), 100));
    throw Refusal{kInvalidParams, "Unknown tool: " + in_quotes(name.str()) +
                                      " is not among the tools that this client is granted"};
  }
  const Json* arguments = m.params.find("arguments");
  if (arguments != nullptr && !arguments->is_object())
    throw Refusal{kInvalidParams, "\"arguments\" must be an object"};
  std::string key = m.id.dump();
  if (open_.contains(key)) throw Refusal{kInvalidRequest, "a call with this id is not answered yet"};
  if (open_.size() >= limits_.open_calls)
    throw Refusal{kTooMuchAtOnce,
                  std::to_string(limits_.open_calls) + " calls are not answered yet; wait for one of them"};
  open_.emplace(key, Open{m.id, modern});
  reaction.calls.push_back({std::move(key), name.str(), arguments ? *arguments : Json::object()});
}

std::string Server::answer(const std::string& key, Json result) {
  const auto it = open_.find(key);
  if (it == open_.end()) return {};
  const Open open = std::move(it->second);
  open_.erase(it);
  return result_line(open.id, shaped(std::move(result), open.modern, false));
}

std::string Server::fail(const std::string& key, int code, std::string_view message) {
  const auto it = open_.find(key);
  if (it == open_.end()) return {};
  const Open open = std::move(it->second);
  open_.erase(it);
  return error_line(open.id, code, message);
}

Json Server::initialize(const Message& m) {
  if (!version_.empty()) throw Refusal{kInvalidRequest, "initialize comes once"};
  const Json& wanted = m.params["protocolVersion"];
  if (!wanted.is_string()) throw Refusal{kInvalidParams, "\"protocolVersion\" must be a string"};
  const bool known =
      std::find(kWithHandshake.begin(), kWithHandshake.end(), wanted.str()) != kWithHandshake.end();
  version_ = known ? wanted.str() : std::string(kWithHandshake.front());
  return Json{{"protocolVersion", version_},
              {"capabilities", capabilities()},
              {"serverInfo", about()},
              {"instructions", offer_.instructions}};
}

Json Server::discover() const {
  return Json{{"supportedVersions", versions()},
              {"capabilities", capabilities()},
              {"instructions", offer_.instructions}};
}

Json Server::list_tools(const Message& m) const {
  std::size_t from = 0;
  if (const Json* cursor = m.params.find("cursor")) {
    const std::string& text = cursor->str();
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), from);
    if (text.empty() || error != std::errc() || end != text.data() + text.size() || from == 0 ||
        from >= offer_.tools.size())
      throw Refusal{kInvalidParams, "\"cursor\" is none that this server gave"};
  }
  const std::size_t to = std::min(offer_.tools.size(), from + limits_.page);
  Json tools = Json::array();
  for (std::size_t i = from; i < to; ++i) tools.push(offer_.tools[i]);
  Json result{{"tools", std::move(tools)}};
  result.set_if(to < offer_.tools.size(), "nextCursor", std::to_string(to));
  return result;
}

Json Server::list_resources() const {
  Json resources = Json::array();
  for (const auto& resource : offer_.resources) resources.push(resource.descriptor);
  return Json{{"resources", std::move(resources)}};
}

Json Server::read_resource(const Message& m, bool modern) const {
  const std::string& uri = m.params["uri"].str();
  for (const auto& resource : offer_.resources) {
    if (resource.descriptor["uri"].str() != uri) continue;
    return Json{{"contents", Json::array({Json{{"uri", uri},
                                               {"mimeType", resource.descriptor["mimeType"]},
                                               {"text", resource.text}}})}};
  }
  throw Refusal{modern ? kInvalidParams : kResourceNotFound, "Resource not found",
                Json{{"uri", utf8_prefix(uri, 200)}}};
}

Json Server::capabilities() const { return Json{{"tools", Json::object()}, {"resources", Json::object()}}; }

Json Server::about() const { return Json{{"name", offer_.name}, {"version", offer_.version}}; }

/// Revision 2026-07-28 wants a result's kind, who made it, and how long a list may be kept: not at all.
Json Server::shaped(Json result, bool modern, bool cacheable) const {
  if (!modern) return result;
  result.set("resultType", "complete");
  result.slot("_meta").set(std::string(kMeta) + "serverInfo", about());
  if (cacheable) result.set("ttlMs", 0).set("cacheScope", "private");
  return result;
}

}  // namespace aoh::host::mcp
