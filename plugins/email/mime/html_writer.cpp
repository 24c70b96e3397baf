#include "mime/html_writer.hpp"

#include <algorithm>

#include "mime/ascii.hpp"
#include "support/json.hpp"

namespace mailroom::mime {

void HtmlWriter::text(std::string_view s, bool preformatted) {
  for (std::size_t i = 0; i < s.size() && !full(); ++i) {
    if (preformatted && s[i] == '\n') {
      newline();
      continue;
    }
    const bool nbsp = s[i] == '\xC2' && i + 1 < s.size() && s[i + 1] == '\xA0';
    if (!preformatted && is_space(s[i])) {
      space_ = true;
      continue;
    }
    if (s[i] == '\r') continue;
    flush();
    if (nbsp) {
      out_ += ' ';
      ++i;
    } else {
      // A run of what needs no thought goes in one piece.
      std::size_t end = i + 1;
      while (end < s.size() && !is_space(s[end]) && s[end] != '\xC2') ++end;
      out_ += s.substr(i, end - i);
      i = end - 1;
    }
    at_line_start_ = false;
  }
}

void HtmlWriter::newline() {
  pending_ = pending_ > 0 ? pending_ + 1 : 1;
  space_ = false;
}

void HtmlWriter::block(int lines) {
  if (!out_.empty()) pending_ = std::max(pending_, lines);
  space_ = false;
}

void HtmlWriter::mark(std::string_view indent, std::string_view s) {
  mark_ = indent;
  mark_ += s;
  mark_ += ' ';
}

std::string HtmlWriter::take() {
  while (!out_.empty() && is_space(out_.back())) out_.pop_back();
  if (!out_.empty()) out_ += '\n';
  return std::string(aoh::utf8_prefix(out_, max_));
}

void HtmlWriter::flush() {
  if (pending_ > 0) {
    if (!out_.empty()) {
      while (!out_.empty() && out_.back() == ' ') out_.pop_back();
      out_.append(static_cast<std::size_t>(std::min(pending_, 3)), '\n');
    }
    pending_ = 0;
    at_line_start_ = true;
  } else if (space_ && !at_line_start_) {
    out_ += ' ';
  }
  if (out_.empty()) at_line_start_ = true;
  space_ = false;
  if (!mark_.empty()) {
    out_ += mark_;
    mark_.clear();
    at_line_start_ = true;
  }
}

}  // namespace mailroom::mime
