#include "outbox/store.hpp"

#include <utility>

#include "host/sha256.hpp"

namespace mailroom::outbox {
namespace {

std::string key_of(const std::string& id) { return "outbox/" + id; }
std::string due_key(const std::string& id) { return "due/" + id; }

// Queued: it must go. Committing: whoever finds it after a crash must say that it is uncertain. Sent: its
// copy or what else follows is owed.
bool needs_work(const Record& r) {
  return r.state == State::queued || r.state == State::committing ||
         (r.state == State::sent && (r.sent_copy == SentCopy::pending || !r.then.is_null()));
}
bool needs_bytes(const Record& r) {
  return !r.over() || (r.state == State::sent && r.sent_copy == SentCopy::pending);
}

}  // namespace

std::string sent_key(std::string_view message_id) {
  return "sent/" + host::sha256_hex(message_id).substr(0, 32);
}

std::string Store::id_of(std::string_view credential_id, std::string_view scope, std::string_view key) {
  // Lengths in front: no two different triples make the same text.
  std::string text;
  for (const std::string_view part : {credential_id, scope, key})
    text += std::to_string(part.size()) + ":" + std::string(part) + ";";
  return host::sha256_hex(text).substr(0, 32);
}

Store::Claim::~Claim() {
  const std::lock_guard lock(outbox_.mutex_);
  outbox_.claimed_.erase(id_);
  outbox_.released_.notify_all();
}

std::shared_ptr<Store::Claim> Store::claim(const std::string& id, std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  if (!released_.wait_for(lock, patience, [&] { return !claimed_.contains(id); })) return nullptr;
  claimed_.insert(id);
  return std::make_shared<Claim>(*this, id);
}

std::optional<Store::Entry> Store::find(const std::string& id) const {
  const auto value = services_.state.get(key_of(id));
  if (!value) return std::nullopt;
  auto record = Record::from_json(aoh::Json::parse(value->text));
  if (!record)
    throw Failure(Errc::state, "the outbox record cannot be read", "outbox/" + id,
                  "host-stub outbox show has it");
  Entry entry{std::move(*record), value->version};
  entry.due = needs_work(entry.record);
  if (entry.record.state == State::committing) {
    const std::lock_guard lock(mutex_);
    if (const auto known = unsaved_.find(id);
        known != unsaved_.end() && known->second.version == entry.version) {
      entry.record = known->second.record;
      entry.unsaved = true;
    }
  }
  return entry;
}

void Store::keep_unsaved(const Entry& entry) {
  const std::lock_guard lock(mutex_);
  unsaved_.insert_or_assign(entry.record.id, entry);
}

bool Store::has_unsaved(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  return unsaved_.contains(id);
}

bool Store::held(const Record& record) const {
  if (record.broadcast.empty()) return false;
  const auto value = services_.state.get(key_of(record.broadcast));
  if (!value) return false;
  const aoh::Json job = aoh::Json::parse(value->text);
  const std::string& state = job["broadcast_state"].str();
  return state == "paused" || state == "cancelled" || job["state"].str() == "cancelled";
}

Store::Entry Store::prepare(Record record, const mime::Composed& composed, const std::string& subject) const {
  record.subject = subject;
  record.message_id = composed.message_id;
  record.from = composed.envelope_from;
  record.to = composed.envelope_to;
  record.smtputf8 = composed.smtputf8;
  record.warnings = composed.warnings;
  record.size = composed.bytes.size();
  record.sha256 = host::sha256_hex(composed.bytes);
  record.created_unix_ns = services_.clock.wall_ns();
  record.blob =
      services_.make_blob({}, aoh::Json{{"mime_type", "message/rfc822"}}, composed.bytes)["id"].str();
  Entry entry{std::move(record), 0};
  save(entry);
  return entry;
}

void Store::save(Entry& entry, std::vector<aoh::State::Put> with) const {
  const bool free_bytes = !needs_bytes(entry.record);
  std::string blob;
  if (free_bytes) blob = std::exchange(entry.record.blob, {});
  try {
    write(entry, std::move(with));
  } catch (...) {
    if (free_bytes) entry.record.blob = std::move(blob);
    throw;
  }
  // After the record: a crash in between leaves bytes that nobody needs, never a record without its bytes.
  if (!blob.empty()) try {
      services_.blobs.remove(blob);
    } catch (const aoh::StatusError& e) {
      services_.log.warn("the bytes of a message that was sent could not be freed",
                         aoh::Json{{"outbox_id", entry.record.id}, {"blob", blob}, {"status", e.status}});
    }
}

void Store::write(Entry& entry, std::vector<aoh::State::Put> with) const {
  Record& r = entry.record;
  r.updated_unix_ns = services_.clock.wall_ns();
  const bool due = needs_work(r);
  if (due)
    with.push_back({due_key(r.id), aoh::Json{{"credential_id", r.credential_id}}.dump()});
  else if (entry.due)
    with.push_back({due_key(r.id), {}, AOH_STATE_ANY_VERSION, true});
  if (r.state == State::committing)
    with.push_back({sent_key(r.message_id), aoh::Json{{"outbox_id", r.id}}.dump()});
  with.push_back({key_of(r.id), r.to_json().dump(), entry.version, false});
  if (!services_.state.apply(with))
    throw Failure(Errc::temporary, "the outbox record was changed by somebody else meanwhile",
                  "outbox/" + r.id, "Call again with the same idempotency_key");
  entry.due = due;
  entry.unsaved = false;
  {
    const std::lock_guard lock(mutex_);
    unsaved_.erase(r.id);
  }
  // Versions grow with each write; only the store knows by how much.
  const auto now = services_.state.get(key_of(r.id));
  if (!now) throw Failure(Errc::internal, "the outbox record is gone after writing it", "outbox/" + r.id);
  entry.version = now->version;
}

std::string Store::bytes(const Record& record) const {
  std::string out = services_.blob(record.blob, {}, 64u << 20);
  if (out.size() != record.size)
    throw Failure(Errc::state, "the stored message is not as it was prepared", "outbox/" + record.id);
  return out;
}

std::vector<std::string> Store::due(std::string_view after, std::uint32_t limit) const {
  std::vector<std::string> out;
  const std::string start = after.empty() ? std::string() : due_key(std::string(after));
  const aoh::Json keys = services_.state.list("due/", start, limit);
  for (const aoh::Json& row : keys.items()) out.push_back(row["key"].str().substr(4));
  return out;
}

bool Store::withdraw(const std::string& id) const {
  const auto entry = find(id);
  if (!entry || entry->record.state != State::queued) return false;
  if (!services_.state.apply(
          {{due_key(id), {}, AOH_STATE_ANY_VERSION, true}, {key_of(id), {}, entry->version, true}}))
    return false;
  try {
    services_.blobs.remove(entry->record.blob);
  } catch (const aoh::StatusError& e) {
    services_.log.warn("the bytes of a message that was taken back could not be freed",
                       aoh::Json{{"outbox_id", id}, {"status", e.status}});
  }
  return true;
}

namespace {

// Blobs that a record holds, also a broadcast's.
std::vector<std::string> blobs_of(const aoh::Json& record) {
  std::vector<std::string> out;
  for (const char* field : {"blob", "lines"})
    if (!record[field].str().empty()) out.push_back(record[field].str());
  for (const aoh::Json& a : record["attachments"].items())
    if (!a["blob"].str().empty()) out.push_back(a["blob"].str());
  return out;
}

}  // namespace

std::string Store::expire(const std::string& after, std::uint32_t limit) const {
  const std::int64_t now = services_.clock.wall_ns();
  const aoh::Json keys =
      services_.state.list("outbox/", after.empty() ? std::string() : key_of(after), limit);
  std::string last;
  for (const aoh::Json& row : keys.items()) {
    const std::string key = row["key"].str();
    last = key.substr(7);
    const auto value = services_.state.get(key);
    if (!value) continue;
    const aoh::Json record = aoh::Json::parse(value->text);
    const std::string& state = record["state"].str();
    if (state == "queued" || state == "committing") continue;  // still to come to an end
    const std::int64_t keep = state == "uncertain" ? kKeepUncertain : kKeep;
    if (record["updated_unix_ns"].integer() + keep > now) continue;
    std::vector<aoh::State::Put> puts{{key, {}, value->version, true},
                                      {due_key(last), {}, AOH_STATE_ANY_VERSION, true},
                                      {"outbox-links/" + last, {}, AOH_STATE_ANY_VERSION, true}};
    if (!record["message_id"].str().empty())
      puts.push_back({sent_key(record["message_id"].str()), {}, AOH_STATE_ANY_VERSION, true});
    if (!services_.state.apply(puts)) continue;
    for (const std::string& blob : blobs_of(record)) try {
        services_.blobs.remove(blob);
      } catch (const aoh::StatusError& e) {
        services_.log.warn("the bytes of an expired outbox record could not be freed",
                           aoh::Json{{"outbox_id", last}, {"status", e.status}});
      }
  }
  return keys.size() < limit ? std::string() : last;
}

void Store::drop_due(const std::string& id) const {
  services_.state.apply({{due_key(id), {}, AOH_STATE_ANY_VERSION, true}});
}

}  // namespace mailroom::outbox
