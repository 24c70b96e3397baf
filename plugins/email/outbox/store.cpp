#include "tools/outbox.hpp"

#include <openssl/evp.h>

#include <utility>

namespace mailroom::tools {
namespace {

std::string key_of(const std::string& id) { return "outbox/" + id; }

}  // namespace

std::string sha256_hex(std::string_view bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned n = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest, &n, EVP_sha256(), nullptr) != 1)
    throw Failure(Errc::internal, "SHA-256 is not available");
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (unsigned i = 0; i < n; ++i) {
    out += kHex[digest[i] >> 4];
    out += kHex[digest[i] & 15];
  }
  return out;
}

std::string Outbox::id_of(std::string_view credential_id, std::string_view scope, std::string_view key) {
  // Lengths in front: no two different triples make the same text.
  std::string text;
  for (const std::string_view part : {credential_id, scope, key})
    text += std::to_string(part.size()) + ":" + std::string(part) + ";";
  return sha256_hex(text).substr(0, 32);
}

Outbox::Claim::~Claim() {
  const std::lock_guard lock(outbox_.mutex_);
  outbox_.claimed_.erase(id_);
}

std::shared_ptr<Outbox::Claim> Outbox::claim(const std::string& id) {
  const std::lock_guard lock(mutex_);
  if (!claimed_.insert(id).second) return nullptr;
  return std::make_shared<Claim>(*this, id);
}

std::optional<Outbox::Entry> Outbox::find(const std::string& id) const {
  const auto value = services_.state.get(key_of(id));
  if (!value) return std::nullopt;
  auto record = OutboxRecord::from_json(aoh::Json::parse(value->text));
  if (!record)
    throw Failure(Errc::state, "the outbox record cannot be read", "outbox/" + id,
                  "host-stub outbox show has it");
  return Entry{std::move(*record), value->version};
}

Outbox::Entry Outbox::prepare(OutboxRecord record, const mime::Composed& composed,
                              const std::string& subject) const {
  record.state = OutboxState::prepared;
  record.subject = subject;
  record.message_id = composed.message_id;
  record.from = composed.envelope_from;
  record.to = composed.envelope_to;
  record.smtputf8 = composed.smtputf8;
  record.size = composed.bytes.size();
  record.created_unix_ns = services_.clock.wall_ns();
  record.blob =
      services_.make_blob({}, aoh::Json{{"mime_type", "message/rfc822"}}, composed.bytes)["id"].str();
  Entry entry{std::move(record), 0};
  save(entry);
  return entry;
}

void Outbox::save(Entry& entry) const {
  const bool over = entry.record.state == OutboxState::sent || entry.record.state == OutboxState::refused;
  std::string blob;
  if (over) blob = std::exchange(entry.record.blob, {});
  try {
    write(entry);
  } catch (...) {
    if (over) entry.record.blob = std::move(blob);
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

void Outbox::write(Entry& entry) const {
  entry.record.updated_unix_ns = services_.clock.wall_ns();
  if (!services_.state.apply(
          {{key_of(entry.record.id), entry.record.to_json().dump(), entry.version, false}}))
    throw Failure(Errc::temporary, "the outbox record was changed by somebody else meanwhile",
                  "outbox/" + entry.record.id, "Call again with the same idempotency_key");
  // Versions grow with each write; only the store knows by how much.
  const auto now = services_.state.get(key_of(entry.record.id));
  if (!now)
    throw Failure(Errc::internal, "the outbox record is gone after writing it", "outbox/" + entry.record.id);
  entry.version = now->version;
}

std::string Outbox::bytes(const OutboxRecord& record) const {
  std::string out = services_.blob(record.blob, {}, 64u << 20);
  if (out.size() != record.size)
    throw Failure(Errc::state, "the stored message is not as it was prepared", "outbox/" + record.id);
  return out;
}

}  // namespace mailroom::tools
