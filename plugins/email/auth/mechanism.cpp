#include "auth/mechanism.hpp"

#include <algorithm>

#include "auth/base64.hpp"

namespace mailroom::auth {
namespace {

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    const auto upper = [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; };
    return upper(x) == upper(y);
  });
}

using Make = std::unique_ptr<Mechanism> (*)(const Credentials&);
struct Known {
  std::string_view name;
  Make make;
};
// Strongest first. PLAIN before LOGIN: the same secrecy, one round trip less, and a standard.
constexpr Known kKnown[] = {{"PLAIN", plain}, {"LOGIN", login}};

/// Does `words` hold the beginning of `secret`? The words may have been cut behind it.
bool holds(std::string_view words, std::string_view secret) {
  constexpr std::size_t kLeast = 4,
                        kTold = 12;  // shorter ones are found everywhere; longer need not be whole
  return secret.size() >= kLeast && words.find(secret.substr(0, kTold)) != std::string_view::npos;
}

}  // namespace

std::unique_ptr<Mechanism> choose(std::span<const std::string> offered, const Credentials& credentials) {
  for (const Known& known : kKnown)
    for (const std::string& name : offered)
      if (same_name(name, known.name)) return known.make(credentials);
  return nullptr;
}

void check(const Credentials& credentials) {
  const std::string_view password = credentials.password.reveal();
  const auto refuse = [](const char* what) {
    throw Failure(Errc::invalid, what, {}, "Correct the credential and try again.");
  };
  if (credentials.user.empty()) refuse("the user name is empty");
  if (credentials.user.size() > 1024) refuse("the user name is longer than 1,024 bytes");
  if (password.size() > 8192) refuse("the password is longer than 8,192 bytes");
  if (credentials.user.find('\0') != std::string::npos) refuse("the user name contains a NUL byte");
  if (password.find('\0') != std::string_view::npos) refuse("the password contains a NUL byte");
  const std::string_view token = credentials.token.reveal();
  if (token.size() > 16'384) refuse("the access token is longer than 16,384 bytes");
  if (!std::all_of(token.begin(), token.end(), [](char c) { return c > 0x20 && c < 0x7F; }))
    refuse("the access token contains bytes that no token has");
}

std::string without_secrets(std::string_view words, const Credentials& credentials) {
  const std::string_view password = credentials.password.reveal();
  std::string quoted;  // as an IMAP LOGIN has it
  for (const char c : password) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  std::string message = '\0' + credentials.user + '\0';
  message += password;
  const bool told = holds(words, password) || holds(words, quoted) ||
                    holds(words, base64(password).reveal()) || holds(words, base64(message).reveal());
  aoh::wipe(quoted);
  aoh::wipe(message);
  return told ? "(withheld: it repeats the sign-in)" : std::string(words);
}

}  // namespace mailroom::auth
