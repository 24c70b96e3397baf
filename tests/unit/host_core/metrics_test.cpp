// aoh.metrics/1: what is taken and what is refused, within which limits, and how it is shown.
#include "services/metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <thread>

#include "aoh/sdk/metrics.hpp"
#include "services/host_services.hpp"

namespace aoh::host {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using Change = Metrics::Change;

class MetricsTest : public testing::Test {
 protected:
  aoh_status define(const char* name, std::int32_t kind = AOH_METRIC_GAUGE, std::uint32_t flags = 0,
                    std::vector<double> bounds = {}, const char* module = "m") {
    return metrics.define(module, kind, flags, name, "help", std::move(bounds));
  }
  aoh_status set(const char* name, Labels labels, double value) {
    return metrics.change(Change::set, "m", name, std::move(labels), value);
  }
  MetricFamily family(std::string_view name) {
    for (auto& f : metrics.collect())
      if (f.name == name) return f;
    return {};
  }
  double refused() { return family("aoh_metrics_refused_total").series.at(0).value; }

  Redactor redactor;
  Metrics metrics{redactor};
};

TEST_F(MetricsTest, NamesKindsAndBoundsAreChecked) {
  const std::string longest(AOH_METRICS_MAX_NAME, 'n');
  EXPECT_EQ(define(longest.c_str()), AOH_OK);
  for (const std::string& name : {std::string(), longest + "n", std::string("Up"), std::string("1st"),
                                  std::string("a-b"), std::string("a b"), std::string("_a")})
    EXPECT_EQ(define(name.c_str()), AOH_E_INVALID) << name;
  EXPECT_EQ(define("things", AOH_METRIC_COUNTER), AOH_E_INVALID) << "a counter ends in _total";
  EXPECT_EQ(define("things_total", AOH_METRIC_GAUGE), AOH_E_INVALID);
  EXPECT_EQ(define("x", 0), AOH_E_INVALID);
  EXPECT_EQ(define("x", 4), AOH_E_INVALID);
  EXPECT_EQ(define("x", AOH_METRIC_GAUGE, 2), AOH_E_INVALID);
  EXPECT_EQ(define("x", AOH_METRIC_GAUGE, 0, {1}), AOH_E_INVALID);
  EXPECT_EQ(define("x", AOH_METRIC_HISTOGRAM, AOH_METRIC_COLLECTED, {1}), AOH_E_INVALID);
  for (const auto& bounds : std::vector<std::vector<double>>{
           {}, {2, 1}, {1, 1}, {1, INFINITY}, {NAN}, std::vector<double>(AOH_METRICS_MAX_BOUNDS + 1, 1)})
    EXPECT_EQ(define("x", AOH_METRIC_HISTOGRAM, 0, bounds), AOH_E_INVALID);
  EXPECT_EQ(metrics.define("m", AOH_METRIC_GAUGE, 0, "x", "two\nlines", {}), AOH_E_INVALID);
  EXPECT_EQ(metrics.define("m", AOH_METRIC_GAUGE, 0, "x", std::string(AOH_METRICS_MAX_HELP + 1, 'h'), {}),
            AOH_E_INVALID);

  EXPECT_EQ(define("x"), AOH_OK);
  EXPECT_EQ(define("x"), AOH_OK) << "the same again";
  EXPECT_EQ(define("x", AOH_METRIC_GAUGE, AOH_METRIC_COLLECTED), AOH_E_INVALID);
  EXPECT_EQ(define("x", AOH_METRIC_GAUGE, 0, {}, "other"), AOH_E_DENIED);
  EXPECT_EQ(metrics.change(Change::set, "other", "x", {}, 1), AOH_E_NOT_FOUND);
}

TEST_F(MetricsTest, AModuleHasNoMoreThanItsShareOfMetricsAndSeries) {
  for (unsigned i = 0; i < AOH_METRICS_MAX_METRICS; ++i)
    ASSERT_EQ(define(("g" + std::to_string(i)).c_str()), AOH_OK);
  EXPECT_EQ(define("more"), AOH_E_BUSY);
  EXPECT_EQ(define("more", AOH_METRIC_GAUGE, 0, {}, "other"), AOH_OK);

  for (unsigned i = 0; i < AOH_METRICS_MAX_SERIES; ++i)
    ASSERT_EQ(set(i % 2 ? "g0" : "g1", {{"n", std::to_string(i)}}, i), AOH_OK);
  EXPECT_EQ(refused(), 0);
  EXPECT_EQ(set("g0", {{"n", "one more"}}, 1), AOH_E_BUSY);
  EXPECT_EQ(set("g5", {}, 1), AOH_E_BUSY);
  EXPECT_EQ(set("g0", {{"n", "1"}}, 2), AOH_OK) << "one that is there already";
  EXPECT_EQ(metrics.change(Change::set, "other", "more", {}, 1), AOH_OK) << "another module's share";
  EXPECT_EQ(refused(), 2);
  EXPECT_THAT(family("g0").series, SizeIs(AOH_METRICS_MAX_SERIES / 2));
}

TEST_F(MetricsTest, LabelsAreFewShortAndPlain) {
  define("g");
  const std::string longest(AOH_METRICS_MAX_VALUE, 'v');
  EXPECT_EQ(set("g", {{"a", longest}, {"b", ""}, {"c", "\xc3\xa4"}, {"d", "\"\\"}}, 1), AOH_OK);
  for (const Labels& labels : std::vector<Labels>{{{"a", longest + "v"}},
                                                  {{"a", "line\n"}},
                                                  {{"a", "\x1b[2J"}},
                                                  {{"a", "\xff"}},
                                                  {{"le", "1"}},
                                                  {{"", "x"}},
                                                  {{"A", "x"}},
                                                  {{std::string(33, 'a'), "x"}},
                                                  {{"a", "1"}, {"a", "2"}},
                                                  {{"a", ""}, {"b", ""}, {"c", ""}, {"d", ""}, {"e", ""}}})
    EXPECT_EQ(set("g", labels, 1), AOH_E_INVALID);
  EXPECT_EQ(set("g", {{"b", "2"}, {"a", "1"}}, 1), AOH_OK);
  EXPECT_EQ(set("g", {{"a", "1"}, {"b", "2"}}, 7), AOH_OK) << "their order does not matter";
  EXPECT_THAT(family("g").series, SizeIs(2));
}

TEST_F(MetricsTest, EachKindTakesWhatIsItsOwn) {
  define("g");
  define("c_total", AOH_METRIC_COUNTER);
  define("h", AOH_METRIC_HISTOGRAM, 0, {1, 2, 4});
  const auto change = [&](Change how, const char* name, double v) {
    return metrics.change(how, "m", name, {}, v);
  };
  EXPECT_EQ(change(Change::add, "c_total", 2), AOH_OK);
  EXPECT_EQ(change(Change::add, "c_total", 0.5), AOH_OK);
  EXPECT_EQ(change(Change::add, "c_total", -1), AOH_E_INVALID);
  EXPECT_EQ(change(Change::set, "c_total", 9), AOH_E_INVALID);
  EXPECT_EQ(change(Change::observe, "c_total", 9), AOH_E_INVALID);
  EXPECT_EQ(family("c_total").series.at(0).value, 2.5);
  EXPECT_EQ(change(Change::set, "g", -3), AOH_OK);
  EXPECT_EQ(change(Change::add, "g", 1), AOH_OK);
  EXPECT_EQ(family("g").series.at(0).value, -2);
  for (const double v : {0.5, 1.0, 1.5, 4.0, 9.0}) EXPECT_EQ(change(Change::observe, "h", v), AOH_OK);
  EXPECT_EQ(change(Change::set, "h", 1), AOH_E_INVALID);
  EXPECT_EQ(change(Change::add, "h", 1), AOH_E_INVALID);
  const auto h = family("h").series.at(0);
  EXPECT_THAT(h.buckets, ElementsAre(2, 3, 4));
  EXPECT_EQ(h.count, 5u);
  EXPECT_EQ(h.value, 16);
  for (const double v : {double{NAN}, double{INFINITY}, -double{INFINITY}})
    EXPECT_EQ(change(Change::set, "g", v), AOH_E_INVALID);
  EXPECT_EQ(change(Change::set, "unknown", 1), AOH_E_NOT_FOUND);
}

TEST_F(MetricsTest, WhatIsCollectedIsAskedForEachTimeAndKeptNoLonger) {
  define("c", AOH_METRIC_GAUGE, AOH_METRIC_COLLECTED);
  define("c_total", AOH_METRIC_COUNTER, AOH_METRIC_COLLECTED);
  EXPECT_EQ(set("c", {}, 1), AOH_E_INVALID) << "nobody looks";
  int round = 0;
  metrics.on_collect("m", [&] {
    EXPECT_EQ(set("c", {{"round", std::to_string(++round)}}, round), AOH_OK);
    EXPECT_EQ(set("c_total", {}, 10 * round), AOH_OK);
  });
  EXPECT_THAT(family("c").series, SizeIs(1));
  const auto second = family("c").series;
  ASSERT_THAT(second, SizeIs(1));
  EXPECT_EQ(second[0].labels, (Labels{{"round", "2"}}));
  EXPECT_EQ(family("c_total").series.at(0).value, 30);
  metrics.on_collect("m", {});
  EXPECT_THAT(family("c").series, IsEmpty());
  EXPECT_EQ(round, 3);
}

TEST_F(MetricsTest, ACollectionHasAnEndToo) {
  define("c", AOH_METRIC_GAUGE, AOH_METRIC_COLLECTED);
  define("kept");
  metrics.on_collect("m", [&] {
    for (unsigned i = 0; i <= AOH_METRICS_MAX_COLLECTED; ++i)
      ASSERT_EQ(set("c", {{"n", std::to_string(i)}}, 1), i < AOH_METRICS_MAX_COLLECTED ? AOH_OK : AOH_E_BUSY);
    EXPECT_EQ(set("kept", {}, 1), AOH_OK) << "a share of its own";
  });
  EXPECT_THAT(family("c").series, SizeIs(AOH_METRICS_MAX_COLLECTED));
}

TEST_F(MetricsTest, NoneIsCollectedFromWhomHasTakenItsFunctionBack) {
  define("c", AOH_METRIC_GAUGE, AOH_METRIC_COLLECTED);
  for (int i = 0; i < 100; ++i) {
    auto there = std::make_unique<std::atomic<int>>(0);
    metrics.on_collect("m", [p = there.get()] { ++*p; });
    std::thread looks([&] { metrics.collect(); });
    metrics.on_collect("m", {});
    there.reset();  // ASan and TSan see a call that comes later
    looks.join();
  }
}

TEST_F(MetricsTest, AnInstanceTakesItsMetricsAlong) {
  Services services;
  services.metrics = &metrics;
  std::optional<InstanceHost> instance;
  instance.emplace(services, "m", std::set<std::string, std::less<>>{AOH_METRICS_ID}, CredentialTypes{});
  const aoh::Metrics sdk(instance->c());
  ASSERT_TRUE(sdk);
  EXPECT_TRUE(sdk.counter("seen_total", "Things seen"));
  sdk.add("seen_total", {{"kind", "a"}}, 2);
  sdk.add("seen_total", {{"kind", "a"}});
  EXPECT_EQ(family("seen_total").series.at(0).value, 3);
  EXPECT_EQ(family("seen_total").module, "m");
  sdk.on_collect([](void* n) { ++*static_cast<int*>(n); }, nullptr);  // never called: the instance ends first
  instance.reset();
  EXPECT_THAT(metrics.collect(), IsEmpty());

  Services none;
  InstanceHost bare(none, "m", {AOH_METRICS_ID}, {});
  const aoh::Metrics absent(bare.c());
  EXPECT_FALSE(absent);
  EXPECT_FALSE(absent.gauge("g", "help"));
  absent.set("g", {}, 1);  // nothing happens
}

TEST_F(MetricsTest, SecretsAreBlottedOutOfLabels) {
  define("g");
  set("g", {{"credential_id", "planted-secret"}}, 1);
  redactor.add("planted-secret");
  const auto all = metrics.collect();
  EXPECT_THAT(metrics_prometheus(all), Not(HasSubstr("planted-secret")));
  EXPECT_THAT(metrics_json(all).dump(), Not(HasSubstr("planted-secret")));
  for (const auto& line : metrics_table(all)) EXPECT_THAT(line, Not(HasSubstr("planted-secret")));
}

TEST_F(MetricsTest, IsShownAsPrometheusReadsIt) {
  metrics.define("m", AOH_METRIC_GAUGE, 0, "a_ratio", "A back\\slash", {});
  define("b_total", AOH_METRIC_COUNTER);
  define("c_seconds", AOH_METRIC_HISTOGRAM, 0, {0.005, 2.5});
  set("a_ratio", {{"x", "quote\" and \\"}, {"b", "1"}}, 0.1);
  metrics.change(Change::add, "m", "b_total", {}, 12345678901);
  for (const double v : {0.0, 1.0, 3.0}) metrics.change(Change::observe, "m", "c_seconds", {{"k", "v"}}, v);
  EXPECT_EQ(metrics_prometheus(metrics.collect()),
            "# HELP aoh_metrics_refused_total Changes that would have made a series too many.\n"
            "# TYPE aoh_metrics_refused_total counter\n"
            "aoh_metrics_refused_total{module=\"m\"} 0\n"
            "# HELP a_ratio A back\\\\slash\n"
            "# TYPE a_ratio gauge\n"
            "a_ratio{b=\"1\",x=\"quote\\\" and \\\\\"} 0.1\n"
            "# HELP b_total help\n"
            "# TYPE b_total counter\n"
            "b_total 12345678901\n"
            "# HELP c_seconds help\n"
            "# TYPE c_seconds histogram\n"
            "c_seconds_bucket{k=\"v\",le=\"0.005\"} 1\n"
            "c_seconds_bucket{k=\"v\",le=\"2.5\"} 2\n"
            "c_seconds_bucket{k=\"v\",le=\"+Inf\"} 3\n"
            "c_seconds_sum{k=\"v\"} 4\n"
            "c_seconds_count{k=\"v\"} 3\n");
}

TEST_F(MetricsTest, IsShownToPeopleAndPrograms) {
  define("a");
  define("h", AOH_METRIC_HISTOGRAM, 0, {1, 2});
  define("i", AOH_METRIC_HISTOGRAM, 0, {1});
  set("a", {{"k", "v"}}, 1.5);
  for (const double v : {0.5, 0.5, 1.5, 1.5}) metrics.change(Change::observe, "m", "h", {}, v);
  metrics.change(Change::observe, "m", "i", {}, 5);
  const auto all = metrics.collect();
  EXPECT_THAT(
      metrics_table(all),
      ElementsAre("aoh_metrics_refused_total  (counter)  Changes that would have made a series too many.",
                  "    module=m  0", "a  (gauge)  help", "    k=v  1.5", "h  (histogram)  help",
                  "    4 values, mean 1, half <=1, 99 of 100 <=2", "i  (histogram)  help",
                  "    1 values, mean 5, half >1, 99 of 100 >1"));
  const Json h = metrics_json(all)["metrics"].items()[2];
  EXPECT_EQ(h["type"].str(), "histogram");
  EXPECT_EQ(h["module"].str(), "m");
  EXPECT_EQ(h["series"].items()[0]["count"].integer(), 4);
  EXPECT_EQ(h["series"].items()[0]["buckets"].dump(), R"([{"le":1.0,"count":2},{"le":2.0,"count":4}])");
}

}  // namespace
}  // namespace aoh::host
