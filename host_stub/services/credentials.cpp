#include "services/credentials.hpp"

namespace aoh::host {

Credentials::Credentials(Db& db, Vault& vault) : db_(db), vault_(vault) {
  db_.exec(
      "CREATE TABLE IF NOT EXISTS credentials(id TEXT PRIMARY KEY, type TEXT NOT NULL, version INTEGER NOT "
      "NULL, record TEXT NOT NULL)"
      " WITHOUT ROWID;");
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
  Statement s(db_, "SELECT record FROM credentials ORDER BY id");
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
