#include "store/link_record.hpp"

#include "base/error.hpp"
#include "deliver/sigv4.hpp"

namespace mailroom::store {
namespace {

using S = LinkRecord::State;
constexpr std::pair<S, const char*> kNames[] = {{S::uploading, "uploading"},
                                                {S::ready, "ready"},
                                                {S::failed, "failed"},
                                                {S::revoked, "revoked"},
                                                {S::expired, "expired"}};
constexpr std::string_view kPrefix = "links/";

std::string key_of(std::string_view id) { return std::string(kPrefix) + std::string(id); }

[[noreturn]] void broken(const aoh::StatusError& e, const char* what) {
  throw Failure(host::from_status(e.status, what));
}

}  // namespace

const char* name(S state) {
  for (const auto& [s, n] : kNames)
    if (s == state) return n;
  return "failed";
}

std::string link_id(std::string_view object_key) { return deliver::sha256_hex_of(object_key).substr(0, 24); }

aoh::Json LinkRecord::json() const {
  aoh::Json j{{"id", id},
              {"kind", "link"},
              {"state", name(state)},
              {"summary", filename},
              {"store", store},
              {"object_key", object_key},
              {"filename", filename},
              {"size", size},
              {"sha256", sha256},
              {"signed_unix_s", signed_s},
              {"expires_unix_s", expires_s},
              {"created_unix_ns", created_ns},
              {"updated_unix_ns", updated_ns}};
  j.set_if(!credential.empty(), "credential_id", credential);
  j.set_if(!message_id.empty(), "message_id", message_id);
  j.set_if(!outbox_id.empty(), "outbox_id", outbox_id);
  j.set_if(!upload_id.empty(), "upload_id", upload_id);
  j.set_if(!error.empty(), "error", error);
  return j;
}

std::optional<LinkRecord> LinkRecord::from(const aoh::Json& j) {
  LinkRecord r;
  r.id = j["id"].str();
  r.object_key = j["object_key"].str();
  r.store = j["store"].str();
  bool known = false;
  for (const auto& [s, n] : kNames)
    if (j["state"].str() == n) {
      r.state = s;
      known = true;
    }
  if (!known || r.id.empty() || r.object_key.empty() || r.store.empty()) return std::nullopt;
  r.credential = j["credential_id"].str();
  r.filename = j["filename"].str();
  r.sha256 = j["sha256"].str();
  r.size = static_cast<std::uint64_t>(std::max<std::int64_t>(0, j["size"].integer()));
  r.signed_s = j["signed_unix_s"].integer();
  r.expires_s = j["expires_unix_s"].integer();
  r.message_id = j["message_id"].str();
  r.outbox_id = j["outbox_id"].str();
  r.upload_id = j["upload_id"].str();
  r.error = j["error"].str();
  r.created_ns = j["created_unix_ns"].integer();
  r.updated_ns = j["updated_unix_ns"].integer();
  return r;
}

std::optional<LinkRecord> LinkTable::find(std::string_view id) const {
  if (id.empty() || id.size() > 64) return std::nullopt;
  try {
    const auto value = services_.state.get(key_of(id));
    return value ? LinkRecord::from(aoh::Json::parse(value->text)) : std::nullopt;
  } catch (const aoh::StatusError& e) {
    broken(e, "the link's record could not be read");
  }
}

void LinkTable::save(LinkRecord& record) const {
  try {
    record.updated_ns = services_.clock.wall_ns();
    if (record.created_ns == 0) record.created_ns = record.updated_ns;
    services_.state.apply({{key_of(record.id), record.json().dump()}});
  } catch (const aoh::StatusError& e) {
    broken(e, "the link's record could not be written");
  }
}

std::vector<LinkRecord> LinkTable::all(std::size_t most) const {
  std::vector<LinkRecord> out;
  try {
    std::string after;
    for (;;) {
      const aoh::Json page = services_.state.list(kPrefix, after, 500);
      for (const aoh::Json& row : page.items()) {
        after = row["key"].str();
        if (out.size() == most) return out;
        if (auto r = find(std::string_view(after).substr(kPrefix.size()))) out.push_back(std::move(*r));
      }
      if (page.size() < 500) return out;
    }
  } catch (const aoh::StatusError& e) {
    broken(e, "the links' records could not be listed");
  }
}

void LinkTable::forget(std::string_view id) const {
  try {
    services_.state.apply({{key_of(id), "", AOH_STATE_ANY_VERSION, true}});
  } catch (const aoh::StatusError& e) {
    broken(e, "the link's record could not be removed");
  }
}

}  // namespace mailroom::store
