// The C functions of aoh.metrics/1.
#pragma once
#include "aoh/services/metrics.h"

namespace aoh::host {

const aoh_metrics_v1& metrics_functions();

}  // namespace aoh::host
