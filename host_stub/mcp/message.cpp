#include "mcp/message.hpp"

namespace aoh::host::mcp {
namespace {

// MCP's ids are strings and numbers, never null. A number that is no integer is kept as it came.
bool good_id(const Json& id) { return id.is_number() || (id.is_string() && id.str().size() <= kMaxIdBytes); }

}  // namespace

Message read_message(const Json& json) {
  if (!json.is_object()) throw InvalidMessage({}, "a message is a JSON object");
  const Json* id = json.find("id");
  const Json known = id != nullptr && good_id(*id) ? *id : Json();
  if (json["jsonrpc"].str() != "2.0") throw InvalidMessage(known, "\"jsonrpc\" must be \"2.0\"");
  if (id != nullptr && known.is_null() && !json.has("error"))
    throw InvalidMessage(
        {}, "\"id\" must be a number, or a string of at most " + std::to_string(kMaxIdBytes) + " bytes");
  Message message;
  message.id = known;
  const Json* method = json.find("method");
  if (method == nullptr) {
    if (json.has("result") == json.has("error"))
      throw InvalidMessage(known, "a message needs \"method\", or either \"result\" or \"error\"");
    message.kind = Message::Kind::response;
    return message;
  }
  if (!method->is_string() || method->str().empty() || method->str().size() > kMaxMethodBytes)
    throw InvalidMessage(
        known, "\"method\" must be a string of at most " + std::to_string(kMaxMethodBytes) + " bytes");
  message.kind = id != nullptr ? Message::Kind::request : Message::Kind::notification;
  message.method = method->str();
  if (const Json* params = json.find("params")) {
    if (!params->is_object()) throw InvalidMessage(known, "\"params\" must be an object");
    message.params = *params;
  }
  return message;
}

std::string result_line(const Json& id, Json result) {
  return Json{{"jsonrpc", "2.0"}, {"id", id}, {"result", std::move(result)}}.dump();
}

std::string error_line(const Json& id, int code, std::string_view message, Json data) {
  Json error{{"code", code}, {"message", message}};
  if (!data.is_null()) error.set("data", std::move(data));
  return Json{{"jsonrpc", "2.0"}, {"id", id}, {"error", std::move(error)}}.dump();
}

}  // namespace aoh::host::mcp
