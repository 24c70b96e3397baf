// Search criteria (RFC 3501 §6.4.4), built so that no argument can break out.
#pragma once
#include <cstdint>
#include <string_view>

#include "imap/proto/command.hpp"
#include "imap/proto/uid_set.hpp"

namespace mailroom::imap {

struct Day {
  int year = 1970, month = 1, day = 1;  ///< month 1 to 12
};

/// All keys added must hold (AND); empty means ALL. Throws Failure(invalid) for values that cannot be sent.
class Criteria {
 public:
  Criteria& uid(const UidSet& set);
  Criteria& seen(bool yes = true);
  Criteria& flagged(bool yes = true);
  Criteria& answered(bool yes = true);
  Criteria& deleted(bool yes = true);
  Criteria& draft(bool yes = true);
  Criteria& keyword(std::string_view flag, bool yes = true);
  Criteria& since(Day day);  ///< INTERNALDATE, the server's time zone
  Criteria& before(Day day);
  Criteria& sent_since(Day day);  ///< the Date header
  Criteria& sent_before(Day day);
  Criteria& from(std::string_view text);  ///< substrings, case-insensitive; UTF-8
  Criteria& to(std::string_view text);
  Criteria& cc(std::string_view text);
  Criteria& bcc(std::string_view text);
  Criteria& subject(std::string_view text);
  Criteria& body(std::string_view text);
  Criteria& text(std::string_view text);
  Criteria& header(std::string_view name, std::string_view text);
  Criteria& larger(std::uint32_t octets);
  Criteria& smaller(std::uint32_t octets);
  Criteria& thread_id(std::string_view id);        ///< THREADID; only where OBJECTID is offered (RFC 8474)
  Criteria& gmail_thread_id(std::string_view id);  ///< X-GM-THRID; digits; only where X-GM-EXT-1 is offered
  Criteria& gmail_raw(std::string_view query);     ///< Gmail's own search words; likewise
  Criteria& negate(const Criteria& other);         ///< NOT (other)
  Criteria& either(const Criteria& left, const Criteria& right);  ///< OR (left) (right)

  bool empty() const { return keys_.pieces().empty(); }
  /// The keys, "ALL" when there are none.
  Command keys() const;

 private:
  Command& next(std::string_view key);
  Command group() const;
  Command keys_;
};

}  // namespace mailroom::imap
