// The Model Context Protocol as a server speaks it, for one client: fed lines, it says what to answer and
// which tools to call. Pure.
//
// Revisions with a handshake (2025-11-25, 2025-06-18, 2025-03-26, 2024-11-05): what `initialize` asks for is
// taken where it is known, else the newest of them is offered (Lifecycle, Version Negotiation). Revision
// 2026-07-28 has no handshake; each of its requests names it in `_meta`, and is answered in its form. One
// client may use both (Versioning, Backward Compatibility).
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "mcp/message.hpp"

namespace aoh::host::mcp {

/// All finite. What is beyond one is answered with an error and otherwise ignored.
struct ServerLimits {
  std::size_t max_depth = 64;        ///< nested arrays and objects of a line
  std::size_t max_values = 200'000;  ///< values of a line
  std::size_t page = 50;             ///< tools in one answer of tools/list
  std::size_t open_calls = 16;       ///< calls not answered yet
  std::size_t batch = 50;            ///< messages of a batch (revision 2025-03-26 only)
  std::size_t answers = 1u << 20;    ///< bytes of answers to a batch, after which its other requests get none
};

struct Resource {
  Json descriptor;   ///< as resources/list shows it: uri, name, mimeType ...
  std::string text;  ///< its contents
};

/// What the client is offered; it does not change.
struct Offer {
  std::string name, version;
  std::string instructions;
  std::vector<Json> tools;  ///< as tools/list shows them, each with a name of its own
  std::vector<Resource> resources;
};

struct Call {
  std::string key;  ///< names the call at answer() and in Reaction::cancelled
  std::string tool;
  Json arguments;
};

/// What a line leads to.
struct Reaction {
  std::vector<std::string> lines;  ///< to be sent, each followed by a newline
  std::vector<Call> calls;         ///< to be made, in this order
  std::vector<std::string>
      cancelled;  ///< keys of calls that the client gave up; answer() says nothing to them
  std::vector<std::string>
      refused;              ///< names of tools that were called and are not offered, cut at 100 bytes
  std::int64_t tokens = 0;  ///< the highest count that `_meta` reported as "aoh/tokens"; 0: none
  std::string broken;       ///< why this is no client at all: the line was not JSON. Empty: it is
};

/// Not thread-safe.
class Server {
 public:
  explicit Server(Offer offer, ServerLimits limits = {});

  /// A line without its newline. An empty one leads to nothing.
  Reaction line(std::string_view text);
  /// The line that answers an open call with the body of a tool result; empty when the client gave it up.
  std::string answer(const std::string& key, Json result);
  /// The same as an error of the protocol.
  std::string fail(const std::string& key, int code, std::string_view message);

  std::size_t open_calls() const { return open_.size(); }
  /// The revision of the handshake; empty before one.
  const std::string& version() const { return version_; }

 private:
  struct Open {
    Json id;
    bool modern = false;
  };
  void message(const Json& json, Reaction& reaction);
  void request(const Message& m, Reaction& reaction);
  void notification(const Message& m, Reaction& reaction);
  void call(const Message& m, bool modern, Reaction& reaction);
  Json initialize(const Message& m);
  Json discover() const;
  Json list_tools(const Message& m) const;
  Json list_resources() const;
  Json read_resource(const Message& m, bool modern) const;
  Json capabilities() const;
  Json about() const;
  Json shaped(Json result, bool modern, bool cacheable) const;

  const Offer offer_;
  const ServerLimits limits_;
  std::string version_;
  std::map<std::string, Open, std::less<>> open_;  // by the id's JSON text
};

}  // namespace aoh::host::mcp
