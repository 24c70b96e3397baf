#include "imap/proto/quirks.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace mailroom::imap {
namespace {

constexpr QuirkInfo kKnown[] = {
    {Quirk::id_after_sign_in, "id_after_sign_in",
     "SELECT and EXAMINE are refused as an unsafe login until the client has told its ID."},
    {Quirk::capability_after_sign_in, "capability_after_sign_in",
     "The OK of the sign-in leaves out what the server offers from then on, IDLE for one."},
    {Quirk::plain_search, "plain_search", "The extended form of UID SEARCH is answered with BAD."},
    {Quirk::one_range, "one_range", "UID FETCH of several ranges is answered with BAD."},
    {Quirk::plain_list, "plain_list", "LIST with RETURN is refused, though it is announced."},
    {Quirk::stale_uid_next, "stale_uid_next",
     "UIDNEXT stays what it was at the SELECT, also in STATUS: a message may lie above it."},
    {Quirk::plain_items, "plain_items", "UID FETCH with items of extensions is answered with BAD."},
    {Quirk::hidden_xoauth2, "hidden_xoauth2", "XOAUTH2 is understood, and not announced."},
    {Quirk::noop_does_not_keep, "noop_does_not_keep",
     "NOOP does not keep the session alive where there is no IDLE; STATUS does."},
    {Quirk::loose_integers, "loose_integers",
     "Sizes and counts come with a decimal point or in scientific notation."},
    {Quirk::empty_multipart, "empty_multipart",
     "A multipart without parts has forms in BODYSTRUCTURE that the grammar does not have."},
    {Quirk::unescaped_quotes, "unescaped_quotes",
     "Quotes within the strings of ENVELOPE and BODYSTRUCTURE are not escaped."},
    {Quirk::malformed_structure, "malformed_structure", "BODYSTRUCTURE of some messages breaks the grammar."},
    {Quirk::missing_value, "missing_value", "BODY[1] of an empty part has no value at all."},
    {Quirk::refused_message, "refused_message",
     "UID FETCH of many messages is answered with NO because one of them cannot be given."},
    {Quirk::unsorted_results, "unsorted_results", "Results of SEARCH and FETCH come in no order."},
    {Quirk::search_finds_too_much, "search_finds_too_much",
     "Text criteria of SEARCH are ignored: everything is found."},
    {Quirk::repeated_bye, "repeated_bye", "BYE comes untagged, several times, and not always at an end."},
    {Quirk::throttled_answer, "throttled_answer",
     "Who asks too much gets a NO or BAD that says how many milliseconds to wait."},
    {Quirk::gmail_labels, "gmail_labels",
     "Mailboxes are labels: one message lies in several of them, with one X-GM-MSGID."},
};

}  // namespace

std::span<const QuirkInfo> known_quirks() { return kKnown; }

Quirks Quirks::from(std::span<const std::string> names) {
  Quirks out;
  for (const std::string& name : names) {
    const auto* info = std::find_if(std::begin(kKnown), std::end(kKnown),
                                    [&](const QuirkInfo& q) { return q.name == name; });
    if (info == std::end(kKnown))
      throw Failure(Errc::config, "there is no such quirk: \"" + printable(name, 60) + "\"", "quirks",
                    "docs/imap.md lists them");
    out.add(info->quirk);
  }
  return out;
}

}  // namespace mailroom::imap
