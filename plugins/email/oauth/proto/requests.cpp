#include "oauth/proto/requests.hpp"

#include <openssl/evp.h>

#include <algorithm>

#include "base/error.hpp"

namespace mailroom::oauth {
namespace {

constexpr std::size_t kMostFields = 50;

void escape(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  for (const unsigned char c : text) {
    const bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      out += static_cast<char>(c);
    } else {
      out += '%';
      out += kHex[c >> 4];
      out += kHex[c & 15];
    }
  }
}

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool unescape(std::string_view text, std::string& out) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] == '%') {
      if (i + 2 >= text.size()) return false;
      const int high = digit(text[i + 1]), low = digit(text[i + 2]);
      if (high < 0 || low < 0) return false;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return true;
}

std::string encoded(const Fields& fields) {
  std::size_t size = 0;
  for (const auto& [name, value] : fields) size += name.size() + 3 * value.size() + 2;
  std::string out;
  out.reserve(size);  // no second copy of a secret is left behind by growing
  for (const auto& [name, value] : fields) {
    if (value.empty()) continue;
    if (!out.empty()) out += '&';
    escape(out, name);
    out += '=';
    escape(out, value);
  }
  return out;
}

std::string joined(const std::vector<std::string>& scopes) {
  std::string out;
  for (const auto& s : scopes) out += (out.empty() ? "" : " ") + s;
  return out;
}

}  // namespace

aoh::Secret form(const Fields& fields) { return aoh::Secret(encoded(fields)); }

bool read_form(std::string_view text, std::vector<std::pair<std::string, std::string>>& out) {
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), pair.size() + 1));
    if (pair.empty()) continue;
    if (out.size() == kMostFields) return false;
    const auto eq = pair.find('=');
    std::string name, value;
    if (!unescape(pair.substr(0, eq), name)) return false;
    if (eq != std::string_view::npos && !unescape(pair.substr(eq + 1), value)) return false;
    for (const auto& known : out)
      if (known.first == name) return false;
    out.emplace_back(std::move(name), std::move(value));
  }
  return true;
}

std::string base64url(std::string_view bytes) {
  static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string out;
  unsigned have = 0, bits = 0;
  for (const unsigned char c : bytes) {
    bits = (bits << 8) | c;
    for (have += 8; have >= 6; have -= 6) out += kDigits[(bits >> (have - 6)) & 63];
    bits &= (1u << have) - 1;
  }
  if (have) out += kDigits[(bits << (6 - have)) & 63];
  return out;
}

std::string code_challenge(std::string_view verifier) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned n = 0;
  if (EVP_Digest(verifier.data(), verifier.size(), digest, &n, EVP_sha256(), nullptr) != 1)
    throw Failure(Errc::internal, "SHA-256 is not available");
  return base64url({reinterpret_cast<const char*>(digest), n});
}

std::string authorization_url(const host::OAuthSettings& s, std::string_view redirect_uri,
                              std::string_view state, std::string_view challenge,
                              std::string_view login_hint) {
  const std::string scope = joined(s.scopes);
  Fields fields{{"response_type", "code"},
                {"client_id", s.client_id},
                {"redirect_uri", redirect_uri},
                {"scope", scope},
                {"state", state},
                {"code_challenge", challenge},
                {"code_challenge_method", "S256"},
                {"login_hint", login_hint}};
  for (const auto& [name, value] : s.authorization_parameters) fields.emplace_back(name, value);
  const bool query = s.authorization_endpoint.find('?') != std::string::npos;
  return s.authorization_endpoint + (query ? "&" : "?") + encoded(fields);
}

aoh::Secret code_request(const host::OAuthSettings& s, std::string_view client_secret, std::string_view code,
                         std::string_view verifier, std::string_view redirect_uri) {
  return form({{"grant_type", "authorization_code"},
               {"client_id", s.client_id},
               {"client_secret", client_secret},
               {"code", code},
               {"code_verifier", verifier},
               {"redirect_uri", redirect_uri}});
}

aoh::Secret refresh_request(const host::OAuthSettings& s, std::string_view client_secret,
                            std::string_view refresh_token) {
  // Without a scope: the one that was granted (RFC 6749 §6).
  return form({{"grant_type", "refresh_token"},
               {"client_id", s.client_id},
               {"client_secret", client_secret},
               {"refresh_token", refresh_token}});
}

aoh::Secret client_credentials_request(const host::OAuthSettings& s, std::string_view client_secret) {
  const std::string scope = joined(s.scopes);
  return form({{"grant_type", "client_credentials"},
               {"client_id", s.client_id},
               {"client_secret", client_secret},
               {"scope", scope}});
}

aoh::Secret assertion_request(const host::OAuthSettings& s, std::string_view assertion) {
  const std::string scope = joined(s.scopes);  // Google reads it from the assertion, others from here
  return form({{"grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"},
               {"client_id", s.client_id},
               {"scope", scope},
               {"assertion", assertion}});
}

aoh::Secret device_token_request(const host::OAuthSettings& s, std::string_view client_secret,
                                 std::string_view device_code) {
  return form({{"grant_type", "urn:ietf:params:oauth:grant-type:device_code"},
               {"client_id", s.client_id},
               {"client_secret", client_secret},
               {"device_code", device_code}});
}

aoh::Secret device_request(const host::OAuthSettings& s, std::string_view client_secret) {
  const std::string scope = joined(s.scopes);
  return form({{"client_id", s.client_id}, {"client_secret", client_secret}, {"scope", scope}});
}

std::string post_head(const host::Url& url, std::size_t length) {
  return "POST " + url.target + " HTTP/1.1\r\nHost: " + url.host_field() +
         "\r\nContent-Type: application/x-www-form-urlencoded\r\nAccept: application/json\r\n"
         "User-Agent: mailroom\r\nConnection: close\r\nContent-Length: " +
         std::to_string(length) + "\r\n\r\n";
}

}  // namespace mailroom::oauth
