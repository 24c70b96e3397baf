#include "oauth/proto/redirect.hpp"

#include <openssl/crypto.h>

#include <utility>
#include <vector>

#include "oauth/proto/requests.hpp"

namespace mailroom::oauth {
namespace {

const std::string& value(const std::vector<std::pair<std::string, std::string>>& fields,
                         std::string_view name) {
  static const std::string none;
  for (const auto& [n, v] : fields)
    if (n == name) return v;
  return none;
}

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

/// Is the only Host of `head` this machine? A page whose name was made to resolve to it has its own there.
bool asks_this_machine(std::string_view head) {
  std::string host;
  for (std::size_t at = head.find("\r\n"); at != std::string_view::npos; at = head.find("\r\n", at)) {
    at += 2;
    const std::string line = lower(head.substr(at, head.find("\r\n", at) - at));
    if (!line.starts_with("host:")) continue;
    if (!host.empty()) return false;
    const auto begin = line.find_first_not_of(" \t", 5);
    if (begin == std::string::npos) return false;
    host = line.substr(begin, line.find_last_not_of(" \t") + 1 - begin);
  }
  const std::string name = host.substr(0, host.find(':'));
  return name == "127.0.0.1" || name == "localhost";
}

Redirect refused(Errc code, std::string what, std::string said, std::string cure) {
  Redirect out;
  out.kind = Redirect::Kind::refused;
  out.error = {code, std::move(what), "the sign-in page's answer", std::move(said), std::move(cure)};
  return out;
}

}  // namespace

Redirect read_redirect(std::string_view head, std::string_view path, std::string_view state) {
  const std::string_view line = head.substr(0, head.find("\r\n"));
  if (!line.starts_with("GET ") || line.find(" HTTP/1.") == std::string_view::npos) return {};
  const std::string_view target = line.substr(4, line.find(' ', 4) - 4);
  const auto question = target.find('?');
  if (question == std::string_view::npos || target.substr(0, question) != path || !asks_this_machine(head))
    return {};
  std::vector<std::pair<std::string, std::string>> fields;
  const std::string again = "Begin again; if it comes back, another program on this machine interferes";
  if (!read_form(target.substr(question + 1), fields)) {
    Redirect foreign =
        refused(Errc::protocol, "the browser came back with parameters that cannot be read", {}, again);
    foreign.kind = Redirect::Kind::foreign;
    return foreign;
  }
  const std::string& code = value(fields, "code");
  const std::string& error = value(fields, "error");
  if (code.empty() && error.empty()) return {};
  // Before anything else of it is believed.
  if (!same(value(fields, "state"), state)) {
    Redirect foreign =
        refused(Errc::refused, "the browser came back with the state of another sign-in", {}, again);
    foreign.kind = Redirect::Kind::foreign;
    return foreign;
  }
  if (!error.empty()) {
    std::string said = error;
    if (const std::string& more = value(fields, "error_description"); !more.empty()) said += ": " + more;
    const bool denied = error == "access_denied";
    return refused(Errc::refused, denied ? "consent was denied" : "the sign-in page refuses",
                   printable(said, 300),
                   denied ? "Sign in again, and allow the access"
                          : "Check the credential's oauth member against the application's registration");
  }
  Redirect out;
  out.kind = Redirect::Kind::code;
  out.code = aoh::Secret(code);
  return out;
}

std::string page(const Redirect& redirect) {
  const char* status = "200 OK";
  std::string words = "Signed in. You can close this page.";
  if (redirect.kind == Redirect::Kind::other) {
    status = "404 Not Found";
    words = "Nothing is here.";
  } else if (redirect.kind != Redirect::Kind::code) {
    status = "400 Bad Request";
    words = "The sign-in did not succeed. The terminal says why; you can close this page.";
  }
  const std::string html =
      "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Mailroom</title><p>" + words +
      "</p></html>\n";
  return std::string("HTTP/1.1 ") + status +
         "\r\nContent-Type: text/html; charset=utf-8\r\nCache-Control: no-store\r\nReferrer-Policy: "
         "no-referrer\r\n"
         "Content-Security-Policy: default-src 'none'\r\nX-Content-Type-Options: nosniff\r\nConnection: "
         "close\r\n"
         "Content-Length: " +
         std::to_string(html.size()) + "\r\n\r\n" + html;
}

}  // namespace mailroom::oauth
