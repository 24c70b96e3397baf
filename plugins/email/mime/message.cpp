#include "mime/message.hpp"

#include "mime/ascii.hpp"

namespace mailroom::mime {

const std::string* Message::header(std::string_view name) const {
  for (const auto& field : headers)
    if (iequals(field.name, name)) return &field.value;
  return nullptr;
}

std::vector<std::string> Message::all_headers(std::string_view name) const {
  std::vector<std::string> found;
  for (const auto& field : headers)
    if (iequals(field.name, name)) found.push_back(field.value);
  return found;
}

}  // namespace mailroom::mime
