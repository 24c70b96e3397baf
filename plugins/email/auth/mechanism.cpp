#include "auth/mechanism.hpp"

#include <algorithm>

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
}

}  // namespace mailroom::auth
