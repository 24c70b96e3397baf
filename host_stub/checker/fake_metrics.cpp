#include "checker/fake_metrics.hpp"

#include "loader/module.hpp"

namespace aoh::host::checker {
namespace {

constexpr std::string_view kModule = "checked";

FakeHost& of(const aoh_host* h) { return *static_cast<FakeHost*>(owner_of(h)); }

}  // namespace

aoh_status MetricsTable::change(Metrics::Change how, const char* point, const aoh_host* c, aoh_str name,
                                const aoh_label* labels, std::size_t n, double value) {
  FakeHost& h = of(c);
  if (const aoh_status s = h.fault(point)) return s;
  Labels all;
  for (std::size_t i = 0; i < n; ++i) all.emplace_back(view(labels[i].name), view(labels[i].value));
  const aoh_status s = h.metrics_.change(how, kModule, view(name), std::move(all), value);
  if (s == AOH_E_INVALID || s == AOH_E_NOT_FOUND)
    h.breach(std::string(point) + " of " + std::string(view(name)) + ": not as services/metrics.h has it");
  return s;
}

void MetricsTable::fill(FakeHost& h) {
  aoh_metrics_v1& t = *h.metrics_table_.get();
  t.revision = h.options_.age == Age::newer ? 2 : 1;
  t.define = [](const aoh_host* c, std::int32_t kind, std::uint32_t flags, aoh_str name, aoh_str help,
                const double* bounds, std::size_t n) -> aoh_status {
    FakeHost& fake = of(c);
    if (const aoh_status s = fake.fault("metrics.define")) return s;
    const aoh_status s =
        fake.metrics_.define(kModule, kind, flags, view(name), view(help), {bounds, bounds + n});
    if (s != AOH_OK)
      fake.breach("metrics.define of " + std::string(view(name)) + ": not as services/metrics.h has it");
    return s;
  };
  t.add = [](const aoh_host* c, aoh_str name, const aoh_label* labels, std::size_t n, double value) {
    return change(Metrics::Change::add, "metrics.add", c, name, labels, n, value);
  };
  t.set = [](const aoh_host* c, aoh_str name, const aoh_label* labels, std::size_t n, double value) {
    return change(Metrics::Change::set, "metrics.set", c, name, labels, n, value);
  };
  t.observe = [](const aoh_host* c, aoh_str name, const aoh_label* labels, std::size_t n, double value) {
    return change(Metrics::Change::observe, "metrics.observe", c, name, labels, n, value);
  };
  t.on_collect = [](const aoh_host* c, void (*fn)(void*), void* arg) -> aoh_status {
    std::function<void()> call;
    if (fn) call = [fn, arg] { fn(arg); };
    of(c).metrics_.on_collect(kModule, std::move(call));
    return AOH_OK;
  };
}

}  // namespace aoh::host::checker
