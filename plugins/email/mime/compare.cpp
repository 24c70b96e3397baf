#include "mime/compare.hpp"

#include <algorithm>

#include "mime/ascii.hpp"

namespace mailroom::mime {

bool looks_like_base64(std::string_view body) {
  body = trim(body.substr(0, 1000));
  return std::count(body.begin(), body.end(), ' ') * 10 <= static_cast<std::ptrdiff_t>(body.size());
}

bool begins_with_fields(std::string_view text) {
  text = text.substr(std::min(text.find_first_not_of("\r\n"), text.size()));
  for (std::string_view name :
       {"content-type:", "content-transfer-encoding:", "mime-version:", "content-disposition:"})
    if (istarts_with(text, name)) return true;
  return false;
}

}  // namespace mailroom::mime
