// aoh.metrics/1 as C++ values.
#pragma once
#include <initializer_list>
#include <string_view>
#include <utility>
#include <vector>

#include "aoh/sdk/services.hpp"
#include "aoh/services/metrics.h"

namespace aoh {
inline namespace sdk_0_1 {

/// Measuring is best effort: where the host has no such service, or refuses, nothing happens and nothing is
/// thrown.
struct Metrics : Service<aoh_metrics_v1> {
  explicit Metrics(const aoh_host* h) : Service(h, AOH_METRICS_ID) {}
  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  bool counter(std::string_view name, std::string_view help, std::uint32_t flags = 0) const noexcept {
    return define(AOH_METRIC_COUNTER, flags, name, help, {});
  }
  bool gauge(std::string_view name, std::string_view help, std::uint32_t flags = 0) const noexcept {
    return define(AOH_METRIC_GAUGE, flags, name, help, {});
  }
  bool histogram(std::string_view name, std::string_view help,
                 std::initializer_list<double> bounds) const noexcept {
    return define(AOH_METRIC_HISTOGRAM, 0, name, help, bounds);
  }
  void add(std::string_view name, Labels labels, double delta = 1) const noexcept {
    if (s_) change(s_->add, name, labels, delta);
  }
  void set(std::string_view name, Labels labels, double value) const noexcept {
    if (s_) change(s_->set, name, labels, value);
  }
  void observe(std::string_view name, Labels labels, double value) const noexcept {
    if (s_) change(s_->observe, name, labels, value);
  }
  void on_collect(void (*fn)(void*), void* arg) const noexcept {
    if (s_) s_->on_collect(host_, fn, arg);
  }

 private:
  bool define(std::int32_t kind, std::uint32_t flags, std::string_view name, std::string_view help,
              std::initializer_list<double> bounds) const noexcept {
    return s_ &&
           s_->define(host_, kind, flags, st(name), st(help), std::data(bounds), bounds.size()) == AOH_OK;
  }
  template <class Fn>
  void change(Fn fn, std::string_view name, Labels labels, double value) const noexcept {
    aoh_label raw[AOH_METRICS_MAX_LABELS];
    if (labels.size() > AOH_METRICS_MAX_LABELS) return;
    std::size_t n = 0;
    for (const auto& [key, text] : labels) raw[n++] = {st(key), st(text)};
    fn(host_, st(name), raw, n, value);
  }
};

}  // namespace sdk_0_1
}  // namespace aoh
