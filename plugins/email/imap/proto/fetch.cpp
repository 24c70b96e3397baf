#include "imap/proto/fetch.hpp"

#include "imap/proto/fetch_row.hpp"

namespace mailroom::imap {
namespace {

void check_section(std::string_view name) {
  if (name.size() > 1000) throw Failure(Errc::invalid, "a section's name is too long");
  for (const char c : name)
    if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' ||
          c == '-' || c == '_' || c == ' ' || c == '(' || c == ')'))
      throw Failure(Errc::invalid, "not a section of a message", printable(name, 60),
                    "For example \"\", \"1.2\", \"HEADER\".");
}

Command fetch_command(const Session& s, const UidSet& set, const FetchItems& items) {
  if (set.empty()) throw Failure(Errc::invalid, "a fetch of no message");
  std::string words = "UID FETCH " + set.text() + " (UID";
  if (items.flags) words += " FLAGS";
  if (items.size) words += " RFC822.SIZE";
  if (items.internal_date) words += " INTERNALDATE";
  if (items.modseq && s.caps.has("CONDSTORE")) words += " MODSEQ";
  if (items.structure) words += " BODYSTRUCTURE";
  if (items.object_ids && s.caps.has("OBJECTID")) words += " EMAILID THREADID";
  if (items.object_ids && s.caps.has("X-GM-EXT-1")) words += " X-GM-MSGID X-GM-THRID";
  for (const FetchItems::Want& want : items.sections) {
    check_section(want.name);
    words += " BODY.PEEK[" + want.name + "]";
    if (want.limit)
      words += "<" + std::to_string(want.origin) + "." + std::to_string(std::max(*want.limit, 1u)) + ">";
  }
  return Command(words + ")");
}

}  // namespace

Fetch::Fetch(Session& session, const UidSet& set, const FetchItems& items)
    : Exchange(session, fetch_command(session, set, items), "fetching messages failed"),
      set_(set),
      items_(items) {
  on_untagged = [this, &session](Response& r) {
    if (r.kind != Response::Kind::fetch) return false;
    MessageRow row = parse_fetch(r, session.limits);
    if (!asked_for(row)) return false;
    row_ = std::move(row);
    pause();
    return true;
  };
}

bool Fetch::asked_for(const MessageRow& row) const {
  if (row.error) return row.uid == 0 || set_.contains(row.uid);
  if (!set_.contains(row.uid)) return false;
  if (!row.sections.empty() || (items_.structure && row.structure) || (items_.size && row.size) ||
      (items_.internal_date && !row.internal_date.empty()))
    return true;
  // Nothing but flags was asked: then flags are the answer, though a change told unasked looks the same.
  return items_.sections.empty() && !items_.structure && !items_.size && !items_.internal_date;
}

MessageRow Fetch::take_row() {
  go_on();
  return std::exchange(row_, {});
}

}  // namespace mailroom::imap
