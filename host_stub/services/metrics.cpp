#include "services/metrics.hpp"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "support/json.hpp"

namespace aoh::host {
namespace {

constexpr std::size_t kMaxLabelName = 32;

bool is_name(std::string_view s, std::size_t most) {
  const auto small = [](char c) { return c >= 'a' && c <= 'z'; };
  return !s.empty() && s.size() <= most && small(s[0]) && std::all_of(s.begin(), s.end(), [&](char c) {
    return small(c) || (c >= '0' && c <= '9') || c == '_';
  });
}

bool is_plain(std::string_view s, std::size_t most) {
  return s.size() <= most && valid_utf8(s) == s && std::none_of(s.begin(), s.end(), [](char c) {
           return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
         });
}

bool are_bounds(const std::vector<double>& b) {
  return !b.empty() && b.size() <= AOH_METRICS_MAX_BOUNDS &&
         std::all_of(b.begin(), b.end(), [](double d) { return std::isfinite(d); }) &&
         std::adjacent_find(b.begin(), b.end(), std::greater_equal<>()) == b.end();
}

/// Sorts them, too.
bool are_labels(Labels& labels) {
  if (labels.size() > AOH_METRICS_MAX_LABELS) return false;
  for (const auto& [name, value] : labels)
    if (!is_name(name, kMaxLabelName) || name == "le" || !is_plain(value, AOH_METRICS_MAX_VALUE))
      return false;
  std::sort(labels.begin(), labels.end());
  return std::adjacent_find(labels.begin(), labels.end(),
                            [](const auto& a, const auto& b) { return a.first == b.first; }) == labels.end();
}

}  // namespace

std::shared_ptr<Metrics::Module> Metrics::module(std::string_view id) {
  auto it = modules_.find(id);
  if (it == modules_.end()) it = modules_.emplace(std::string(id), std::make_shared<Module>()).first;
  return it->second;
}

aoh_status Metrics::define(std::string_view module_id, std::int32_t kind, std::uint32_t flags,
                           std::string_view name, std::string_view help, std::vector<double> bounds) {
  const bool histogram = kind == AOH_METRIC_HISTOGRAM;
  if (kind < AOH_METRIC_COUNTER || kind > AOH_METRIC_HISTOGRAM || (flags & ~1u) != 0 ||
      (histogram && flags != 0) || !is_name(name, AOH_METRICS_MAX_NAME) ||
      (kind == AOH_METRIC_COUNTER) != name.ends_with("_total") ||
      (histogram ? !are_bounds(bounds) : !bounds.empty()) || !is_plain(help, AOH_METRICS_MAX_HELP))
    return AOH_E_INVALID;
  const std::lock_guard lock(mutex_);
  if (const auto it = metrics_.find(name); it != metrics_.end()) {
    const Metric& m = it->second;
    if (m.module != module_id) return AOH_E_DENIED;
    return m.kind == kind && m.flags == flags && m.bounds == bounds ? AOH_OK : AOH_E_INVALID;
  }
  Module& owner = *module(module_id);
  if (owner.metrics >= AOH_METRICS_MAX_METRICS) return AOH_E_BUSY;
  ++owner.metrics;
  metrics_.emplace(std::string(name),
                   Metric{std::string(module_id), std::string(help), kind, flags, std::move(bounds), {}});
  return AOH_OK;
}

aoh_status Metrics::change(Change how, std::string_view module_id, std::string_view name, Labels labels,
                           double value) {
  if (!std::isfinite(value) || !are_labels(labels)) return AOH_E_INVALID;
  const std::lock_guard lock(mutex_);
  const auto it = metrics_.find(name);
  if (it == metrics_.end() || it->second.module != module_id) return AOH_E_NOT_FOUND;
  Metric& m = it->second;
  Module& owner = *module(module_id);
  const bool collected = (m.flags & AOH_METRIC_COLLECTED) != 0;
  const bool fits = how == Change::observe ? m.kind == AOH_METRIC_HISTOGRAM
                    : how == Change::add   ? m.kind != AOH_METRIC_HISTOGRAM
                                           : m.kind == AOH_METRIC_GAUGE || collected;
  if (!fits || (m.kind == AOH_METRIC_COUNTER && value < 0) || (collected && !owner.collecting))
    return AOH_E_INVALID;
  auto series = m.series.find(labels);
  if (series == m.series.end()) {
    std::size_t& have = collected ? owner.collected : owner.kept;
    if (have >= (collected ? AOH_METRICS_MAX_COLLECTED : AOH_METRICS_MAX_SERIES)) {
      ++owner.refused;
      return AOH_E_BUSY;
    }
    ++have;
    MetricFamily::Series fresh;
    fresh.buckets.resize(m.bounds.size());
    series = m.series.emplace(std::move(labels), std::move(fresh)).first;
  }
  MetricFamily::Series& s = series->second;
  s.value = how == Change::set ? value : s.value + value;
  if (how == Change::observe) {
    ++s.count;
    for (std::size_t i = 0; i < m.bounds.size(); ++i) s.buckets[i] += value <= m.bounds[i] ? 1 : 0;
  }
  return AOH_OK;
}

void Metrics::on_collect(std::string_view module_id, std::function<void()> fn) {
  std::shared_ptr<Module> owner;
  {
    const std::lock_guard lock(mutex_);
    owner = module(module_id);
  }
  const std::lock_guard running(owner->running);
  owner->fn = std::move(fn);
}

void Metrics::forget(std::string_view module_id) {
  on_collect(module_id, {});
  const std::lock_guard lock(mutex_);
  std::erase_if(metrics_, [&](const auto& m) { return m.second.module == module_id; });
  if (const auto it = modules_.find(module_id); it != modules_.end()) modules_.erase(it);
}

void Metrics::drop_collected(std::string_view module_id) {
  for (auto& [name, m] : metrics_)
    if (m.module == module_id && (m.flags & AOH_METRIC_COLLECTED) != 0) m.series.clear();
}

std::vector<MetricFamily> Metrics::collect() {
  const std::lock_guard one(one_collection_);
  std::vector<std::pair<std::string, std::shared_ptr<Module>>> all;
  {
    const std::lock_guard lock(mutex_);
    all.assign(modules_.begin(), modules_.end());
  }
  for (const auto& [id, owner] : all) {
    const std::lock_guard running(owner->running);
    if (!owner->fn) continue;
    {
      const std::lock_guard lock(mutex_);
      owner->collecting = true;
    }
    owner->fn();
    const std::lock_guard lock(mutex_);
    owner->collecting = false;
  }
  std::vector<MetricFamily> now;
  {
    const std::lock_guard lock(mutex_);
    now = snapshot();
    for (const auto& [id, owner] : all) {
      drop_collected(id);
      owner->collected = 0;
    }
  }
  std::unordered_map<std::string, std::string> shown;  // each value is looked through once
  for (auto& family : now)
    for (auto& series : family.series)
      for (auto& [name, value] : series.labels) {
        auto it = shown.find(value);
        if (it == shown.end()) it = shown.emplace(value, redactor_(value)).first;
        value = it->second;
      }
  return now;
}

std::vector<MetricFamily> Metrics::snapshot() const {
  std::vector<MetricFamily> out;
  MetricFamily refused{"aoh_metrics_refused_total", "", "Changes that would have made a series too many.",
                       AOH_METRIC_COUNTER,          {}, {}};
  for (const auto& [id, owner] : modules_)
    if (owner->metrics > 0)
      refused.series.push_back({{{"module", id}}, static_cast<double>(owner->refused), 0, {}});
  if (!refused.series.empty()) out.push_back(std::move(refused));
  for (const auto& [name, m] : metrics_) {
    MetricFamily f{name, m.module, m.help, m.kind, m.bounds, {}};
    f.series.reserve(m.series.size());
    for (const auto& [labels, series] : m.series) {
      f.series.push_back(series);
      f.series.back().labels = labels;
    }
    out.push_back(std::move(f));
  }
  return out;
}

}  // namespace aoh::host
