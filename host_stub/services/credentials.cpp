#include "services/credentials.hpp"

namespace aoh::host {
namespace {

constexpr std::string_view kStaged = "~new";  // no id that a person gives has a tilde

}  // namespace

Credentials::Credentials(Db& db, Vault& vault) : db_(db), vault_(vault) {
  db_.exec(
      "CREATE TABLE IF NOT EXISTS credentials(id TEXT PRIMARY KEY, type TEXT NOT NULL, version INTEGER NOT "
      "NULL, record TEXT NOT NULL)"
      " WITHOUT ROWID;");
  // Left by a process that died while it tried one.
  std::vector<std::string> left;
  {
    Statement s(db_, "SELECT id FROM credentials WHERE id GLOB '*~new'");
    while (s.step()) left.push_back(s.text(0));
  }
  for (const std::string& id : left) remove(id);
}

void Credentials::put(const Json& record, const std::map<std::string, Secret>& secrets) {
  const std::string id = record["id"].str();
  {
    Transaction t(db_);
    std::int64_t version = 1;
    {
      Statement s(db_, "SELECT version FROM credentials WHERE id=?");
      if (s.with(id).step()) version = s.integer(0) + 1;
    }
    Json stored = record;
    stored.set("version", version);
    {
      Statement s(db_, "INSERT OR REPLACE INTO credentials(id, type, version, record) VALUES(?,?,?,?)");
      s.with(id, record["type"].str(), version, stored.dump()).run();
    }
    for (const auto& [field, value] : secrets) vault_.put(id, field, value);
    t.commit();
  }
  changed(id);
}

std::optional<Json> Credentials::get(std::string_view id) const {
  Statement s(db_, "SELECT record FROM credentials WHERE id=?");
  if (!s.with(id).step()) return std::nullopt;
  return Json::parse(s.text(0));
}

std::vector<Json> Credentials::list() const {
  std::vector<Json> out;
  Statement s(db_, "SELECT record FROM credentials WHERE id NOT GLOB '*~new' ORDER BY id");
  while (s.step()) out.push_back(Json::parse(s.text(0)));
  return out;
}

bool Credentials::remove(std::string_view id) {
  bool was = false;
  {
    Transaction t(db_);
    {
      Statement s(db_, "DELETE FROM credentials WHERE id=?");
      was = s.with(id).run() > 0;
    }
    vault_.remove_all(id);
    t.commit();
  }
  if (was) changed(std::string(id));
  return was;
}

bool Credentials::forget_secrets(std::string_view id) {
  const bool had = !vault_.fields(id).empty();
  vault_.remove_all(id);
  if (had) changed(std::string(id));
  return had;
}

std::string Credentials::stage(const Json& record, const std::map<std::string, Secret>& secrets) {
  const std::string id = record["id"].str(), name = id + std::string(kStaged);
  std::map<std::string, Secret> all;
  for (const std::string& field : vault_.fields(id))
    if (auto entry = vault_.read(id, field)) all[field] = std::move(entry->secret);
  for (const auto& [field, secret] : secrets) all[field] = secret.clone();
  Json staged = record;
  staged.set("id", name);
  remove(name);
  put(staged, all);
  const std::lock_guard lock(staged_mutex_);
  auto& versions = staged_[id];
  versions.clear();
  for (const std::string& field : vault_.fields(name))
    if (const auto entry = vault_.read(name, field)) versions[field] = entry->version;
  return name;
}

void Credentials::unstage(const std::string& id, std::map<std::string, Secret>& secrets) {
  const std::string name = id + std::string(kStaged);
  const bool on_record = get(id).has_value();
  const std::lock_guard lock(staged_mutex_);
  const auto& versions = staged_[id];
  for (const std::string& field : vault_.fields(name)) {
    auto entry = vault_.read(name, field);
    const auto before = versions.find(field);
    if (!entry || (before != versions.end() && before->second == entry->version)) continue;
    if (on_record) vault_.put(id, field, entry->secret);
    secrets[field] = std::move(entry->secret);
  }
  staged_.erase(id);
  remove(name);
}

int Credentials::listen(std::function<void(const std::string&)> fn) {
  const std::lock_guard lock(listeners_mutex_);
  listeners_.emplace(next_, std::move(fn));
  return next_++;
}
void Credentials::unlisten(int number) {
  const std::lock_guard lock(listeners_mutex_);
  listeners_.erase(number);
}
void Credentials::changed(const std::string& id) {
  const std::lock_guard lock(listeners_mutex_);
  const auto now = listeners_;  // one may take itself back while it runs
  for (const auto& [number, fn] : now)
    if (listeners_.count(number)) fn(id);
}

}  // namespace aoh::host
