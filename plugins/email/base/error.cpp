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

namespace {
/// Length of a character at clean[i] that a terminal or a line reader would act on: C0, DEL, C1, line and
/// paragraph separators, and those that reorder text (U+202A to U+202E, U+2066 to U+2069). 0 for all others.
std::size_t acting(const std::string& clean, std::size_t i) {
  const auto byte = [&](std::size_t k) {
    return i + k < clean.size() ? static_cast<unsigned char>(clean[i + k]) : 0u;
  };
  if (byte(0) < 0x20 || byte(0) == 0x7F) return 1;
  if (byte(0) == 0xC2 && byte(1) < 0xA0) return 2;
  if (byte(0) == 0xE2 && byte(1) == 0x80 && byte(2) >= 0xA8 && byte(2) <= 0xAE) return 3;
  if (byte(0) == 0xE2 && byte(1) == 0x81 && byte(2) >= 0xA6 && byte(2) <= 0xA9) return 3;
  return 0;
}
}  // namespace

std::string printable(std::string_view text, std::size_t max_bytes) {
  const std::string clean = aoh::valid_utf8(text.substr(0, max_bytes * 2));
  std::string out;
  for (std::size_t i = 0; i < clean.size();) {
    const std::size_t n = acting(clean, i);
    out += n ? '?' : clean[i];
    i += n ? n : 1;
  }
  return std::string(aoh::utf8_prefix(out, max_bytes));
}

}  // namespace mailroom
