// IMAP responses of every kind: read as values one by one, and as a dialogue with each machine.
// Input: a letter that says how, a byte that seeds the cuts, then what the server says.
#include "imap/proto/change.hpp"
#include "imap/proto/data.hpp"
#include "imap/proto/fetch.hpp"
#include "imap/proto/fetch_row.hpp"
#include "imap/proto/idle.hpp"
#include "imap/proto/listing.hpp"
#include "imap/proto/mailbox_state.hpp"
#include "imap/proto/opening.hpp"
#include "imap/proto/order.hpp"
#include "imap/proto/select.hpp"
#include "imap/proto/special_use.hpp"
#include "imap/proto/transfer.hpp"
#include "imap/proto/utf7.hpp"
#include "machine.hpp"

namespace mailroom::fuzz {
namespace {

using namespace imap;
using Kind = Response::Kind;

Limits small_limits() {
  Limits limits;
  limits.line = 64u << 10;
  limits.literal = 4096;
  limits.response = 16u << 10;
  limits.literals = 50;
  limits.parts = 200;
  limits.untagged = 1000;
  limits.search_results = 10'000;
  limits.list_entries = 1000;
  return limits;
}

std::size_t count_parts(const BodyPart& part) {
  must(part.number.size() < 1000, "a part's number is finite");
  std::size_t n = 1;
  for (const BodyPart& p : part.parts) n += count_parts(p);
  return n;
}

std::string check_row(const MessageRow& row, const Limits& limits) {
  if (row.structure) must(count_parts(*row.structure) <= limits.parts, "parts are counted");
  if (row.error) must_be_utf8(row.error.line(), "a row's error can be printed");
  std::string words = std::to_string(row.uid) + (row.error ? "!" : "");
  for (const Section& s : row.sections) {
    must(row.section(s.name) != nullptr, "a section is found by its name");
    words += ":" + s.name + "=" + s.bytes;
  }
  return words;
}

/// The values of one response; throws what the readers throw.
void read(Response& r, const Limits& limits, std::vector<ListEntry>& entries) {
  std::vector<Uid> uids;
  std::string mailbox;
  switch (r.kind) {
    case Kind::list:
      entries.push_back(parse_list(r));
      must_be_utf8(entries.back().name, "a mailbox's name is UTF-8");
      break;
    case Kind::status:
      parse_status(r, mailbox);
      must_be_utf8(mailbox, "a mailbox's name is UTF-8");
      break;
    case Kind::search:
      parse_search(r, uids, limits);
      break;
    case Kind::esearch:
      parse_esearch(r, "a1", uids, limits);
      break;
    case Kind::sort:
      parse_sort(r, uids, limits);
      break;
    case Kind::thread: {
      std::vector<std::vector<Uid>> threads;
      parse_thread(r, threads, limits);
      for (const auto& t : threads) uids.insert(uids.end(), t.begin(), t.end());
      break;
    }
    case Kind::id:
      parse_id(r);
      break;
    case Kind::fetch:
      check_row(parse_fetch(r, limits), limits);
      break;
    case Kind::ok: {
      append_result(r);
      CopyResult copied;
      must(take_copyuid(r, copied) || copied.uids.empty(), "what cannot be read tells nothing");
      must(copied.uids.size() <= limits.search_results, "copies are counted");
    }
      [[fallthrough]];
    case Kind::no:
    case Kind::bad:
    case Kind::bye:
      must_be_utf8(status_error(r, "it failed").line(), "a server's words can be printed");
      must(r.text.size() <= 512, "a server's words are cut");
      break;
    default:
      break;
  }
  must(uids.size() <= limits.search_results, "results are counted");
  must(std::find(uids.begin(), uids.end(), 0u) == uids.end(), "no UID is 0");
}

void one_by_one(std::string_view bytes) {
  const Limits limits = small_limits();
  Session session(limits);
  std::vector<ListEntry> entries;
  try {
    session.framer.feed(bytes);
    while (auto frame = session.framer.take()) {
      try {
        Frame copy = *frame;
        Response r = classify(std::move(*frame));
        read(r, limits, entries);
        Response again = classify(std::move(copy));
        fold(session, again);
      } catch (const Failure& f) {
        must(f.error.code == Errc::protocol || f.error.code == Errc::limit,
             "what a server says fails as protocol or limit");
        must_be_utf8(f.error.line(), "an error can be printed");
      }
    }
  } catch (const Failure& f) {
    must(f.error.code == Errc::limit, "a framer fails at a limit only");
  }
  for (const Use use : {Use::drafts, Use::sent, Use::trash, Use::junk, Use::archive}) {
    find_special(entries, use);
    must(names_to_create(entries, use).size() <= 2, "two names to try at most");
  }
}

Course exchange(std::string_view bytes, std::uint32_t seed, bool literal) {
  Session session(small_limits());
  session.tls = session.signed_in = true;
  Command command("UID SEARCH SUBJECT ");
  Exchange e(session, literal ? std::move(command.string("\xC3\xA4")) : Command("NOOP"), "it failed");
  std::vector<ListEntry> entries;
  e.on_untagged = [&](Response& r) {
    if (r.kind == Kind::exists || r.kind == Kind::expunge || r.kind == Kind::bye) return false;
    if (entries.size() >= session.limits.list_entries) throw Failure(Errc::limit, "too many mailboxes");
    read(r, session.limits, entries);
    return true;
  };
  if (literal) e.on_challenge = [](const std::string&) { return aoh::Secret("answer"); };
  Course out = play(e, bytes, seed, [] { return std::string(); });
  must(out.end == Action::Kind::done || is_fatal(out.error) == session.dead,
       "a session is dead when an error is fatal");
  return out;
}

Course fetch(std::string_view bytes, std::uint32_t seed) {
  Session session(small_limits());
  session.tls = session.signed_in = true;
  FetchItems items;
  items.structure = true;
  items.sections.emplace_back();
  Fetch f(session, UidSet::from(5), items);
  return play(f, bytes, seed, [&] { return check_row(f.take_row(), session.limits); });
}

/// Several requests at once, large sections to a sink, every extension.
Course fetch_many(std::string_view bytes, std::uint32_t seed) {
  struct Sink final : SectionSink {
    bool begin(const SectionStart& s) override {
      must(left == 0, "one section at a time");
      if (s.size < 4) return false;
      left = s.size;
      words += "[" + std::to_string(s.uid) + " " + std::string(s.name) + "]";
      return true;
    }
    void bytes(std::string_view piece) override {
      must(piece.size() <= left, "a section is as long as announced");
      left -= piece.size();
      words += piece;
    }
    std::uint64_t left = 0;
    std::string words;
  };
  Session session(small_limits());
  session.tls = session.signed_in = true;
  session.caps = Capabilities("IMAP4REV1 CONDSTORE BINARY OBJECTID X-GM-EXT-1");
  FetchItems bodies;
  bodies.sections.push_back({.name = "1", .limit = {}, .origin = 0, .decoded = true});
  FetchItems rows;
  rows.size = rows.internal_date = rows.modseq = rows.structure = rows.labels = true;
  rows.changed_since = 7;
  Sink sink;
  std::vector<FetchRequest> requests = {{UidSet::range(5, 7), bodies}, {UidSet::from(6), rows}};
  Fetch f(session, std::move(requests), &sink);
  Course out = play(f, bytes, seed, [&] { return check_row(f.take_row(), session.limits); });
  out.events += sink.words;
  return out;
}

Course list(std::string_view bytes, std::uint32_t seed) {
  Session session(small_limits());
  session.tls = session.signed_in = true;
  session.caps = Capabilities("IMAP4REV1 LIST-EXTENDED SPECIAL-USE LIST-STATUS CONDSTORE");
  Listing l(session, "*", {true, true});
  Course out = play(l, bytes, seed, [] { return std::string(); });
  must(l.entries.size() <= session.limits.list_entries, "mailboxes are counted");
  for (const auto& [name, data] : l.statuses) {
    must_be_utf8(name, "a mailbox's name is UTF-8");
    out.events += name + "=" + std::to_string(data.messages.value_or(0)) + "\n";
  }
  return out;
}

Course select(std::string_view bytes, std::uint32_t seed) {
  Session session(small_limits());
  session.tls = session.signed_in = true;
  session.limits.resync_rows = 20;
  session.enabled = Capabilities("QRESYNC");
  const Known known{7, 9, UidSet::range(1, 50)};
  Select s(session, "INBOX", true, &known);
  Course out = play(s, bytes, seed, [] { return std::string(); });
  must(s.since.changed.size() <= 20, "changes are counted");
  must(s.since.vanished.without(known.uids).empty(), "what has gone was known");
  out.events = s.since.vanished.text() + " " + std::to_string(session.mailbox.exists);
  return out;
}

/// A set of UIDs as a server writes it comes back as we write it.
void uid_set(std::string_view text) {
  try {
    const UidSet set = UidSet::parse(text);
    must(set.open_ended() || UidSet::parse(set.text()).text() == set.text(), "a set comes back");
    must(set.without(set).empty(), "nothing is left of a set without itself");
    must(set.uids(100).size() == std::min<std::uint64_t>(100, set.size()), "a set is counted");
  } catch (const Failure& f) {
    must(f.error.code == Errc::protocol, "a set is refused as protocol");
  }
}

Course idle(std::string_view bytes, std::uint32_t seed) {
  Session session(small_limits());
  session.tls = session.signed_in = true;
  Idle i(session, seed % 2 == 0);
  Course out = play(i, bytes, seed, [] { return std::string(); });
  out.events = std::to_string(i.result().exists_count);
  return out;
}

Course opening(std::string_view bytes, std::uint32_t seed, bool starttls) {
  Session session(small_limits());
  session.tls = !starttls;
  const auth::Credentials credentials{"user", aoh::Secret("pass\"word")};
  OpeningOptions options;
  options.starttls = starttls;
  options.credentials = &credentials;
  options.circumstances = [] { return auth::Circumstances{"n0nce", "exported", "digest"}; };
  Opening o(session, options);
  Course out = play(o, bytes, seed, [] { return std::string(); });
  must(out.end != Action::Kind::done || (session.tls && session.signed_in),
       "an open session is encrypted and signed in");
  const std::size_t handshake = out.wrote.find("<TLS>");
  if (starttls)
    must(out.wrote.substr(0, handshake).find("AUTH") == std::string::npos &&
             out.wrote.substr(0, handshake).find("LOGIN") == std::string::npos,
         "no credentials before TLS");
  return out;
}

}  // namespace

FUZZ_TARGET(imap_response) {
  Input in(data);
  const std::uint8_t how = in.byte();
  const std::uint32_t seed = 2u + in.byte() / 2 * 2;  // even: as the whole
  const std::string_view bytes = in.rest();
  switch (how) {
    case 'e':
    case 'l':
      must(exchange(bytes, 0, how == 'l') == exchange(bytes, seed, how == 'l'),
           "an exchange is the same however it is cut");
      break;
    case 'f':
      must(fetch(bytes, 0) == fetch(bytes, seed), "a fetch is the same however it is cut");
      break;
    case 'm':
      must(fetch_many(bytes, 0) == fetch_many(bytes, seed), "a fetch is the same however it is cut");
      break;
    case 'L':
      must(list(bytes, 0) == list(bytes, seed), "a list is the same however it is cut");
      break;
    case 'S':
      must(select(bytes, 0) == select(bytes, seed), "a select is the same however it is cut");
      break;
    case 'u':
      uid_set(bytes);
      break;
    case 'i':
      // What came before DONE was written is looked at then: only the end is the same.
      idle(bytes, 0);
      idle(bytes, seed);
      break;
    case 'o':
      must(opening(bytes, 0, false) == opening(bytes, seed, false),
           "an opening is the same however it is cut");
      break;
    case 's':
      opening(bytes, 0, true);
      opening(bytes, seed, true);
      break;
    default:
      one_by_one(bytes);
  }
}

}  // namespace mailroom::fuzz
