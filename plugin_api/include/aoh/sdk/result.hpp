// What a tool answers.
#pragma once
#include <string>
#include <utility>

#include "aoh/sdk/text.hpp"

namespace aoh {
inline namespace sdk_0_1 {

/// The outcome of a tool call: the body of an MCP tool result, or a status where the machinery failed.
struct Result {
  aoh_status status = AOH_OK;
  Json body;

  /// Success. `structured` must match the tool's outputSchema; `text` is what a model reads (the JSON itself
  /// when empty).
  static Result ok(Json structured, std::string text = {}) {
    return make(std::move(structured), std::move(text), false);
  }
  /// The work failed and the model should see why: `text` says what failed and what to do.
  static Result error(std::string text, Json structured = {}) {
    return make(std::move(structured), std::move(text), true);
  }
  static Result cancelled() { return {AOH_E_CANCELLED, {}}; }
  static Result failed(aoh_status s, std::string message) {
    return {s, Json{{"message", std::move(message)}}};
  }

  /// Marks the answer as carrying a stranger's content: the host taints the session. `source` says where it
  /// came from.
  Result& taint(Json source) {
    body.slot("_meta").slot("aoh").slot("taint").push(std::move(source));
    return *this;
  }

 private:
  static Result make(Json structured, std::string text, bool is_error) {
    Result r;
    if (text.empty()) text = structured.dump();
    r.body.set("content", Json::array({Json{{"type", "text"}, {"text", std::move(text)}}}));
    if (!structured.is_null()) r.body.set("structuredContent", std::move(structured));
    if (is_error) r.body.set("isError", true);
    return r;
  }
};

}  // namespace sdk_0_1
}  // namespace aoh
