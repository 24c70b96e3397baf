// What a call's arguments and results must satisfy, apart from running it.
#pragma once
#include <string>
#include <string_view>

#include "calls/engine.hpp"

namespace aoh::host {

/// The credential a call is about, settled.
struct Subject {
  std::string credential_id;  ///< empty: the tool touches no account
  std::string error;          ///< one line, when it cannot be settled
  aoh_status status = AOH_OK;
};

/// Finds the credential of a call (argument, default, or the only one), writes it into the arguments, and
/// checks that it is there and granted.
Subject settle_credential(const CallPorts& ports, const Registry::ToolRef& tool, CallRequest& request);

/// Could a call of the tool pass with these grants? True for a tool that touches no account.
bool covered(const CallPorts& ports, const Registry::ToolRef& tool, const Json& grants);

/// Everything wrong with the arguments in one line; empty: valid.
std::string check_arguments(const ToolSpec& tool, const Json& arguments);

/// A tool's answer, as its module gave it to finish().
struct Checked {
  CallResult result;
  std::string breach;  ///< which rule of the interface it broke; empty: none
};
/// `spec` may be null (credential tests): no output schema and the default size limit.
Checked check_result(std::string_view who, const ToolSpec* spec, aoh_status status, std::string_view json);

/// `text` as one line of at most 2 KiB of valid UTF-8, control characters as spaces.
std::string one_line(std::string_view text);

/// `text` as UTF-8 with a space for each character that a terminal would act on: C0, DEL, C1, line
/// separators, and what turns the direction of writing.
std::string without_controls(std::string_view text);

/// JSON text that means the same and is plain to look at: what a terminal acts on and what nobody sees (C1,
/// DEL, zero-width characters, direction marks, Unicode tags ...) stands as \uXXXX. `json` is valid JSON.
std::string visible_json(std::string json);

}  // namespace aoh::host
