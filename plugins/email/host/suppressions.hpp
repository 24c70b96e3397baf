// Addresses that an account does not send to any more. Durable: aoh.state/1, keys below "suppressed/".
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "host/services.hpp"

namespace mailroom::host {

struct Suppression {
  enum class Reason {
    bounce,     ///< ends by itself after 180 days: addresses come to life again
    complaint,  ///< stays until somebody releases it
    manual,     ///< stays as well
  };
  static constexpr std::int64_t kBounceDays = 180;

  std::string credential_id, address;
  Reason reason = Reason::bounce;
  std::string status;  ///< enhanced code, "5.1.1"; may be empty
  std::string
      said;  ///< the other server's words, or the note of the person who added it; printable, 512 bytes
  std::string message_id;  ///< of the message that bounced; may be empty
  std::int64_t since_unix_ns = 0;

  std::int64_t ends_unix_ns() const;  ///< INT64_MAX: never by itself
  aoh::Json to_json() const;
  static std::optional<Suppression> from_json(const aoh::Json& json);
};
std::string_view name(Suppression::Reason reason);

/// The key of an address, whose ASCII case does not count: "suppressed/<credential>/<SHA-256>".
std::string suppression_key(std::string_view credential_id, std::string_view address);

/// Any thread; each reads or writes the disk, and throws aoh::StatusError when that fails. What has ended by
/// its time is not found.
std::optional<Suppression> is_suppressed(const Services& services, std::string_view credential_id,
                                         std::string_view address);
/// Writes it, durable on return. An older one that is as strong stays as it is: false then.
bool suppress(const Services& services, Suppression suppression);
/// False when there was none.
bool release(const Services& services, std::string_view credential_id, std::string_view address);
/// At most `limit` (1,000) behind the key `after`, in the order of keys; `next` is the key to go on behind,
/// or empty.
std::vector<Suppression> suppressions(const Services& services, std::string_view credential_id,
                                      std::string_view after, std::uint32_t limit, std::string& next);

/// Why nothing goes to that address, as the sender is told it: since when, because of what, how to release
/// it.
Error suppressed_error(const Suppression& suppression);

/// "2026-11-23T19:16:00Z".
std::string utc_text(std::int64_t unix_ns);

}  // namespace mailroom::host
