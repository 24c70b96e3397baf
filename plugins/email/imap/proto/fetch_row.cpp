#include "imap/proto/fetch_row.hpp"

#include <chrono>

#include "imap/proto/ascii.hpp"
#include "imap/proto/body_structure.hpp"
#include "imap/proto/data.hpp"
#include "imap/proto/utf7.hpp"

namespace mailroom::imap {
namespace {

void structure(Tokens& t, MessageRow& row, const Limits& limits) {
  const Tokens::Mark before = t.mark();
  Error unread;
  // Quirk unescaped_quotes: what cannot be read as it should be written is read once more as some write it.
  for (const bool loose : {false, true}) {
    t.back(before);
    t.loose_quotes(loose);
    try {
      row.structure = parse_body_structure(t, limits);
      // Quirk malformed_structure: parts behind the whole, seen from mail.ru. Which are the message's?
      if (t.peek('(')) throw Failure(Errc::protocol, "it has more than one body");
      t.loose_quotes(false);
      return;
    } catch (const Failure& f) {
      row.structure.reset();
      if (!unread) unread = f.error;
    }
  }
  t.loose_quotes(false);
  row.error = unread;
  row.error.what = "the message's BODYSTRUCTURE cannot be read: " + unread.what;
  t.back(before);
  do t.skip();  // throws if even the parentheses do not balance
  while (t.peek('('));
}

void section(Tokens& t, MessageRow& row) {
  Section s;
  s.name = t.bracketed();
  if (t.end()) throw Failure(Errc::protocol, "a message's section has no value");
  Tokens::Mark m = t.mark();
  const std::string_view origin = t.peek('<') ? t.atom() : std::string_view{};
  if (origin.size() > 2 && origin.back() == '>') {
    std::uint64_t n = 0;
    for (const char c : origin.substr(1, origin.size() - 2)) {
      if (c < '0' || c > '9' || n > UINT32_MAX)
        throw Failure(Errc::protocol, "a section's origin is no number");
      n = n * 10 + static_cast<std::uint64_t>(c - '0');
    }
    s.origin = n;
  } else {
    t.back(m);
  }
  // Quirk missing_value: `BODY[1] )`, the part is there and empty. Of a whole message or header it would be
  // none.
  if (t.peek(')') && !s.name.empty() && s.name.find_first_not_of("0123456789.") == std::string::npos) {
    row.sections.push_back(std::move(s));
    return;
  }
  std::optional<std::string> bytes = t.nstring();
  if (t.last_was_skipped())
    row.error = {
        Errc::limit,
        "a part of the message (BODY[" + printable(s.name, 60) + "]) is larger than the limit for one fetch",
        {},
        {},
        "Fetch it in pieces, or raise the limit."};
  s.nil = !bytes.has_value();
  s.streamed = t.last_literal() && t.last_literal()->streamed;
  s.size = t.last_literal() ? t.last_literal()->announced : bytes ? bytes->size() : 0;
  if (bytes) s.bytes = std::move(*bytes);
  row.sections.push_back(std::move(s));
}

/// Flags, quoted strings and literals, in modified UTF-7 like mailbox names.
std::vector<std::string> labels(Tokens& t) {
  std::vector<std::string> out;
  if (t.nil()) return out;
  t.expect('(');
  while (!t.take(')')) {
    if (out.size() >= 1000)
      throw Failure(Errc::limit, "the server sent more than 1,000 labels for one message");
    out.push_back(from_utf7(t.astring()));
  }
  return out;
}

void item(Tokens& t, MessageRow& row, const Limits& limits) {
  const std::string_view name = t.atom();
  if (same(name, "UID")) {
    const Uid uid = t.number32();
    if (row.uid != 0 && row.uid != uid) throw Failure(Errc::protocol, "it names two messages");
    row.uid = uid;
  } else if (same(name, "FLAGS")) {
    row.flags = t.flags();
  } else if (same(name, "RFC822.SIZE")) {
    row.size = t.tolerant_number();
  } else if (same(name, "INTERNALDATE")) {
    row.internal_date = t.string();
    row.internal_date_s = parse_internal_date(row.internal_date);
  } else if (same(name, "MODSEQ")) {
    t.expect('(');
    row.modseq = t.number();
    t.expect(')');
  } else if (same(name, "BODYSTRUCTURE")) {
    structure(t, row, limits);
  } else if (same(name, "BODY") && t.take('[')) {
    section(t, row);
  } else if (same(name, "BINARY") && t.take('[')) {
    section(t, row);
    row.sections.back().decoded = true;
  } else if (same(name, "EMAILID")) {
    row.email_id = object_id(t);
  } else if (same(name, "THREADID")) {
    row.thread_id = object_id(t);
  } else if (same(name, "X-GM-MSGID")) {
    row.gm_message_id = object_id(t);
  } else if (same(name, "X-GM-LABELS")) {
    row.gm_labels = labels(t);
  } else if (same(name, "X-GM-THRID")) {
    row.gm_thread_id = object_id(t);
  } else {
    if (t.take('[')) t.bracketed();
    t.skip();
  }
}

/// The UID of a row whose other items cannot be read, so that the error can name the message: a word "UID"
/// outside quotes, a number after it. 0 when there are two that differ, or none: behind a quote that was not
/// escaped, what is within quotes is the sender's to choose, and the wrong message would be named.
Uid find_uid(std::string_view line) {
  bool quote = false;
  Uid found = 0;
  for (std::size_t i = 0; i + 5 < line.size(); ++i) {
    if (line[i] == '\\' && quote) {
      ++i;
      continue;
    }
    if (line[i] == '"') quote = !quote;
    if (quote || (line[i] != '(' && line[i] != ' ') || !same(line.substr(i + 1, 4), "UID ")) continue;
    std::uint64_t uid = 0;
    std::size_t k = i + 5;
    while (k < line.size() && line[k] == ' ') ++k;
    for (; k < line.size() && line[k] >= '0' && line[k] <= '9' && uid <= UINT32_MAX; ++k)
      uid = uid * 10 + static_cast<std::uint64_t>(line[k] - '0');
    const bool whole = k == line.size() || line[k] == ' ' || line[k] == ')';  // "1.5e+06" is not message 1
    if (!whole || uid > UINT32_MAX || (found != 0 && found != uid)) return 0;
    found = static_cast<Uid>(uid);
  }
  return found;
}

}  // namespace

MessageRow parse_fetch(Response& response, const Limits& limits) {
  MessageRow row;
  row.sequence = response.number;
  try {
    Tokens t = response.tokens();
    t.expect('(');
    while (!t.take(')')) {
      if (row.sections.size() > limits.literals)
        throw Failure(Errc::limit, "a message's row has too many sections");
      item(t, row, limits);
    }
    if (!t.end()) throw Failure(Errc::protocol, "it goes on behind its end");
  } catch (const Failure& f) {
    row.error = f.error;
    row.error.what = "the server's answer for a message cannot be read: " + f.error.what;
    row.uid = find_uid(response.frame.line);
  }
  if (row.error)
    row.error.where = row.uid != 0 ? "message UID " + std::to_string(row.uid)
                                   : "message number " + std::to_string(row.sequence);
  return row;
}

std::optional<SectionStart> section_start(std::string_view line, std::uint64_t size) {
  SectionStart s;
  s.size = size;
  const std::size_t word = line.find(' ', 2);
  if (!line.starts_with("* ") || word == std::string_view::npos || !same(line.substr(word, 8), " FETCH (") ||
      line.substr(2, word - 2).find_first_not_of("0123456789") != std::string_view::npos)
    return std::nullopt;
  std::string_view rest = line;
  while (rest.ends_with(' ')) rest.remove_suffix(1);
  if (const std::size_t open = rest.rfind('<'); rest.ends_with('>') && open != std::string_view::npos) {
    std::uint64_t n = 0;
    for (const char c : rest.substr(open + 1, rest.size() - open - 2)) {
      if (c < '0' || c > '9' || n > UINT32_MAX) return std::nullopt;
      n = n * 10 + static_cast<std::uint64_t>(c - '0');
    }
    s.origin = n;
    rest = rest.substr(0, open);
  }
  // None of the names that are asked for has a bracket in it.
  const std::size_t open = rest.rfind('[');
  if (!rest.ends_with(']') || open == std::string_view::npos || open < 5 ||
      !same(rest.substr(open - 4, 4), "BODY") || (rest[open - 5] != ' ' && rest[open - 5] != '('))
    return std::nullopt;
  s.name = rest.substr(open + 1, rest.size() - open - 2);
  s.uid = find_uid(line);
  return s;
}

std::optional<std::int64_t> parse_internal_date(std::string_view s) {
  static constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  while (s.starts_with(' ')) s.remove_prefix(1);
  std::size_t i = 0;
  bool good = true;
  const auto number = [&](std::size_t most) {
    int n = 0;
    const std::size_t start = i;
    while (i < s.size() && i < start + most && s[i] >= '0' && s[i] <= '9') n = n * 10 + (s[i++] - '0');
    good = good && i > start;
    return n;
  };
  const auto literal = [&](char c) { good = good && i < s.size() && s[i++] == c; };
  const int day = number(2);
  literal('-');
  const std::size_t month = i + 3 <= s.size() ? kMonths.find(s.substr(i, 3)) : std::string_view::npos;
  if (!good || month == std::string_view::npos || month % 3 != 0) return std::nullopt;
  i += 3;
  literal('-');
  const int year = number(4);
  literal(' ');
  const int h = number(2);
  literal(':');
  const int m = number(2);
  literal(':');
  const int sec = number(2);
  literal(' ');
  const bool west = i < s.size() && s[i] == '-';
  good = good && i < s.size() && (s[i] == '+' || s[i] == '-');
  ++i;
  if (!good || i > s.size()) return std::nullopt;
  const int zone = number(4);
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month / 3 + 1)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!good || i != s.size() || !date.ok() || h > 23 || m > 59 || sec > 60 || zone % 100 > 59)
    return std::nullopt;
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  const std::int64_t offset = (zone / 100 * 60 + zone % 100) * 60;
  return days * 86'400 + h * 3'600 + m * 60 + sec - (west ? -offset : offset);
}

}  // namespace mailroom::imap
