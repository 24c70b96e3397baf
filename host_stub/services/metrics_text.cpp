// How metrics look: for people, as JSON, and as Prometheus reads them.
#include <charconv>
#include <cmath>

#include "services/metrics.hpp"
#include "support/json.hpp"

namespace aoh::host {
namespace {

std::string number(double d) {
  constexpr double kWhole = 1e15;
  if (std::abs(d) < kWhole && std::trunc(d) == d) return std::to_string(static_cast<std::int64_t>(d));
  char text[32];
  const auto [end, ec] = std::to_chars(text, text + sizeof text, d);
  return {text, end};
}

const char* kind_name(std::int32_t kind) {
  return kind == AOH_METRIC_COUNTER ? "counter" : kind == AOH_METRIC_GAUGE ? "gauge" : "histogram";
}

void quoted(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    out += c;  // a line end is in no label
  }
}

/// {a="b",le="0.5"}; nothing without labels.
std::string braces(const Labels& labels, std::string_view le = {}) {
  std::string out;
  for (const auto& [name, value] : labels) {
    out.append(out.empty() ? "{" : ",").append(name).append("=\"");
    quoted(out, value);
    out += '"';
  }
  if (!le.empty()) out.append(out.empty() ? "{" : ",").append("le=\"").append(le).append("\"");
  return out.empty() ? out : out + "}";
}

/// The least bound that this share of the values does not exceed.
std::string most_of(const MetricFamily& f, const MetricFamily::Series& s, double share) {
  for (std::size_t i = 0; i < f.bounds.size(); ++i)
    if (static_cast<double>(s.buckets[i]) >= share * static_cast<double>(s.count))
      return "<=" + number(f.bounds[i]);
  return ">" + number(f.bounds.back());
}

}  // namespace

std::vector<std::string> metrics_table(const std::vector<MetricFamily>& all) {
  std::vector<std::string> lines;
  for (const auto& f : all) {
    lines.push_back(f.name + "  (" + kind_name(f.kind) + ")  " + f.help);
    if (f.series.empty()) lines.emplace_back("    none yet");
    for (const auto& s : f.series) {
      std::string line = "    ";
      for (const auto& [name, value] : s.labels) line.append(name).append("=").append(value).append("  ");
      if (f.kind != AOH_METRIC_HISTOGRAM)
        line += number(s.value);
      else
        line += std::to_string(s.count) + " values, mean " + number(s.value / static_cast<double>(s.count)) +
                ", half " + most_of(f, s, 0.5) + ", 99 of 100 " + most_of(f, s, 0.99);
      lines.push_back(std::move(line));
    }
  }
  return lines;
}

Json metrics_json(const std::vector<MetricFamily>& all) {
  Json metrics = Json::array();
  for (const auto& f : all) {
    Json rows = Json::array();
    for (const auto& s : f.series) {
      Json labels = Json::object();
      for (const auto& [name, value] : s.labels) labels.set(name, value);
      Json row{{"labels", std::move(labels)}};
      if (f.kind == AOH_METRIC_HISTOGRAM) {
        Json buckets = Json::array();
        for (std::size_t i = 0; i < f.bounds.size(); ++i)
          buckets.push(Json{{"le", f.bounds[i]}, {"count", s.buckets[i]}});
        row.set("count", s.count).set("sum", s.value).set("buckets", std::move(buckets));
      } else {
        row.set("value", s.value);
      }
      rows.push(std::move(row));
    }
    Json metric{{"name", f.name}, {"type", kind_name(f.kind)}, {"help", f.help}};
    metric.set_if(!f.module.empty(), "module", f.module);
    metrics.push(metric.set("series", std::move(rows)));
  }
  return Json{{"metrics", std::move(metrics)}};
}

std::string metrics_prometheus(const std::vector<MetricFamily>& all) {
  std::string out;
  for (const auto& f : all) {
    out.append("# HELP ").append(f.name) += ' ';
    for (const char c : f.help) out.append(c == '\\' ? "\\\\" : std::string(1, c));
    out.append("\n# TYPE ").append(f.name).append(" ").append(kind_name(f.kind)) += '\n';
    for (const auto& s : f.series) {
      if (f.kind != AOH_METRIC_HISTOGRAM) {
        out.append(f.name).append(braces(s.labels)).append(" ").append(number(s.value)) += '\n';
        continue;
      }
      for (std::size_t i = 0; i < f.bounds.size(); ++i)
        out.append(f.name)
            .append("_bucket")
            .append(braces(s.labels, number(f.bounds[i])))
            .append(" ")
            .append(std::to_string(s.buckets[i])) += '\n';
      const std::string count = std::to_string(s.count);
      out.append(f.name).append("_bucket").append(braces(s.labels, "+Inf")).append(" ").append(count) += '\n';
      out.append(f.name).append("_sum").append(braces(s.labels)).append(" ").append(number(s.value)) += '\n';
      out.append(f.name).append("_count").append(braces(s.labels)).append(" ").append(count) += '\n';
    }
  }
  return out;
}

}  // namespace aoh::host
