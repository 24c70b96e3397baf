// One message of JSON-RPC 2.0, read from a line and written as one. Pure.
#pragma once
#include <stdexcept>
#include <string>
#include <string_view>

#include "support/json.hpp"

namespace aoh::host::mcp {

/// Codes of JSON-RPC 2.0 section 5.1, and of MCP's schema.
enum ErrorCode {
  kParseError = -32700,
  kInvalidRequest = -32600,
  kMethodNotFound = -32601,
  kInvalidParams = -32602,
  kTooMuchAtOnce = -32000,       ///< ours, of the range for implementations
  kResourceNotFound = -32002,    ///< revisions up to 2025-11-25; later ones say kInvalidParams
  kUnsupportedVersion = -32022,  ///< revision 2026-07-28
};

struct Message {
  enum class Kind { request, notification, response };
  Kind kind = Kind::notification;
  Json id;             ///< of a request: a string of at most kMaxIdBytes bytes, or a number
  std::string method;  ///< empty for a response
  Json params;         ///< an object, or null when absent
};

inline constexpr std::size_t kMaxIdBytes = 256;
inline constexpr std::size_t kMaxMethodBytes = 256;

/// JSON that is no message: how the sender is told. `id` is null where it cannot be known.
struct InvalidMessage : std::runtime_error {
  InvalidMessage(Json i, const std::string& what) : std::runtime_error(what), id(std::move(i)) {}
  Json id;
};

/// Throws InvalidMessage.
Message read_message(const Json& json);

/// One line each, without the newline.
std::string result_line(const Json& id, Json result);
std::string error_line(const Json& id, int code, std::string_view message, Json data = {});

}  // namespace aoh::host::mcp
