#include "auth/oauth_challenge.hpp"

#include "base/error.hpp"
#include "support/json.hpp"

namespace mailroom::auth {

std::string oauth_words(std::string_view challenge) {
  constexpr std::size_t kMost = 8'192;  // bytes of a challenge that are looked at
  aoh::Json json;
  try {
    json = aoh::Json::parse(challenge.substr(0, kMost));
  } catch (const aoh::JsonError&) {
    return printable(challenge);
  }
  if (!json.is_object()) return printable(challenge);
  std::string words;
  for (const char* key : {"status", "scope", "schemes", "openid-configuration"}) {
    const aoh::Json& v = json[key];
    const std::string value = v.is_string() ? v.str() : v.is_int() ? std::to_string(v.integer()) : "";
    if (!value.empty()) words += (words.empty() ? "" : ", ") + std::string(key) + " " + value;
  }
  return printable(words);
}

}  // namespace mailroom::auth
