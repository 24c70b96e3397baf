#include "loader/error.hpp"

namespace aoh::host {

const char* name(GateStep step) {
  static constexpr const char* kNames[] = {"manifest", "trust",   "exports",  "probe",
                                           "load",     "version", "describe", "services"};
  return kNames[static_cast<int>(step)];
}

GateError::GateError(GateStep s, std::string what_failed, std::string file_name, std::string cure_text)
    : std::runtime_error(file_name + ": " + what_failed + (cure_text.empty() ? "" : "; " + cure_text)),
      step(s),
      failed(std::move(what_failed)),
      file(std::move(file_name)),
      cure(std::move(cure_text)) {}

}  // namespace aoh::host
