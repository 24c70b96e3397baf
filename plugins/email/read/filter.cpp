#include "read/filter.hpp"

#include <algorithm>
#include <chrono>

#include "imap/proto/ascii.hpp"
#include "mime/ascii.hpp"
#include "read/fold.hpp"
#include "read/reader.hpp"

namespace mailroom::read {
namespace {

constexpr std::int64_t kHour = 3'600, kDay = 86'400;

imap::Day day_of(std::int64_t unix_seconds) {
  using namespace std::chrono;
  const auto days_since = static_cast<int>((unix_seconds - (unix_seconds % kDay + kDay) % kDay) / kDay);
  const year_month_day d{sys_days{days{days_since}}};
  return {std::clamp(static_cast<int>(d.year()), 1, 9999), static_cast<int>(static_cast<unsigned>(d.month())),
          static_cast<int>(static_cast<unsigned>(d.day()))};
}

bool has_flag(const imap::MessageRow& row, std::string_view flag) {
  return row.flags && std::any_of(row.flags->begin(), row.flags->end(),
                                  [&](const std::string& f) { return imap::same(f, flag); });
}

/// True where the flag is as wanted, or nobody knows.
bool flag_is(const imap::MessageRow& row, std::string_view flag, const std::optional<bool>& wanted) {
  return !wanted || !row.flags || has_flag(row, flag) == *wanted;
}

void add_fields(const mime::Message& m, std::string_view name, std::string& out) {
  for (const mime::HeaderField& h : m.headers)
    if (mime::iequals(h.name, name)) out += h.value + "\n" + h.raw + "\n";
}

bool address_holds(const mime::Message& m, std::string_view field, const std::vector<mime::Address>& list,
                   const std::string& wanted) {
  if (wanted.empty()) return true;
  std::string hay;
  for (const mime::Address& a : list) hay += a.name + " <" + a.address + ">\n" + a.group + "\n";
  add_fields(m, field, hay);
  return holds(hay, folded(wanted));
}

bool field_holds(const mime::Message& m, std::string_view name, const std::string& wanted) {
  std::string hay;
  add_fields(m, name, hay);
  return !hay.empty() && holds(hay, folded(wanted));
}

bool in_thread(const Summary& s, const std::string& thread) {
  if (thread_id(s.message, s.row) == thread || s.message.message_id == thread) return true;
  const auto has = [&](const std::vector<std::string>& ids) {
    return std::find(ids.begin(), ids.end(), thread) != ids.end();
  };
  return has(s.message.references) || has(s.message.in_reply_to);
}

bool is_param(const std::vector<std::pair<std::string, std::string>>& params, std::string_view name) {
  return std::any_of(params.begin(), params.end(), [&](const auto& p) {
    return p.first == name || p.first == std::string(name) + "*" ||
           p.first.starts_with(std::string(name) + "*0");
  });
}

bool is_file(const imap::BodyPart& p) {
  if (p.type == "application" &&
      (p.subtype == "pgp-signature" || p.subtype == "pkcs7-signature" || p.subtype == "x-pkcs7-signature"))
    return false;
  if (p.disposition == "attachment") return true;
  if (p.type == "image" && !p.id.empty()) return false;
  if (p.type == "text" && (p.subtype == "plain" || p.subtype == "html" || p.subtype == "enriched"))
    return is_param(p.disposition_params, "filename") || is_param(p.params, "name");
  return true;
}

}  // namespace

imap::Criteria criteria(const Filter& f, const SearchWays& ways) {
  imap::Criteria c;
  const auto asked = [&](const std::string& words) {
    return !words.empty() && (!ways.ascii_only || mime::is_ascii(words));
  };
  if (!f.deleted) c.deleted(false);
  if (f.seen) c.seen(*f.seen);
  if (f.flagged) c.flagged(*f.flagged);
  if (f.answered) c.answered(*f.answered);
  if (f.draft) c.draft(*f.draft);
  for (const std::string& k : f.keywords) c.keyword(k);
  for (const std::string& k : f.without_keywords) c.keyword(k, false);
  // A server's day may begin 12 hours after and 14 hours before that of UTC.
  if (f.since_s) c.since(day_of(*f.since_s - 12 * kHour));
  if (f.before_s) c.before(day_of(*f.before_s - 1 + 14 * kHour + kDay));
  if (f.larger) c.larger(*f.larger);
  if (f.smaller) c.smaller(*f.smaller);
  if (asked(f.from)) c.from(f.from);
  if (asked(f.to)) c.to(f.to);
  if (asked(f.cc)) c.cc(f.cc);
  if (asked(f.bcc)) c.bcc(f.bcc);
  if (asked(f.subject)) c.subject(f.subject);
  for (const auto& [name, value] : f.headers)
    if (value.empty() || asked(value)) c.header(name, value);
  if (!f.thread.empty()) {
    const bool of_server = f.thread.find('@') == std::string::npos;
    if (ways.object_id && of_server) {
      c.thread_id(f.thread);
    } else if (ways.gmail && of_server) {
      c.gmail_thread_id(f.thread);
    } else if (asked(f.thread)) {
      imap::Criteria own, references, reply;
      own.header("Message-ID", f.thread);
      references.header("References", f.thread);
      reply.header("In-Reply-To", f.thread);
      c.either(own, imap::Criteria().either(references, reply));
    }
  }
  if (!f.gmail_raw.empty()) {
    if (!ways.gmail)
      throw Failure(Errc::unsupported, "the server does not know Gmail's search words", "gmail_raw",
                    "Use the other filters; gmail_raw is for Gmail accounts");
    c.gmail_raw(f.gmail_raw);
  }
  // What servers read the messages for comes last.
  if (asked(f.body)) c.body(f.body);
  if (asked(f.text)) c.text(f.text);
  return c;
}

bool matches(const Filter& f, const Summary& s) {
  const imap::MessageRow& row = s.row;
  const mime::Message& m = s.message;
  if (!f.deleted && has_flag(row, "\\Deleted")) return false;
  if (!flag_is(row, "\\Seen", f.seen) || !flag_is(row, "\\Flagged", f.flagged) ||
      !flag_is(row, "\\Answered", f.answered) || !flag_is(row, "\\Draft", f.draft))
    return false;
  for (const std::string& k : f.keywords)
    if (!flag_is(row, k, true)) return false;
  for (const std::string& k : f.without_keywords)
    if (!flag_is(row, k, false)) return false;
  if (row.internal_date_s) {
    if (f.since_s && *row.internal_date_s < *f.since_s) return false;
    if (f.before_s && *row.internal_date_s >= *f.before_s) return false;
  }
  if (row.size) {
    if (f.larger && *row.size <= *f.larger) return false;
    if (f.smaller && *row.size >= *f.smaller) return false;
  }
  if (f.has_attachment && row.structure && (s.attachments > 0) != *f.has_attachment) return false;
  if (!address_holds(m, "From", m.from, f.from) || !address_holds(m, "To", m.to, f.to) ||
      !address_holds(m, "Cc", m.cc, f.cc) || !address_holds(m, "Bcc", m.bcc, f.bcc))
    return false;
  if (!f.subject.empty() && !field_holds(m, "Subject", f.subject)) return false;
  for (const auto& [name, value] : f.headers)
    if (!field_holds(m, name, value)) return false;
  return f.thread.empty() || in_thread(s, f.thread);
}

bool matches_text(const Filter& f, const mime::Message& m) {
  std::string hay = m.text.value_or("");
  if (m.html) hay += "\n" + *m.html;
  if (!holds(hay, folded(f.body))) return false;
  if (f.text.empty()) return true;
  for (const mime::HeaderField& h : m.headers) hay += "\n" + h.name + ": " + h.value + "\n" + h.raw;
  for (const mime::Attachment& a : m.attachments) hay += "\n" + a.filename.value_or("");
  return holds(hay, folded(f.text));
}

std::size_t attachments_in(const imap::BodyPart& top) {
  std::size_t n = 0;
  std::vector<const imap::BodyPart*> open{&top};  // BODYSTRUCTURE's depth and parts are limited by the parser
  while (!open.empty()) {
    const imap::BodyPart* p = open.back();
    open.pop_back();
    if (p->type == "multipart")
      for (const imap::BodyPart& child : p->parts) open.push_back(&child);
    else
      n += is_file(*p);
  }
  return n;
}

}  // namespace mailroom::read
