#include "net/endpoint.hpp"

#include <arpa/inet.h>

#include <algorithm>

namespace mailroom::net {

std::string Endpoint::where() const {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

bool is_loopback_name(std::string_view host) {
  std::string name(host);
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : static_cast<char>(c);
  });
  if (name == "localhost" || name == "localhost.") return true;
  in_addr v4{};
  if (inet_pton(AF_INET, name.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6{};
  return inet_pton(AF_INET6, name.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

void check(const Endpoint& e) {
  if (e.host.empty()) throw Failure(Errc::config, "no host is given", {}, "Set the server's host name.");
  if (e.host.size() > 253) throw Failure(Errc::config, "the host name is longer than 253 bytes");
  for (const char c : e.host)
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7F || c == '/' || c == '@')
      throw Failure(Errc::config, "the host name contains a character that no host name has",
                    printable(e.host, 100), "Give the bare host name, without scheme, user or path.");
  if (e.port == 0) throw Failure(Errc::config, "no port is given", e.host, "Set the server's port.");
  if (!is_loopback_name(e.host) && (e.tls == TlsMode::none || !e.require_tls))
    throw Failure(Errc::config, "a connection without TLS is allowed to this machine only", e.where(),
                  "Use TLS (implicit or STARTTLS) for this server.");
}

std::string_view name(TlsMode mode) {
  switch (mode) {
    case TlsMode::implicit:
      return "implicit";
    case TlsMode::starttls:
      return "starttls";
    case TlsMode::none:
      return "none";
  }
  return "implicit";
}

bool parse_tls_mode(std::string_view text, TlsMode& mode) {
  if (text == "implicit" || text == "tls" || text == "ssl")
    mode = TlsMode::implicit;
  else if (text == "starttls")
    mode = TlsMode::starttls;
  else if (text == "none")
    mode = TlsMode::none;
  else
    return false;
  return true;
}

}  // namespace mailroom::net
