// What modules count and measure (aoh.metrics/1), in memory.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aoh/services/metrics.h"
#include "services/log.hpp"

namespace aoh::host {

/// Names and values of labels, by name.
using Labels = std::vector<std::pair<std::string, std::string>>;

/// A metric as it is now.
struct MetricFamily {
  struct Series {
    Labels labels;
    double value = 0;                    ///< of a histogram: the sum
    std::uint64_t count = 0;             ///< of a histogram
    std::vector<std::uint64_t> buckets;  ///< of a histogram: values up to each bound, smaller ones included
  };
  std::string name, module, help;
  std::int32_t kind = AOH_METRIC_GAUGE;
  std::vector<double> bounds;
  std::vector<Series> series;  ///< by labels
};

/// Thread-safe. Limits and meaning: aoh/services/metrics.h. Secrets that the redactor knows are blotted out
/// of labels when they are shown.
class Metrics {
 public:
  explicit Metrics(const Redactor& redactor) : redactor_(redactor) {}

  aoh_status define(std::string_view module, std::int32_t kind, std::uint32_t flags, std::string_view name,
                    std::string_view help, std::vector<double> bounds);
  enum class Change { add, set, observe };
  aoh_status change(Change how, std::string_view module, std::string_view name, Labels labels, double value);
  /// Empty: takes it back, and waits until it does not run.
  void on_collect(std::string_view module, std::function<void()> fn);
  /// The module's instance is gone, and so is all it measured.
  void forget(std::string_view module);

  /// Asks the modules for what is collected; everything, by name. How often a series was one too many is
  /// among it: aoh_metrics_refused_total.
  std::vector<MetricFamily> collect();

 private:
  struct Metric {
    std::string module, help;
    std::int32_t kind;
    std::uint32_t flags;
    std::vector<double> bounds;
    std::map<Labels, MetricFamily::Series> series;
  };
  struct Module {
    std::mutex running;  // held while fn runs
    std::function<void()> fn;
    std::size_t metrics = 0, kept = 0, collected = 0;
    std::uint64_t refused = 0;
    bool collecting = false;
  };
  std::shared_ptr<Module> module(std::string_view id);
  void drop_collected(std::string_view module);
  std::vector<MetricFamily> snapshot() const;

  const Redactor& redactor_;
  std::mutex one_collection_;
  mutable std::mutex mutex_;  // guards what follows, but for Module::fn
  std::map<std::string, std::shared_ptr<Module>, std::less<>> modules_;
  std::map<std::string, Metric, std::less<>> metrics_;  // by name
};

/// Lines for people; the JSON of `metrics --json`; and Prometheus' text exposition format 0.0.4.
std::vector<std::string> metrics_table(const std::vector<MetricFamily>& all);
Json metrics_json(const std::vector<MetricFamily>& all);
std::string metrics_prometheus(const std::vector<MetricFamily>& all);

}  // namespace aoh::host
