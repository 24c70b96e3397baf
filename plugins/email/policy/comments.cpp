#include "policy/comments.hpp"

namespace mailroom::policy {

std::string without_comments(std::string_view value) {
  std::string plain;
  std::size_t depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    if (c == '\\' && (depth > 0 || quoted)) {
      if (depth == 0) plain += value.substr(i, 2);
      ++i;
    } else if (quoted) {
      quoted = c != '"';
      plain += c;
    } else if (c == '(') {
      ++depth;
    } else if (depth > 0) {
      depth -= c == ')';
    } else {
      quoted = c == '"';
      plain += c;
    }
  }
  return plain;
}

}  // namespace mailroom::policy
