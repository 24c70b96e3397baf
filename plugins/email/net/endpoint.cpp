#include "net/endpoint.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <optional>

#include "base/idna.hpp"
#include "net/pin.hpp"

namespace mailroom::net {
namespace {

constexpr std::size_t kPins = 20;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool is_address(const std::string& host) {
  in6_addr address{};
  return inet_pton(AF_INET, host.c_str(), &address) == 1 || inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

/// Labels of 1 to 63 letters, digits, hyphens and underscores, 253 in all (RFC 1123 §2.1; people do use
/// underscores).
bool is_host_name(std::string_view name) {
  std::size_t label = 0;
  for (const char c : name) {
    const bool ours = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    if (c == '.' ? label == 0 : !ours || ++label > 63) return false;
    if (c == '.') label = 0;
  }
  return label > 0 && name.size() <= 253;
}

}  // namespace

std::string Endpoint::dns_name() const {
  std::optional<std::string> name = ascii_domain(host);
  if (name) std::transform(name->begin(), name->end(), name->begin(), lower);
  if (name && name->size() > 1 && name->back() == '.') name->pop_back();
  if (!name || !(is_address(*name) || is_host_name(*name)))
    throw Failure(Errc::config, "this is not a host name", printable(host, 100),
                  "Give the bare host name or address, without scheme, user, port or path.");
  return std::move(*name);
}

std::string Endpoint::where() const {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

bool is_loopback_name(std::string_view host) {
  std::string name(host);
  std::transform(name.begin(), name.end(), name.begin(), lower);
  if (name == "localhost" || name == "localhost.") return true;
  in_addr v4{};
  if (inet_pton(AF_INET, name.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6{};
  return inet_pton(AF_INET6, name.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

void check(const Endpoint& e) {
  if (e.host.empty()) throw Failure(Errc::config, "no host is given", {}, "Set the server's host name.");
  e.dns_name();
  if (e.port == 0) throw Failure(Errc::config, "no port is given", e.host, "Set the server's port.");
  const bool here =
      is_loopback_name(e.host) && (e.connect_address.empty() || is_loopback_name(e.connect_address));
  if (!here && (e.tls == TlsMode::none || !e.require_tls))
    throw Failure(Errc::config, "a connection without TLS is allowed to this machine only", e.where(),
                  "Use TLS (implicit or STARTTLS) for this server.");
  if (e.pinned_keys.size() > kPins)
    throw Failure(Errc::config, "there are more than 20 pinned keys", e.where());
  for (const std::string& pin : e.pinned_keys)
    if (!is_pin(pin))
      throw Failure(Errc::config, "\"" + printable(pin, 80) + "\" is no pinned key", e.where(),
                    "Write sha256/ and the base64 of the key's SHA-256; docs/tls.md has the command.");
  if (e.client_certificate.empty() && e.client_key)
    throw Failure(Errc::config, "there is a client_key, but no client_certificate", e.where(),
                  "Set client_certificate to the PEM file of its certificate.");
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
