#include "imap/proto/fetch.hpp"

#include <algorithm>

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

/// What goes out beyond RFC 3501.
struct Extras {
  bool modseq = false, changed_since = false, object_ids = false, gmail_ids = false, labels = false,
       binary = false;
};
Extras extras_of(const Session& s, const FetchItems& items) {
  if (s.quirks.has(Quirk::plain_items)) return {};
  Extras e;
  const bool condstore = s.caps.has("CONDSTORE"), gmail = s.caps.has("X-GM-EXT-1");
  e.modseq = items.modseq && condstore;
  e.changed_since = items.changed_since && condstore;
  e.object_ids = items.object_ids && s.caps.has("OBJECTID");
  e.gmail_ids = items.object_ids && gmail;
  e.labels = items.labels && gmail;
  e.binary = s.offers("BINARY") && std::any_of(items.sections.begin(), items.sections.end(),
                                               [](const FetchItems::Want& want) { return want.decoded; });
  return e;
}

Command fetch_command(const Session& s, const UidSet& set, const FetchItems& items) {
  if (set.empty()) throw Failure(Errc::invalid, "a fetch of no message");
  std::string words = "UID FETCH " + set.text() + " (UID";
  if (items.flags) words += " FLAGS";
  if (items.size) words += " RFC822.SIZE";
  if (items.internal_date) words += " INTERNALDATE";
  const Extras extras = extras_of(s, items);
  if (extras.modseq) words += " MODSEQ";
  if (items.structure) words += " BODYSTRUCTURE";
  if (extras.object_ids) words += " EMAILID THREADID";
  if (extras.gmail_ids) words += " X-GM-MSGID X-GM-THRID";
  if (extras.labels) words += " X-GM-LABELS";
  for (const FetchItems::Want& want : items.sections) {
    check_section(want.name);
    const bool binary = want.decoded && extras.binary;
    if (binary && want.name.find_first_not_of("0123456789.") != std::string::npos)
      throw Failure(Errc::invalid, "only a part can come without its encoding", printable(want.name, 60));
    words += (binary ? " BINARY.PEEK[" : " BODY.PEEK[") + want.name + "]";
    if (want.limit)
      words += "<" + std::to_string(want.origin) + "." + std::to_string(std::max(*want.limit, 1u)) + ">";
  }
  words += ")";
  if (extras.changed_since) words += " (CHANGEDSINCE " + std::to_string(*items.changed_since) + ")";
  return Command(words);
}

Command first_command(const Session& s, const std::vector<FetchRequest>& requests) {
  if (requests.empty()) throw Failure(Errc::invalid, "a fetch of nothing");
  return fetch_command(s, requests.front().set, requests.front().items);
}

}  // namespace

bool uses_extensions(const Session& session, const FetchItems& items) {
  const Extras e = extras_of(session, items);
  return e.modseq || e.changed_since || e.object_ids || e.gmail_ids || e.labels || e.binary;
}

Fetch::Fetch(Session& session, const UidSet& set, const FetchItems& items)
    : Fetch(session, std::vector<FetchRequest>{{set, items}}) {}

Fetch::Fetch(Session& session, std::vector<FetchRequest> requests, SectionSink* sink)
    : Exchange(session, first_command(session, requests), "fetching messages failed"),
      framer_(session.framer),
      requests_(std::move(requests)),
      sink_(sink) {
  for (std::size_t i = 1; i < requests_.size(); ++i)
    follow(fetch_command(session, requests_[i].set, requests_[i].items));
  on_untagged = [this, &session](Response& r) {
    if (r.kind != Response::Kind::fetch) return false;
    MessageRow row = parse_fetch(r, session.limits);
    if (!asked_for(row)) return false;
    row_ = std::move(row);
    pause();
    return true;
  };
  if (sink_ != nullptr) framer_.stream_to(this);
}

Fetch::~Fetch() {
  if (sink_ != nullptr) framer_.stream_to(nullptr);
}

bool Fetch::asked_for(const MessageRow& row) const {
  for (const FetchRequest& r : requests_) {
    if (row.error && row.uid == 0) return true;
    if (!r.set.contains(row.uid)) continue;
    if (row.error || !row.sections.empty() || (r.items.structure && row.structure) ||
        (r.items.size && row.size) || (r.items.internal_date && !row.internal_date.empty()))
      return true;
    // Nothing but flags was asked: then flags are the answer, though a change told unasked looks the same.
    if (r.items.sections.empty() && !r.items.structure && !r.items.size && !r.items.internal_date)
      return true;
  }
  return false;
}

MessageRow Fetch::take_row() {
  go_on();
  return std::exchange(row_, {});
}

bool Fetch::begin(std::string_view line, std::uint64_t size) {
  const std::optional<SectionStart> section = section_start(line, size);
  if (!section) return false;
  if (section->uid != 0 && std::none_of(requests_.begin(), requests_.end(),
                                        [&](const FetchRequest& r) { return r.set.contains(section->uid); }))
    return false;
  try {
    return sink_->begin(*section);
  } catch (...) {
    give_up();
  }
}

void Fetch::bytes(std::string_view piece) {
  try {
    sink_->bytes(piece);
  } catch (...) {
    give_up();
  }
}

/// The rest of the section is still on its way: the dialogue cannot be taken up again.
void Fetch::give_up() {
  broken_ = std::current_exception();
  throw Failure(Errc::cancelled, "what was fetched could not be taken");
}

}  // namespace mailroom::imap
