// What servers do that the standards do not say, each by its name. Which provider has which stands in
// manifests/providers.json; nothing here knows a host. docs/imap.md says which test shows which.
//
// Two kinds. A quirk that changes what is sent holds where a provider's entry names it, or where the server
// has shown it on this connection. One that only makes the reader more tolerant holds for every server: its
// name is there to say whom it was seen with, and to find its test.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace mailroom::imap {

enum class Quirk {
  // what is sent
  id_after_sign_in,          ///< ID between the sign-in and the first SELECT, on every connection
  capability_after_sign_in,  ///< CAPABILITY is asked again, whatever the OK of the sign-in told
  plain_search,              ///< UID SEARCH without RETURN
  one_range,                 ///< UID FETCH of one range at a time
  plain_list,                ///< LIST without RETURN
  stale_uid_next,            ///< UIDNEXT counts as missing
  plain_items,               ///< UID FETCH without items of extensions
  hidden_xoauth2,            ///< XOAUTH2 is used though it is not announced
  noop_does_not_keep,        ///< STATUS between looks, where there is no IDLE
  // how it is read
  loose_integers,         ///< "1024.0", "9.3736e+06" where a size or a count stands
  empty_multipart,        ///< a multipart without parts, in forms of its own
  unescaped_quotes,       ///< a quote within a quoted string of ENVELOPE or BODYSTRUCTURE
  malformed_structure,    ///< a BODYSTRUCTURE that nobody can read: the message comes without it
  missing_value,          ///< BODY[1] of an empty part without a value
  refused_message,        ///< UID FETCH of many is refused because of one
  unsorted_results,       ///< SEARCH and FETCH in any order
  search_finds_too_much,  ///< criteria of SEARCH are ignored
  repeated_bye,           ///< BYE again and again
  throttled_answer,       ///< NO or BAD that says how long to wait
  gmail_labels,           ///< one message in several mailboxes, which are its labels
};

/// A set of quirks. Small, copied freely.
class Quirks {
 public:
  Quirks() = default;
  /// By the names of providers.json. Throws Failure(config) for one that is not known.
  static Quirks from(std::span<const std::string> names);

  bool has(Quirk quirk) const { return (bits_ & bit(quirk)) != 0; }
  /// Also: seen on this connection.
  void add(Quirk quirk) { bits_ |= bit(quirk); }

 private:
  static std::uint32_t bit(Quirk quirk) { return std::uint32_t{1} << static_cast<unsigned>(quirk); }
  std::uint32_t bits_ = 0;
};

struct QuirkInfo {
  Quirk quirk;
  std::string_view name;    ///< "id_after_sign_in"
  std::string_view reason;  ///< one sentence
};
/// All of them.
std::span<const QuirkInfo> known_quirks();

}  // namespace mailroom::imap
