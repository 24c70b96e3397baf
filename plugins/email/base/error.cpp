#include "base/error.hpp"

#include "support/json.hpp"

namespace mailroom {

std::string_view name(Errc code) {
  switch (code) {
    case Errc::ok:
      return "ok";
    case Errc::dns:
      return "dns";
    case Errc::connect:
      return "connect";
    case Errc::timeout:
      return "timeout";
    case Errc::closed:
      return "closed";
    case Errc::tls:
      return "tls";
    case Errc::certificate:
      return "certificate";
    case Errc::starttls_missing:
      return "starttls_missing";
    case Errc::protocol:
      return "protocol";
    case Errc::limit:
      return "limit";
    case Errc::bye:
      return "bye";
    case Errc::cancelled:
      return "cancelled";
    case Errc::auth:
      return "auth";
    case Errc::auth_throttled:
      return "auth_throttled";
    case Errc::refused:
      return "refused";
    case Errc::temporary:
      return "temporary";
    case Errc::not_found:
      return "not_found";
    case Errc::unsupported:
      return "unsupported";
    case Errc::invalid:
      return "invalid";
    case Errc::config:
      return "config";
    case Errc::state:
      return "state";
    case Errc::internal:
      return "internal";
  }
  return "internal";
}

bool is_fatal(Errc code) { return code >= Errc::dns && code <= Errc::cancelled; }

bool is_temporary(Errc code) {
  switch (code) {
    case Errc::dns:
    case Errc::connect:
    case Errc::timeout:
    case Errc::closed:
    case Errc::tls:
    case Errc::bye:
    case Errc::auth_throttled:
    case Errc::temporary:
      return true;
    default:
      return false;
  }
}

std::string Error::line() const {
  std::string out = what;
  if (!where.empty()) out += " (" + where + ")";
  if (!server.empty()) out += "; the server said: \"" + printable(server) + "\"";
  if (!cure.empty()) out += ". " + cure;
  return out;
}

std::string printable(std::string_view text, std::size_t max_bytes) {
  std::string clean = aoh::valid_utf8(text.substr(0, max_bytes * 2));
  for (char& c : clean)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  return std::string(aoh::utf8_prefix(clean, max_bytes));
}

}  // namespace mailroom
