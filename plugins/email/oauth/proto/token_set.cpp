#include "oauth/proto/token_set.hpp"

#include <algorithm>

#include "oauth/proto/requests.hpp"
#include "support/json.hpp"

namespace mailroom::oauth {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kMostMargin = 300 * kSecond;
constexpr aoh::JsonLimits kJson{64u << 10, 4, 100};

aoh::Secret take(const aoh::Json& j, const char* member) { return aoh::Secret(j[member].str()); }

}  // namespace

std::int64_t renewal_margin_ns(std::int64_t life_ns) { return std::min(life_ns / 3, kMostMargin); }

bool TokenSet::live(std::int64_t now, std::string_view print) const {
  return !access.empty() && settings == print && now >= obtained_unix_ns && now < expires_unix_ns;
}

bool TokenSet::due(std::int64_t now) const {
  return now >= expires_unix_ns - renewal_margin_ns(expires_unix_ns - obtained_unix_ns);
}

aoh::Secret TokenSet::dump() const {
  aoh::Json j = aoh::Json::object();
  j.set_if(!access.empty(), "access_token", access.reveal());
  j.set_if(!refresh.empty(), "refresh_token", refresh.reveal());
  j.set_if(expires_unix_ns != 0, "obtained_unix_ns", obtained_unix_ns);
  j.set_if(expires_unix_ns != 0, "expires_unix_ns", expires_unix_ns);
  j.set_if(!settings.empty(), "settings", settings);
  j.set_if(!sign_in_again.empty(), "sign_in_again", sign_in_again);
  return aoh::Secret(j.dump());
}

TokenSet TokenSet::parse(std::string_view text) {
  TokenSet out;
  try {
    const aoh::Json j = aoh::Json::parse(text, kJson);
    out.access = take(j, "access_token");
    out.refresh = take(j, "refresh_token");
    out.obtained_unix_ns = j["obtained_unix_ns"].integer();
    out.expires_unix_ns = j["expires_unix_ns"].integer();
    out.settings = j["settings"].str();
    out.sign_in_again = j["sign_in_again"].str();
  } catch (const aoh::JsonError&) {  // an empty set: somebody signs in anew
    return {};
  }
  return out;
}

TokenSet renewed(const TokenSet& before, Tokens tokens, std::int64_t asked_unix_ns, std::string print) {
  TokenSet out;
  out.access = std::move(tokens.access);
  out.refresh = tokens.refresh.empty() ? before.refresh.clone() : std::move(tokens.refresh);
  out.obtained_unix_ns = asked_unix_ns;
  out.expires_unix_ns = asked_unix_ns + tokens.life_s * kSecond;
  out.settings = std::move(print);
  return out;
}

bool refresh_belongs_to(std::string_view saved, std::string_view now) {
  const auto whose = [](std::string_view print) {
    return print.substr(std::min(print.size(), print.find('.')));
  };
  return whose(saved) == whose(now);
}

std::string settings_print(const host::OAuthSettings& s) {
  std::string all, whose;
  const auto add = [&](std::string_view part) {
    all += std::to_string(part.size()) + ":" + std::string(part);
  };
  for (const std::string_view part :
       {host::name(s.grant), std::string_view(s.token_endpoint), std::string_view(s.client_id),
        std::string_view(s.subject), std::string_view(s.issuer), std::string_view(s.audience)})
    add(part);
  for (const auto& scope : s.scopes) add(scope);
  whose = std::to_string(s.token_endpoint.size()) + ":" + s.token_endpoint + s.client_id;
  return code_challenge(all).substr(0, 16) + "." + code_challenge(whose).substr(0, 16);
}

}  // namespace mailroom::oauth
