#include "imap/proto/search.hpp"

#include <cstdio>

namespace mailroom::imap {
namespace {

std::string date(Day d) {
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  if (d.year < 1 || d.year > 9999 || d.month < 1 || d.month > 12 || d.day < 1 || d.day > 31)
    throw Failure(Errc::invalid, "a date to search for does not exist");
  char text[24];
  std::snprintf(text, sizeof text, "%d-%s-%04d", d.day, kMonths[d.month - 1], d.year);
  return text;
}

}  // namespace

Command& Criteria::next(std::string_view key) {
  if (!empty()) keys_.raw(" ");
  return keys_.raw(key);
}

Command Criteria::keys() const { return empty() ? Command("ALL") : keys_; }
Command Criteria::group() const { return Command("(").append(keys()).raw(")"); }

Criteria& Criteria::uid(const UidSet& set) {
  if (set.empty()) throw Failure(Errc::invalid, "a search in an empty set of messages");
  return next("UID ").raw(set.text()), *this;
}
Criteria& Criteria::seen(bool yes) { return next(yes ? "SEEN" : "UNSEEN"), *this; }
Criteria& Criteria::flagged(bool yes) { return next(yes ? "FLAGGED" : "UNFLAGGED"), *this; }
Criteria& Criteria::answered(bool yes) { return next(yes ? "ANSWERED" : "UNANSWERED"), *this; }
Criteria& Criteria::deleted(bool yes) { return next(yes ? "DELETED" : "UNDELETED"), *this; }
Criteria& Criteria::draft(bool yes) { return next(yes ? "DRAFT" : "UNDRAFT"), *this; }
Criteria& Criteria::keyword(std::string_view flag, bool yes) {
  for (const char c : flag)
    if (static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7F ||
        std::string_view("(){%*\"\\]").find(c) != std::string_view::npos)
      throw Failure(Errc::invalid, "not a keyword that a message can have: \"" + printable(flag, 60) + "\"",
                    "keyword", "A keyword is one word of ASCII without (){%*\"\\]");
  if (flag.empty()) throw Failure(Errc::invalid, "an empty keyword", "keyword", "Name one");
  return next(yes ? "KEYWORD " : "UNKEYWORD ").raw(flag), *this;
}
Criteria& Criteria::since(Day day) { return next("SINCE ").raw(date(day)), *this; }
Criteria& Criteria::before(Day day) { return next("BEFORE ").raw(date(day)), *this; }
Criteria& Criteria::sent_since(Day day) { return next("SENTSINCE ").raw(date(day)), *this; }
Criteria& Criteria::sent_before(Day day) { return next("SENTBEFORE ").raw(date(day)), *this; }
Criteria& Criteria::from(std::string_view text) { return next("FROM ").string(text), *this; }
Criteria& Criteria::to(std::string_view text) { return next("TO ").string(text), *this; }
Criteria& Criteria::cc(std::string_view text) { return next("CC ").string(text), *this; }
Criteria& Criteria::bcc(std::string_view text) { return next("BCC ").string(text), *this; }
Criteria& Criteria::subject(std::string_view text) { return next("SUBJECT ").string(text), *this; }
Criteria& Criteria::body(std::string_view text) { return next("BODY ").string(text), *this; }
Criteria& Criteria::text(std::string_view text) { return next("TEXT ").string(text), *this; }
Criteria& Criteria::header(std::string_view name, std::string_view text) {
  return next("HEADER ").string(name).raw(" ").string(text), *this;
}
Criteria& Criteria::larger(std::uint32_t octets) {
  return next("LARGER ").raw(std::to_string(octets)), *this;
}
Criteria& Criteria::smaller(std::uint32_t octets) {
  return next("SMALLER ").raw(std::to_string(octets)), *this;
}
Criteria& Criteria::thread_id(std::string_view id) {
  // objectid of RFC 8474 §4: 1 to 255 of these
  bool good = !id.empty() && id.size() <= 255;
  for (const char c : id)
    good = good && ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
                    c == '-');
  if (!good) throw Failure(Errc::invalid, "not a conversation's id", printable(id, 60));
  return next("THREADID ").raw(id), *this;
}
Criteria& Criteria::gmail_thread_id(std::string_view id) {
  if (id.empty() || id.size() > 20 || id.find_first_not_of("0123456789") != std::string_view::npos)
    throw Failure(Errc::invalid, "not a conversation's id of Gmail", printable(id, 60));
  return next("X-GM-THRID ").raw(id), *this;
}
Criteria& Criteria::gmail_raw(std::string_view query) { return next("X-GM-RAW ").string(query), *this; }
Criteria& Criteria::negate(const Criteria& other) { return next("NOT ").append(other.group()), *this; }
Criteria& Criteria::either(const Criteria& left, const Criteria& right) {
  return next("OR ").append(left.group()).raw(" ").append(right.group()), *this;
}

}  // namespace mailroom::imap
