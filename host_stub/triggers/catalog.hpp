// What the loaded modules offer to blueprints: their trigger sources and finish actions, out of their
// manifests.
#pragma once
#include <string_view>
#include <vector>

#include "loader/manifest.hpp"

namespace aoh::host {

/// A value; copies are independent.
struct Catalog {
  std::vector<TriggerSource> sources;
  std::vector<FinishAction> finish_actions;

  static Catalog of(const std::vector<const Manifest*>& manifests);
  const TriggerSource* source(std::string_view name) const;
  const FinishAction* finish_action(std::string_view name) const;
};

}  // namespace aoh::host
