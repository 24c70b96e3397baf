// aoh.metrics/1 of the fake host: as the real one's.
#pragma once
#include "checker/fake_host.hpp"

namespace aoh::host::checker {

struct MetricsTable {
  static void fill(FakeHost& h);

 private:
  static aoh_status change(Metrics::Change how, const char* point, const aoh_host* c, aoh_str name,
                           const aoh_label* labels, std::size_t n, double value);
};

}  // namespace aoh::host::checker
