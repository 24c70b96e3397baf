#include "net/transcript.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace mailroom::net {
namespace {

constexpr std::size_t kLine = 480;

/// The size in "...{123}", "...{123+}" or "...~{123}" at the end of a line; 0 without one.
std::uint64_t announced(std::string_view end) {
  if (end.empty() || end.back() != '}') return 0;
  end.remove_suffix(1);
  if (!end.empty() && end.back() == '+') end.remove_suffix(1);
  const std::size_t open = end.rfind('{');
  if (open == std::string_view::npos || open + 1 == end.size()) return 0;
  std::uint64_t n = 0;
  for (const char c : end.substr(open + 1)) {
    if (c < '0' || c > '9' || n > (1ull << 40)) return 0;
    n = n * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return n;
}

/// What a line of the server's says of success, without its words: "a3 NO", "535", "+".
std::string_view verdict(std::string_view line) {
  constexpr std::string_view kDigits = "0123456789";
  if (line.starts_with('+')) return line.substr(0, 1);
  if (line.size() >= 3 && line.substr(0, 3).find_first_not_of(kDigits) == line.npos) return line.substr(0, 3);
  const std::size_t tag = line.find(' ');
  if (tag == line.npos || tag > 12) return {};
  // Our own tags, and no word that a server may put there.
  if (line.substr(0, tag) != "*" &&
      (line[0] != 'a' || line.substr(1, tag - 1).find_first_not_of(kDigits) != line.npos))
    return {};
  for (const std::string_view word : {"OK", "NO", "BAD", "BYE", "CAPABILITY"})
    if (line.substr(tag + 1).starts_with(word)) return line.substr(0, tag + 1 + word.size());
  return {};
}

}  // namespace

void Transcript::emit(const char* prefix, std::string_view text) {
  if (sink_) sink_(prefix + printable(text, 500));
}

void Transcript::finish(Side& side, const char* prefix) {
  if (!side.line.empty() && side.line.back() == '\r') side.line.pop_back();
  std::size_t n = side.tail_len;
  if (n > 0 && side.tail[n - 1] == '\r') --n;
  side.literal = announced({side.tail, n});
  if (side.cut) side.line += "...";
  if (side.quotes) {
    const std::string_view shown = verdict(side.line);
    emit(prefix, std::string(shown) + (shown.empty() ? "" : " ") + "[withheld]");
  } else {
    emit(prefix, side.line);
  }
  side.quotes = false;
  if (side.literal > 0) emit(prefix, "[" + std::to_string(side.literal) + " bytes]");
  side.line.clear();
  side.cut = false;
  side.tail_len = 0;
}

void Transcript::take(Side& side, const char* prefix, std::string_view bytes) {
  while (!bytes.empty()) {
    if (side.literal > 0) {
      const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(side.literal, bytes.size()));
      side.literal -= n;
      bytes.remove_prefix(n);
      continue;
    }
    const char c = bytes.front();
    bytes.remove_prefix(1);
    if (hushed_ && &side == &server_) side.quotes = true;
    if (c == '\n') {
      finish(side, prefix);
      continue;
    }
    if (side.tail_len == sizeof side.tail) {
      std::copy(side.tail + 1, side.tail + sizeof side.tail, side.tail);
      --side.tail_len;
    }
    side.tail[side.tail_len++] = c;
    if (side.line.size() < kLine)
      side.line += c;
    else
      side.cut = true;
  }
}

void Transcript::client(std::string_view bytes) {
  hushed_ = false;
  take(client_, "C: ", bytes);
}
void Transcript::server(std::string_view bytes) { take(server_, "S: ", bytes); }

void Transcript::client_withheld(std::size_t bytes) {
  hushed_ = true;
  emit("C: ", bytes < 4096 ? std::string("[withheld]") : "[" + std::to_string(bytes) + " bytes withheld]");
}

void Transcript::note(std::string_view text) { emit("-- ", text); }

}  // namespace mailroom::net
