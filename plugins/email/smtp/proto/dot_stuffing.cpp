#include "smtp/proto/dot_stuffing.hpp"

#include <cstring>

namespace mailroom::smtp {

void DotStuffer::feed(std::string_view piece, std::string& out) {
  if (piece.empty()) return;
  const char* run = piece.data();  // from here on nothing has been copied
  const char* const end = run + piece.size();
  if (line_start_ && *run == '.') out += '.';
  for (const char* p = run; p < end;) {
    p = static_cast<const char*>(std::memchr(p, '\n', static_cast<std::size_t>(end - p)));
    if (p == nullptr || ++p == end) break;
    if (*p != '.') continue;
    out.append(run, p);
    out += '.';
    run = p;
  }
  out.append(run, end);
  line_start_ = end[-1] == '\n';
}

}  // namespace mailroom::smtp
