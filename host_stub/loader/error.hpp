// Why a module was not loaded, in words that name the step, the file and the cure.
#pragma once
#include <stdexcept>
#include <string>

namespace aoh::host {

/// The steps of the load gate, in their order.
enum class GateStep { manifest, trust, exports, probe, load, version, describe, services };
const char* name(GateStep step);

/// A module was refused. what() is one line: what failed, which file, what to do.
struct GateError : std::runtime_error {
  GateError(GateStep s, std::string what_failed, std::string file_name, std::string cure_text);
  GateStep step;
  std::string failed, file, cure;
};

}  // namespace aoh::host
