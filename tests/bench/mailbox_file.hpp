// Messages one after the other in a file, each behind its length in decimal and a line feed: what the parsers
// of the bench read into memory before the clock starts.
#pragma once
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

struct Mailbox {
  std::string bytes;
  std::vector<std::string_view> messages;  // within `bytes`
  std::size_t size = 0;                    // of all of them
};

inline void read_mailbox(const char* path, Mailbox& box) {
  std::ifstream in(path, std::ios::binary);
  box.bytes.assign(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  const std::string_view all = box.bytes;
  for (std::size_t at = 0; at < all.size();) {
    const std::size_t end = all.find('\n', at);
    if (end == all.npos) break;
    const std::size_t length = std::strtoul(all.data() + at, nullptr, 10);
    box.messages.push_back(all.substr(end + 1, length));
    box.size += length;
    at = end + 1 + length;
  }
}

/// What a parser saw: told with the figures, so that parsers which see different things are not compared.
struct Seen {
  std::size_t messages = 0;
  std::size_t parts = 0;    // leaves
  std::size_t decoded = 0;  // bytes of the attachments after decoding
};

/// `parse_all()` over the mailbox `rounds` times; the figures of the fastest round as a line of JSON.
template <class F>
int measure(int argc, char** argv, F parse_all) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s MAILBOX ROUNDS\n", argv[0]);
    return 2;
  }
  Mailbox box;
  read_mailbox(argv[1], box);
  if (box.messages.empty()) return 1;
  double best = 0;
  Seen seen;
  for (int round = 0; round < std::atoi(argv[2]); ++round) {
    const auto begin = std::chrono::steady_clock::now();
    seen = parse_all(box.messages);
    const double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (round == 0 || took < best) best = took;
  }
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  std::printf(
      "{\"seconds\": %.6f, \"bytes\": %zu, \"messages\": %zu, \"parts\": %zu, \"decoded\": %zu, \"rss_kb\": "
      "%ld}\n",
      best, box.size, seen.messages, seen.parts, seen.decoded, used.ru_maxrss);
  return 0;
}

}  // namespace bench
