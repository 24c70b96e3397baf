#include "bounce/take_report.hpp"

#include <algorithm>

#include "host/suppressions.hpp"
#include "mime/ascii.hpp"
#include "outbox/store.hpp"

namespace mailroom::bounce {
namespace {

using deliver::Consequence;

constexpr int kAttempts = 10;  // at a record that its sender is writing, too

std::optional<aoh::Json> parsed(const std::string& text) {
  try {
    return aoh::Json::parse(text);
  } catch (const aoh::JsonError&) {
    return std::nullopt;
  }
}

/// By the Message-ID's index, else by an ENVID, which is the record's id where we gave one.
std::optional<deliver::SentFact> look_up(const host::Services& services, std::string_view message_id,
                                         std::string_view envelope_id) {
  std::string id;
  if (!message_id.empty())
    if (const auto index = services.state.get(outbox::sent_key(message_id)))
      if (const auto json = parsed(index->text)) id = (*json)["outbox_id"].str();
  const bool may_be_id =
      envelope_id.size() <= 64 && std::all_of(envelope_id.begin(), envelope_id.end(),
                                              [](char c) { return mime::is_alpha(c) || mime::is_digit(c); });
  if (id.empty() && may_be_id) id = envelope_id;
  if (id.empty()) return std::nullopt;
  const auto value = services.state.get("outbox/" + id);
  const auto record = value ? parsed(value->text) : std::nullopt;
  if (!record || (!message_id.empty() && (*record)["message_id"].str() != message_id)) return std::nullopt;
  deliver::SentFact fact{id, (*record)["credential_id"].str(), {}};
  for (const aoh::Json& to : (*record)["to"].items()) fact.recipients.push_back(to.str());
  return fact;
}

const char* field_of(Consequence::Kind kind) {
  return kind == Consequence::Kind::delayed ? "delayed" : "bounced";
}

aoh::Json note_of(const Consequence& c, std::int64_t now_ns) {
  aoh::Json note{{"kind", std::string(name(c.kind))}, {"at_unix_ns", now_ns}};
  note.set_if(!c.status.empty(), "status", c.status);
  note.set_if(!c.diagnostic.empty(), "diagnostic", printable(c.diagnostic));
  return note;
}

/// Whether the record tells of it already. A delay is no news once there is anything.
bool is_noted(const aoh::Json& recipient, const Consequence& c) {
  const aoh::Json& bounced = recipient["bounced"];
  if (c.kind == Consequence::Kind::delayed) return !bounced.is_null() || !recipient["delayed"].is_null();
  return bounced["kind"].str() == name(c.kind) && bounced["status"].str() == c.status &&
         bounced["diagnostic"].str() == printable(c.diagnostic);
}

/// The recipients of the record, one for each address of its envelope that has none yet.
aoh::Json recipients_of(const aoh::Json& record) {
  aoh::Json out = aoh::Json::array();
  for (const aoh::Json& r : record["recipients"].items()) out.push(r);
  for (const aoh::Json& to : record["to"].items()) {
    const bool there = std::any_of(out.items().begin(), out.items().end(),
                                   [&](const aoh::Json& r) { return r["address"].str() == to.str(); });
    if (!there) out.push(aoh::Json{{"address", to.str()}});
  }
  return out;
}

/// The consequences that the record does not tell of.
std::vector<Consequence> news(const aoh::Json& record, const std::vector<Consequence>& all) {
  std::vector<Consequence> out;
  const aoh::Json recipients = recipients_of(record);
  for (const Consequence& c : all)
    for (const aoh::Json& r : recipients.items())
      if (r["address"].str() == c.address && !is_noted(r, c)) {
        out.push_back(c);
        break;
      }
  return out;
}

aoh::Json with_notes(aoh::Json record, const std::vector<Consequence>& fresh, std::int64_t now_ns) {
  const aoh::Json old = recipients_of(record);
  aoh::Json recipients = aoh::Json::array();
  for (aoh::Json r : old.items()) {
    for (const Consequence& c : fresh)
      if (r["address"].str() == c.address) r.set(field_of(c.kind), note_of(c, now_ns));
    recipients.push(std::move(r));
  }
  return record.set("recipients", std::move(recipients)).set("updated_unix_ns", now_ns);
}

}  // namespace

Taken take_report(const host::Services& services, std::string_view credential_id,
                  const deliver::Report& report) {
  const deliver::Consequences found = deliver::consequences_of(
      report, credential_id, [&](std::string_view message_id, std::string_view envelope_id) {
        return look_up(services, message_id, envelope_id);
      });
  Taken taken;
  taken.outbox_id = found.outbox_id;
  taken.ignored = found.ignored;
  if (found.each.empty()) return taken;
  const std::string key = "outbox/" + found.outbox_id;
  const std::int64_t now = services.clock.wall_ns();
  for (int i = 0; i < kAttempts; ++i) {
    const auto value = services.state.get(key);
    const auto record = value ? parsed(value->text) : std::nullopt;
    if (!record) return taken;  // expired meanwhile
    const std::vector<Consequence> fresh = news(*record, found.each);
    if (fresh.empty()) return taken;
    // Before the note, which says that all this is done.
    for (const Consequence& c : fresh) {
      if (!c.suppresses()) continue;
      host::Suppression s;
      s.credential_id = credential_id;
      s.address = c.address;
      s.reason = c.kind == Consequence::Kind::complaint ? host::Suppression::Reason::complaint
                                                        : host::Suppression::Reason::bounce;
      s.status = c.status;
      s.said = c.diagnostic;
      s.message_id = (*record)["message_id"].str();
      s.since_unix_ns = now;
      if (host::suppress(services, std::move(s))) taken.suppressed.push_back(c.address);
    }
    if (services.state.apply({{key, with_notes(*record, fresh, now).dump(), value->version, false}})) {
      for (const Consequence& c : fresh) taken.noted.push_back(c.address);
      return taken;
    }
  }
  throw Failure(Errc::temporary, "the outbox record is being changed by others", key);
}

}  // namespace mailroom::bounce
