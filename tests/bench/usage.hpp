// What a program of the benches has used.
#pragma once
#include <sys/resource.h>

#include <fstream>
#include <string>

namespace bench {

inline double cpu_seconds() {
  rusage r{};
  getrusage(RUSAGE_SELF, &r);
  const auto of = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return of(r.ru_utime) + of(r.ru_stime);
}

/// The largest resident size, KB. Not ru_maxrss: that one begins with what the parent had when it forked.
inline long peak_kb() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (word == "VmHWM:") {
      long kb = 0;
      status >> kb;
      return kb;
    }
  return 0;
}

}  // namespace bench
