#include "auth/words.hpp"

#include <algorithm>

#include "auth/base64.hpp"

namespace mailroom::auth {
namespace {

constexpr std::size_t kLeast = 4;    // a shorter secret is found in any text
constexpr std::size_t kWindow = 12;  // so many bytes of a longer one in a row give it away

/// Do the words hold a piece of `secret`? They may have been cut before or behind it.
bool hold(std::string_view words, std::string_view secret) {
  if (secret.size() < kLeast) return false;
  const std::size_t n = std::min(kWindow, secret.size());
  for (std::size_t at = 0; at + n <= secret.size(); ++at)
    if (words.find(secret.substr(at, n)) != std::string_view::npos) return true;
  return false;
}

/// The same for base64 of a text in which the secret stands somewhere: three alignments (RFC 4648 §4), each
/// without the characters that its neighbours have a part in.
bool hold_base64(std::string_view words, std::string_view secret) {
  for (std::size_t shift = 0; shift < 3; ++shift) {
    std::string text(shift, '\0');
    text += secret;
    const aoh::Secret encoded = base64(text);
    aoh::wipe(text);
    const std::size_t whole = (shift + secret.size()) * 8 / 6, first = (shift * 8 + 5) / 6;
    if (whole > first && hold(words, encoded.reveal().substr(first, whole - first))) return true;
  }
  return false;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

bool any_of(const std::string& words, std::initializer_list<std::string_view> phrases) {
  return std::any_of(phrases.begin(), phrases.end(),
                     [&](std::string_view p) { return words.find(p) != std::string::npos; });
}

}  // namespace

std::string without_secrets(std::string_view words, const Credentials& credentials) {
  const std::string_view password = credentials.password.reveal(), token = credentials.token.reveal();
  std::string quoted;  // as an IMAP LOGIN has it
  quoted.reserve(2 * password.size());
  for (const char c : password) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  std::string message;  // as PLAIN has it: a short piece of it may be the password's beginning
  message.reserve(credentials.user.size() + password.size() + 2);
  message += '\0';
  message += credentials.user;
  message += '\0';
  message += password;
  const bool told = hold(words, password) || hold(words, quoted) || hold_base64(words, password) ||
                    (!password.empty() && hold(words, base64(message).reveal())) || hold(words, token) ||
                    hold_base64(words, token);
  aoh::wipe(quoted);
  aoh::wipe(message);
  return told ? "(withheld: it repeats the sign-in)" : std::string(words);
}

bool says_later(std::string_view text) {
  const std::string words = lower(text);
  // One text for everything that may be wrong, as QQ's "password is incorrect, login frequency limited, or
  // system is busy", says nothing.
  if (any_of(words, {"incorrect", "invalid", "wrong"})) return false;
  return any_of(words, {"too many", "rate limit", "throttl", "try again later", "try later", "temporar",
                        "frequency limit", "system busy", "server busy", "command or bandwidth limits",
                        "maximum number of connections"});
}

bool says_unknown_mechanism(std::string_view text) {
  const std::string words = lower(text);
  return any_of(words, {"mechanism", "authentication type", "authentication method", "auth type"}) &&
         any_of(words,
                {"unsupported", "not supported", "unrecognized", "unrecognised", "unknown", "not available"});
}

std::string cure_for(std::string_view text, const Credentials& credentials) {
  if (!credentials.token.empty())
    return "The access token was refused: sign in again with host-stub credential authorize, with the scopes "
           "that the provider wants.";
  const std::string words = lower(text);
  // Microsoft: "5.7.30 Basic authentication is not supported for Client Submission", "5.7.139 ... basic
  // authentication is disabled".
  if (any_of(words, {"5.7.30", "5.7.139", "basic authentication"}))
    return "The server takes no passwords any more: set the credential's authentication to oauth2.";
  // Gmail: "[ALERT] Application-specific password required", "5.7.9 Application-specific password required".
  if (any_of(words, {"application-specific password", "app password", "app-specific password"}))
    return "Make an app password in the provider's account settings, and store that.";
  // NetEase: "550 User has no permission": the service has to be switched on first.
  if (any_of(words, {"user has no permission", "service is not open", "authorization code"}))
    return "Switch IMAP and SMTP on in the provider's settings, and store the authorisation code it issues.";
  return "Check user name and password; some providers want an app password.";
}

}  // namespace mailroom::auth
