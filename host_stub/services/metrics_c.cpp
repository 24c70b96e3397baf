#include "services/metrics_c.hpp"

#include "services/instance_access.hpp"
#include "services/metrics.hpp"

namespace aoh::host {

struct MetricsFunctions : InstanceAccess {
  static aoh_status define(const aoh_host* h, std::int32_t kind, std::uint32_t flags, aoh_str name,
                           aoh_str help, const double* bounds, std::size_t n) noexcept {
    return run(h, "defining a metric", [&](InstanceHost& i) -> aoh_status {
      if (n > AOH_METRICS_MAX_BOUNDS || (n > 0 && !bounds)) return AOH_E_INVALID;
      return services(i).metrics->define(module(i), kind, flags, sv(name), sv(help), {bounds, bounds + n});
    });
  }
  static aoh_status change(Metrics::Change how, const aoh_host* h, aoh_str name, const aoh_label* labels,
                           std::size_t n, double value) noexcept {
    return run(h, "measuring", [&](InstanceHost& i) -> aoh_status {
      if (n > AOH_METRICS_MAX_LABELS || (n > 0 && !labels)) return AOH_E_INVALID;
      Labels all;
      for (std::size_t k = 0; k < n; ++k) {
        if (labels[k].value.len > AOH_METRICS_MAX_VALUE || labels[k].name.len > AOH_METRICS_MAX_NAME)
          return AOH_E_INVALID;
        all.emplace_back(sv(labels[k].name), sv(labels[k].value));
      }
      return services(i).metrics->change(how, module(i), sv(name), std::move(all), value);
    });
  }
  static aoh_status add(const aoh_host* h, aoh_str name, const aoh_label* labels, std::size_t n,
                        double value) noexcept {
    return change(Metrics::Change::add, h, name, labels, n, value);
  }
  static aoh_status set(const aoh_host* h, aoh_str name, const aoh_label* labels, std::size_t n,
                        double value) noexcept {
    return change(Metrics::Change::set, h, name, labels, n, value);
  }
  static aoh_status observe(const aoh_host* h, aoh_str name, const aoh_label* labels, std::size_t n,
                            double value) noexcept {
    return change(Metrics::Change::observe, h, name, labels, n, value);
  }
  static aoh_status on_collect(const aoh_host* h, void (*fn)(void*), void* arg) noexcept {
    return run(h, "listening for a collection", [&](InstanceHost& i) {
      std::function<void()> call;
      if (fn) call = [fn, arg] { fn(arg); };
      services(i).metrics->on_collect(module(i), std::move(call));
      return AOH_OK;
    });
  }
};

const aoh_metrics_v1& metrics_functions() {
  using F = MetricsFunctions;
  static constexpr aoh_metrics_v1 kTable{sizeof(aoh_metrics_v1), 1, F::define, F::add, F::set, F::observe,
                                         F::on_collect};
  return kTable;
}

}  // namespace aoh::host
