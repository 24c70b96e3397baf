#include "mailbox/special.hpp"

namespace mailroom::mailbox {

aoh::Json to_json(const Place& place) {
  return aoh::Json{{"mailbox", place.mailbox}, {"uid_validity", place.uid_validity}, {"uid", place.uid}};
}

Place place_from(const aoh::Json& json) {
  const auto number = [&](const char* key) {
    const std::int64_t n = json[key].integer();
    return n > 0 && n <= UINT32_MAX ? static_cast<std::uint32_t>(n) : 0;
  };
  return {json["mailbox"].str(), number("uid_validity"), number("uid")};
}

std::string_view name(Removal removal) {
  static constexpr std::string_view kNames[] = {"removed", "marked", "gone"};
  return kNames[static_cast<int>(removal)];
}

}  // namespace mailroom::mailbox
