#include "imap/proto/order.hpp"

#include "imap/proto/data.hpp"

namespace mailroom::imap {
namespace {

std::string_view word(SortKey key) {
  static constexpr std::string_view kWords[] = {"ARRIVAL", "DATE", "SIZE", "SUBJECT", "FROM"};
  return kWords[static_cast<int>(key)];
}

/// A charset must always be told; every server knows these two (RFC 5256 §3).
std::string_view charset(const Command& keys) { return keys.has_utf8() ? "UTF-8 " : "US-ASCII "; }

}  // namespace

Command sort_command(Sort sort, const Criteria& criteria) {
  const Command keys = criteria.keys();
  Command command("UID SORT (");
  if (sort.reverse) command.raw("REVERSE ");
  return command.raw(word(sort.key)).raw(") ").raw(charset(keys)).append(keys);
}

Command thread_command(Threading algorithm, const Criteria& criteria) {
  const Command keys = criteria.keys();
  return Command(algorithm == Threading::refs ? "UID THREAD REFS " : "UID THREAD REFERENCES ")
      .raw(charset(keys))
      .append(keys);
}

void parse_sort(Response& response, std::vector<Uid>& uids, const Limits& limits) {
  parse_search(response, uids, limits);
}

void parse_thread(Response& response, std::vector<std::vector<Uid>>& threads, const Limits& limits) {
  Tokens t = response.tokens();
  std::size_t depth = 0, found = 0;
  for (const auto& thread : threads) found += thread.size();
  while (!t.end()) {
    if (t.take('(')) {
      if (depth++ == 0) threads.emplace_back();
      continue;
    }
    if (depth == 0) throw Failure(Errc::protocol, "the server's conversations are not in parentheses");
    if (t.take(')')) {
      --depth;
      continue;
    }
    if (++found > limits.search_results)
      throw Failure(Errc::limit,
                    "conversations of more than " + std::to_string(limits.search_results) + " messages", {},
                    "Narrow the search.");
    expand(t.atom(), threads.back(), limits);
  }
  if (depth != 0) throw Failure(Errc::protocol, "the server's conversations do not end");
}

}  // namespace mailroom::imap
