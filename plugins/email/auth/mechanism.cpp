#include "auth/mechanism.hpp"

#include <algorithm>

namespace mailroom::auth {

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
  // What goes with a token is marked off by ^A.
  if (!token.empty() && std::any_of(credentials.user.begin(), credentials.user.end(),
                                    [](char c) { return c >= 0 && c < 0x20; }))
    refuse("the user name contains a control character");
}

}  // namespace mailroom::auth
