#include "module/text_to.hpp"

#include <algorithm>

#include "support/json.hpp"

namespace mailroom::documents {
namespace {

constexpr std::string_view kMark = "--- ";

// Bytes at the end that begin a character which is not whole.
std::size_t cut_at_end(std::string_view s) {
  for (std::size_t n = 1; n <= std::min<std::size_t>(3, s.size()); ++n) {
    const auto c = static_cast<unsigned char>(s[s.size() - n]);
    if (c < 0x80) return 0;
    if (c >= 0xc0) return (c >= 0xf0 ? 4u : c >= 0xe0 ? 3u : 2u) > n ? n : 0;
  }
  return 0;
}

std::string clean(std::string_view bytes) {
  std::string out = aoh::valid_utf8(bytes);
  std::erase_if(
      out, [](char c) { return (static_cast<unsigned char>(c) < 32 && c != '\n' && c != '\t') || c == 127; });
  return out;
}

}  // namespace

bool MarkedText::put(std::string_view bytes) {
  const std::string_view fits = aoh::utf8_prefix(bytes, room_);
  room_ = fits.size() < bytes.size() ? 0 : room_ - fits.size();
  if (!fits.empty()) at_line_ = fits.back() == '\n';
  return (fits.empty() || to_(fits)) && room_ > 0;
}

bool MarkedText::mark(std::string_view words) {
  return put(std::string(at_line_ ? "\f" : "\n\f") + std::string(words) + "\n");
}

bool MarkedText::text(std::string_view text) { return put(text); }

bool Window::put(std::string_view bytes) {
  const std::size_t from = seen_;
  seen_ += bytes.size();
  if (!bytes.empty()) at_line_ = bytes.back() == '\n';
  if (seen_ <= offset_) return true;
  bytes.remove_prefix(offset_ - std::min(offset_, from));
  if (more_) return false;
  const std::string_view fits = aoh::utf8_prefix(bytes, most_ - shown_.size());
  shown_ += fits;
  more_ = fits.size() < bytes.size();
  return !more_;
}

bool Window::mark(std::string_view words) {
  finish();
  return put(std::string(at_line_ ? "" : "\n") + "--- " + std::string(words) + " ---\n");
}

bool Window::text(std::string_view text) {
  while (!text.empty()) {
    if (at_line_) {
      // As much of the line as decides it.
      const std::size_t need = kMark.size() - start_.size();
      const std::size_t end = std::min({text.find('\n'), need, text.size()});
      start_ += text.substr(0, end);
      text.remove_prefix(end);
      const bool marked = start_ == kMark;
      if (!marked && kMark.starts_with(start_) && text.empty()) return true;
      if (!put((marked ? " " : "") + start_)) return false;
      start_.clear();
      at_line_ = false;
      continue;
    }
    const std::size_t line = text.find('\n');
    const std::size_t n = line == text.npos ? text.size() : line + 1;
    if (!put(text.substr(0, n))) return false;
    text.remove_prefix(n);
  }
  return true;
}

void Window::finish() {
  if (start_.empty()) return;
  put(start_);
  start_.clear();
}

std::string Cleaner::feed(std::string_view bytes) {
  const std::string all = cut_ + std::string(bytes);
  const std::size_t cut = cut_at_end(all);
  cut_ = all.substr(all.size() - cut);
  return clean(std::string_view(all).substr(0, all.size() - cut));
}

std::string Cleaner::finish() { return clean(std::exchange(cut_, {})); }

}  // namespace mailroom::documents
