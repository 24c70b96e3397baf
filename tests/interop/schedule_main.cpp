// Walks schedules for schedule_test.py. A line of input: EXPRESSION, ZONE, FROM, UNTIL, LIMIT, by tabs,
// minutes since 1970. Answers with binary 32-bit numbers: how many times lie after FROM and before UNTIL,
// LIMIT at most, then each in minutes.
#include <cstdio>
#include <iostream>
#include <sstream>
#include <vector>

#include "triggers/schedule.hpp"

int main() {
  constexpr std::int64_t kMinute = 60'000'000'000;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream in(line);
    std::string expression, zone;
    std::int64_t from = 0, until = 0;
    std::size_t limit = 0;
    std::getline(in, expression, '\t');
    std::getline(in, zone, '\t');
    in >> from >> until >> limit;
    try {
      const auto schedule = aoh::host::Schedule::cron(expression, aoh::host::Zone::named(zone));
      std::vector<std::uint32_t> out{0};
      for (auto t = schedule.next(from * kMinute, 0); t && *t < until * kMinute && out.size() <= limit;
           t = schedule.next(*t, 0)) {
        if (*t % kMinute != 0) throw aoh::host::ScheduleError("not a whole minute");
        out.push_back(static_cast<std::uint32_t>(*t / kMinute));
      }
      out[0] = static_cast<std::uint32_t>(out.size() - 1);
      std::fwrite(out.data(), sizeof out[0], out.size(), stdout);
    } catch (const aoh::host::ScheduleError& e) {
      std::fprintf(stderr, "%s: %s\n", line.c_str(), e.what());
      return 1;
    }
  }
  return 0;
}
