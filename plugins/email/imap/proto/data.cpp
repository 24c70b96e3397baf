#include "imap/proto/data.hpp"

#include <charconv>

#include "imap/proto/ascii.hpp"
#include "imap/proto/utf7.hpp"

namespace mailroom::imap {
namespace {

void room(const std::vector<Uid>& uids, std::uint64_t more, const Limits& limits) {
  if (uids.size() + more > limits.search_results)
    throw Failure(Errc::limit,
                  "a search found more than " + std::to_string(limits.search_results) + " messages", {},
                  "Narrow the search.");
}

Uid uid_of(std::string_view digits) {
  Uid uid = 0;
  const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), uid);
  if (ec != std::errc() || end != digits.data() + digits.size() || uid == 0)
    throw Failure(Error{
        Errc::protocol, "the server sent a message number that is none", {}, printable(digits, 60), {}});
  return uid;
}

}  // namespace

ListEntry parse_list(Response& response, bool utf8_names) {
  Tokens t = response.tokens();
  ListEntry entry;
  entry.attributes = t.flags();
  if (const std::optional<std::string> delimiter = t.nstring(); delimiter && !delimiter->empty())
    entry.delimiter = delimiter->front();
  entry.name = from_wire(t.astring(), utf8_names);
  if (same(entry.name, "INBOX")) entry.name = "INBOX";
  return entry;
}

StatusData parse_status(Response& response, std::string& mailbox, bool utf8_names) {
  Tokens t = response.tokens();
  mailbox = from_wire(t.astring(), utf8_names);
  StatusData data;
  const auto count = [&]() -> std::optional<std::uint32_t> {
    const std::optional<std::uint64_t> n = t.tolerant_number();
    return n && *n <= UINT32_MAX ? std::optional(static_cast<std::uint32_t>(*n)) : std::nullopt;
  };
  t.expect('(');
  while (!t.take(')')) {
    const std::string_view item = t.atom();
    if (same(item, "MESSAGES"))
      data.messages = count();
    else if (same(item, "UIDNEXT"))
      data.uid_next = count();
    else if (same(item, "UIDVALIDITY"))
      data.uid_validity = count();
    else if (same(item, "UNSEEN"))
      data.unseen = count();
    else if (same(item, "RECENT"))
      data.recent = count();
    else if (same(item, "HIGHESTMODSEQ"))
      data.highest_modseq = t.tolerant_number();
    else if (same(item, "SIZE"))
      data.size = t.tolerant_number();
    else if (same(item, "DELETED"))
      data.deleted = count();
    else if (same(item, "MAILBOXID"))
      data.mailbox_id = object_id(t);
    else
      t.skip();
  }
  return data;
}

std::string object_id(Tokens& t) {
  if (t.nil()) return {};
  const bool list = t.take('(');
  std::string id(list && t.peek(')') ? std::string_view{} : t.atom());
  if (list) t.expect(')');
  // Quirk: Cyrus without conversations says THREADID (NIL) for each message.
  return list && same(id, "NIL") ? std::string() : printable(id, 255);
}

void parse_search(Response& response, std::vector<Uid>& uids, const Limits& limits) {
  Tokens t = response.tokens();
  while (!t.end()) {
    if (t.peek('(')) {  // (MODSEQ n), RFC 7162
      t.skip();
      continue;
    }
    room(uids, 1, limits);
    uids.push_back(uid_of(t.atom()));
  }
}

void expand(std::string_view set, std::vector<Uid>& uids, const Limits& limits) {
  while (!set.empty()) {
    const std::string_view part = set.substr(0, set.find(','));
    set.remove_prefix(std::min(set.size(), part.size() + 1));
    const std::size_t colon = part.find(':');
    Uid first = uid_of(part.substr(0, colon));
    Uid last = colon == std::string_view::npos ? first : uid_of(part.substr(colon + 1));
    if (first > last) std::swap(first, last);
    room(uids, std::uint64_t{last} - first + 1, limits);
    for (std::uint64_t uid = first; uid <= last; ++uid) uids.push_back(static_cast<Uid>(uid));
  }
}

bool parse_esearch(Response& response, std::string_view tag, std::vector<Uid>& uids, const Limits& limits) {
  Tokens t = response.tokens();
  if (t.take('(')) {
    if (same(t.atom(), "TAG") && t.string() != tag) return false;
    while (!t.take(')')) t.skip();
  }
  while (!t.end()) {
    const std::string_view item = t.atom();
    if (same(item, "UID")) continue;
    if (same(item, "ALL"))
      expand(t.atom(), uids, limits);
    else
      t.skip();
  }
  return true;
}

std::map<std::string, std::string> parse_id(Response& response) {
  Tokens t = response.tokens();
  std::map<std::string, std::string> out;
  if (t.nil()) return out;
  t.expect('(');
  while (!t.take(')')) {
    if (out.size() >= 100) throw Failure(Errc::limit, "the server's ID has more than 100 fields");
    const std::string key = lower(t.string());
    out[printable(key, 100)] = printable(t.string(), 1024);
  }
  return out;
}

}  // namespace mailroom::imap
