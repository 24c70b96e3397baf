#include "services/passages.hpp"

#include <algorithm>

#include "aoh/services/knowledge.h"
#include "support/json.hpp"

namespace aoh::host {
namespace {

/// Bytes at the end that begin a character which goes on behind them: 0 to 3.
std::size_t unfinished(std::string_view s) {
  for (std::size_t back = 1; back <= 3 && back <= s.size(); ++back) {
    const auto b = static_cast<unsigned char>(s[s.size() - back]);
    if (b < 0x80) return 0;
    if (b < 0xC0) continue;
    const std::size_t length = b >= 0xF0 ? 4 : b >= 0xE0 ? 3 : 2;
    return length > back ? back : 0;
  }
  return 0;
}

bool blank(std::string_view s) { return s.find_first_not_of(" \t\n") == std::string_view::npos; }

/// Where to cut a text that is too long: behind a paragraph, a line, a sentence, a word; each only in the
/// second half, so that passages do not become crumbs.
std::size_t cut_of(std::string_view text, std::size_t most) {
  const std::string_view head = text.substr(0, most);
  for (const std::string_view end : {"\n\n", "\n", ". ", " "}) {
    const std::size_t at = head.rfind(end);
    if (at != std::string_view::npos && at + end.size() > most / 2) return at + end.size();
  }
  return utf8_prefix(text, most).size();
}

}  // namespace

void PassageCutter::feed(std::string_view bytes) {
  constexpr std::size_t kAtOnce = 64u << 10;
  while (!bytes.empty()) {
    held_.append(bytes.substr(0, kAtOnce));
    bytes.remove_prefix(std::min(kAtOnce, bytes.size()));
    const std::size_t rest = unfinished(held_);
    const std::string whole = valid_utf8(std::string_view(held_).substr(0, held_.size() - rest));
    held_.erase(0, held_.size() - rest);
    take(whole);
  }
}

void PassageCutter::take(std::string_view text) {
  // Bytes that mean something here; what lies between them goes over as it is.
  const auto plain = [](char c) {
    const auto b = static_cast<unsigned char>(c);
    return b >= 0x20 && b != 0x7F && b != 0xC2;
  };
  while (!text.empty()) {
    const char c = text.front();
    if (plain(c)) {
      const auto end = std::find_if_not(text.begin(), text.end(), plain);
      auto run = text.substr(0, static_cast<std::size_t>(end - text.begin()));
      text.remove_prefix(run.size());
      line_start_ = after_cr_ = false;
      add(run);
      continue;
    }
    const bool second_of_crlf = c == '\n' && after_cr_;
    after_cr_ = c == '\r';
    if (static_cast<unsigned char>(c) == 0xC2) {  // U+0080 to U+009F are controls, the rest are not
      const auto second = text.size() > 1 ? static_cast<unsigned char>(text[1]) : 0xA0u;
      if (second >= 0xA0) add(text.substr(0, 2));
      line_start_ = false;
      text.remove_prefix(std::min<std::size_t>(2, text.size()));
      continue;
    }
    text.remove_prefix(1);
    if (c == '\f' && line_start_ && !in_mark_) {
      flush();
      in_mark_ = true;
    } else if (c == '\n' || c == '\r') {
      if (second_of_crlf) continue;
      if (in_mark_)
        mark_ended();
      else if (!text_.empty())
        add("\n");
      line_start_ = true;
    } else if (c == '\t' || c == '\f') {
      add(c == '\t' && !in_mark_ ? "\t" : " ");
      line_start_ = false;
    }
  }
}

void PassageCutter::add(std::string_view run) {
  if (in_mark_) {
    constexpr std::size_t kEnough = AOH_KNOWLEDGE_MAX_MARK + 4;  // a character may be cut there
    mark_.append(run.substr(0, kEnough - std::min(mark_.size(), kEnough)));
    return;
  }
  for (; !run.empty(); run.remove_prefix(std::min(kMost, run.size()))) {
    text_.append(run.substr(0, kMost));
    while (text_.size() > kMost) emit(cut_of(text_, kMost));
  }
}

void PassageCutter::mark_ended() {
  in_mark_ = false;
  place_ = utf8_prefix(valid_utf8(mark_), AOH_KNOWLEDGE_MAX_MARK);
  mark_.clear();
}

/// The first n bytes as a passage.
void PassageCutter::emit(std::size_t n) {
  std::string_view piece = std::string_view(text_).substr(0, n);
  if (!blank(piece)) {
    piece.remove_suffix(piece.size() - 1 - piece.find_last_not_of(" \t\n"));
    out_({place_, std::string(piece)});
  }
  text_.erase(0, n);
}

void PassageCutter::flush() {
  while (text_.size() > kMost) emit(cut_of(text_, kMost));
  emit(text_.size());
}

void PassageCutter::end() {
  if (!held_.empty()) take(valid_utf8(held_));
  held_.clear();
  if (in_mark_) mark_ended();
  flush();
}

}  // namespace aoh::host
