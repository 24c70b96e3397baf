#include "triggers/set_back.hpp"

#include <algorithm>
#include <string>

#include "aoh/services/log.h"

namespace aoh::host {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

std::int64_t newest(const Sql& sql) {
  Rows rows = sql.query(
      "SELECT MAX((SELECT IFNULL(MAX(received_ns),0) FROM events), (SELECT IFNULL(MAX(active_ns),0) FROM "
      "sessions))");
  return rows.next() ? rows.integer(0) : 0;
}

}  // namespace

bool SetBack::look() {
  const std::int64_t now = ports_.now_ns();
  const std::int64_t latest = latest_ns_ < 0 ? newest(sql_) : latest_ns_;
  const bool went_back = now + kSecond < latest;
  if (went_back) {
    sql_.write("clock.set_back", [&] {
      sql_.run("UPDATE events SET due_ns=? WHERE state IN ('pending','held') AND due_ns>?", now, now);
      sql_.run("UPDATE sessions SET due_ns=? WHERE state IN ('queued','waiting') AND due_ns>?", now, now);
    });
    if (ports_.log)
      ports_.log(AOH_LOG_WARN, "the wall clock was set back by " + std::to_string((latest - now) / kSecond) +
                                   " s; what waits is tried at once");
  }
  latest_ns_ = now;
  return went_back;
}

}  // namespace aoh::host
