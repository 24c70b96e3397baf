#include "tools/plain_words.hpp"

#include <algorithm>
#include <string>

#include "base/error.hpp"

namespace mailroom::tools {
namespace {

void look(const aoh::Json& value, const std::string& where) {
  if (value.is_string()) {
    const std::string& text = value.str();
    const bool control = std::any_of(
        text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
    if (control)
      throw Failure(Errc::invalid, "the text holds a control character, such as a line end or a NUL", where,
                    "Give it in one line, without such characters");
  } else if (value.is_array()) {
    for (std::size_t i = 0; i < value.items().size(); ++i)
      look(value.items()[i], where + "[" + std::to_string(i) + "]");
  } else if (value.is_object()) {
    for (const auto& [key, member] : value.members()) look(member, where.empty() ? key : where + "." + key);
  }
}

}  // namespace

void need_plain_words(const aoh::Json& args) { look(args, {}); }

}  // namespace mailroom::tools
