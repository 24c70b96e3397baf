#include "services/knowledge.hpp"

#include <algorithm>
#include <limits>

#include "aoh/services/knowledge.h"
#include "services/faults.hpp"

namespace aoh::host {
namespace {

enum State : int { kBegun = 0, kThere = 1, kGone = 2 };

constexpr std::size_t kMaxTitle = 1000, kMaxName = 500, kMaxFacts = 32, kMaxFact = 1024;

[[noreturn]] void invalid(const std::string& why) { throw KnowledgeError(AOH_E_INVALID, why); }
[[noreturn]] void full(const std::string& why) { throw KnowledgeError(AOH_E_BUSY, why); }

/// What a removal by `key` compares: addresses are the same in any case of letters, a Message-ID with and
/// without its brackets.
std::string comparable(std::string_view key, std::string_view value) {
  if (key == "message_id" && value.size() > 2 && value.front() == '<' && value.back() == '>')
    value = value.substr(1, value.size() - 2);
  std::string out(value);
  if (key == "sender")
    for (char& c : out)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string text_of(const Json& info, const char* key, std::size_t most) {
  const Json& v = info[key];
  if (!v.is_null() && !v.is_string()) invalid(std::string("\"") + key + "\" of a document must be a string");
  return std::string(utf8_prefix(valid_utf8(v.str()), most));
}

/// Runs fn, and says of a full disk what a full knowledge base says.
template <class Fn>
auto with_room(Fn&& fn) {
  try {
    return fn();
  } catch (const StoreError& e) {
    if (e.kind == StoreError::Kind::disk_full) full(std::string("the knowledge base: ") + e.what());
    throw;
  }
}

}  // namespace

/// A document that is being written. Its mutex lets one append at a time work on it.
struct Knowledge::Begun {
  std::mutex mutex;
  std::string module, id, title;
  std::int64_t number = 0, expires_s = 0;
  std::uint64_t bytes = 0;  // as they came, which is what counts for the limits
  std::int64_t passages = 0;
  std::vector<Passage> waiting;
  std::size_t waiting_bytes = 0;
  bool broken = false;  // something is missing in it: it can only be abandoned
  PassageCutter cutter{[this](Passage p) {
    waiting_bytes += p.text.size();
    waiting.push_back(std::move(p));
  }};
};

Json Knowledge::Document::json() const {
  Json out{{"id", id},
           {"title", title},
           {"bytes", bytes},
           {"passages", passages},
           {"put_unix_s", put_s},
           {"expires_unix_s", expires_s},
           {"provenance", provenance}};
  out.set_if(!mime_type.empty(), "mime_type", mime_type).set_if(!filename.empty(), "filename", filename);
  return out;
}

Knowledge::Knowledge(Db& db, Clock& clock) : Knowledge(db, clock, Limits{}) {}

Knowledge::Knowledge(Db& db, Clock& clock, Limits limits) : db_(db), clock_(clock), limits_(limits) {
  db_.exec(
      "CREATE TABLE IF NOT EXISTS documents(number INTEGER PRIMARY KEY AUTOINCREMENT, module TEXT NOT NULL, "
      "id "
      "TEXT NOT NULL, state INTEGER NOT NULL, title TEXT, mime_type TEXT, filename TEXT, provenance TEXT, "
      "bytes "
      "INTEGER NOT NULL DEFAULT 0, passages INTEGER NOT NULL DEFAULT 0, put_s INTEGER, expires_s INTEGER);"
      "CREATE UNIQUE INDEX IF NOT EXISTS documents_id ON documents(module, id) WHERE state=1;"
      "CREATE INDEX IF NOT EXISTS documents_end ON documents(state, expires_s);"
      "CREATE TABLE IF NOT EXISTS facts(document INTEGER, key TEXT, value TEXT, PRIMARY KEY(document, key)) "
      "WITHOUT ROWID;"
      "CREATE INDEX IF NOT EXISTS facts_value ON facts(key, value);"
      "CREATE TABLE IF NOT EXISTS places(passage INTEGER PRIMARY KEY, document INTEGER NOT NULL, place TEXT);"
      "CREATE INDEX IF NOT EXISTS places_document ON places(document, passage);"
      "CREATE VIRTUAL TABLE IF NOT EXISTS texts USING fts5(title, text, tokenize='unicode61 "
      "remove_diacritics 2');"
      "PRAGMA secure_delete=ON;");
  {
    Statement s(db_, "SELECT coalesce(sum(bytes),0) FROM documents");
    if (s.step()) used_ = static_cast<std::uint64_t>(s.integer(0));
  }
  try {
    retire("state=0", [](Statement&) {});
    tidy();
  } catch (const StoreError& e) {
    if (e.kind != StoreError::Kind::disk_full) throw;
  } catch (const KnowledgeError&) {  // a full disk: what is there can be searched all the same
  }
}

Knowledge::~Knowledge() = default;

std::int64_t Knowledge::now_s() const { return clock_.wall_ns() / 1'000'000'000; }

std::shared_ptr<Knowledge::Begun> Knowledge::begun(std::string_view module, std::uint64_t document) const {
  const std::lock_guard lock(mutex_);
  const auto it = begun_.find(document);
  return it != begun_.end() && it->second->module == module ? it->second : nullptr;
}

std::uint64_t Knowledge::begin(std::string_view module, std::string_view id, const Json& info) {
  if (id.empty() || id.size() > AOH_KNOWLEDGE_MAX_ID || valid_utf8(id) != id)
    invalid("a document's id has 1 to 256 bytes of UTF-8");
  if (!info.is_object()) invalid("what is told of a document must be a JSON object");
  const Json& provenance = info["provenance"];
  if (!provenance.is_null() && !provenance.is_object()) invalid("a document's provenance must be an object");
  auto document = std::make_shared<Begun>();
  document->module = module;
  document->id = id;
  document->title = text_of(info, "title", kMaxTitle);
  const std::string mime_type = text_of(info, "mime_type", kMaxName);
  const std::string filename = text_of(info, "filename", kMaxName);
  const std::int64_t now = now_s(), last = now + limits_.keep_s;
  document->expires_s = std::min(info["expires_unix_s"].integer(last), last);
  if (document->expires_s <= now) invalid("the document's expires_unix_s has passed");
  tidy();
  std::uint64_t given = 0;
  {
    const std::lock_guard lock(mutex_);
    if (begun_.size() >= limits_.begun)
      full(std::to_string(begun_.size()) + " documents are being written already; end one first");
    given = next_++;
    begun_.emplace(given, document);
  }
  try {
    with_room([&] {
      Transaction t(db_, "knowledge.begin");
      {
        Statement count(db_, "SELECT count(*) FROM documents");
        if (count.step() && static_cast<std::size_t>(count.integer(0)) >= limits_.documents)
          full("the knowledge base holds " + std::to_string(limits_.documents) +
               " documents and takes no more; remove some with `kb remove`");
      }
      Statement(db_,
                "INSERT INTO documents(module, id, state, title, mime_type, filename, provenance) "
                "VALUES(?,?,0,?,?,?,?)")
          .with(module, id, document->title, mime_type, filename,
                provenance.is_null() ? std::string("{}") : provenance.dump())
          .run();
      document->number = db_.last_insert_id();
      std::size_t facts = 0;
      for (const auto& [key, value] : provenance.members()) {
        if (!value.is_string() && !value.is_int()) continue;
        const std::string text = value.is_string() ? value.str() : value.dump();
        if (text.size() > kMaxFact || ++facts > kMaxFacts)
          invalid("a document's provenance has at most 32 facts of at most 1,024 bytes");
        Statement(db_, "INSERT INTO facts(document, key, value) VALUES(?,?,?)")
            .with(document->number, key, comparable(key, text))
            .run();
      }
      t.commit();
    });
  } catch (...) {
    const std::lock_guard lock(mutex_);
    begun_.erase(given);
    throw;
  }
  return given;
}

void Knowledge::append(std::string_view module, std::uint64_t number, std::string_view text) {
  const auto document = begun(module, number);
  if (!document) throw KnowledgeError(AOH_E_NOT_FOUND, "there is no document of that number being written");
  const std::lock_guard one(document->mutex);
  if (document->broken)
    throw KnowledgeError(AOH_E_STATE, "a piece of this document could not be stored; begin it anew");
  document->broken = true;  // until all of this went well
  if (text.size() > limits_.document_bytes - document->bytes)
    full("a document of the knowledge base has at most " + std::to_string(limits_.document_bytes >> 20) +
         " MiB of text");
  {
    const std::lock_guard lock(mutex_);
    if (text.size() > limits_.total_bytes - std::min(limits_.total_bytes, used_))
      full("the knowledge base is full (" + std::to_string(limits_.total_bytes >> 20) +
           " MiB of text); remove documents with `kb remove`");
    used_ += text.size();
    document->bytes += text.size();
  }
  document->cutter.feed(text);
  if (document->waiting_bytes >= limits_.flush_bytes) flush(*document);
  document->broken = false;
}

/// Stops before the disk is full: on one that is, nothing could be removed either.
void Knowledge::need_disk() const {
  std::error_code ec;
  const auto space = std::filesystem::space(db_.file().parent_path(), ec);
  if (ec || space.available >= limits_.reserve_bytes) return;
  std::uint64_t within = 0;  // the database's own pages that are free again
  Statement s(db_, "SELECT freelist_count * page_size FROM pragma_freelist_count, pragma_page_size");
  if (s.step()) within = static_cast<std::uint64_t>(s.integer(0));
  if (space.available + within < limits_.reserve_bytes)
    full("the knowledge base: the disk is full (less than " + std::to_string(limits_.reserve_bytes >> 20) +
         " MiB are left below " + db_.file().parent_path().string() +
         "). Free space, or remove documents with `kb remove`; nothing was lost");
}

/// What waits goes into the tables, in one transaction.
void Knowledge::flush(Begun& d) {
  need_disk();
  with_room([&] {
    Transaction t(db_, "knowledge.append");
    {
      Statement passage(db_, "INSERT INTO texts(title, text) VALUES(?,?)");
      Statement place(db_, "INSERT INTO places(passage, document, place) VALUES(?,?,?)");
      for (const Passage& p : d.waiting) {
        // The title is found with the first passage, so that it does not count a thousand times.
        const bool first = d.passages++ == 0;
        passage.again().with(first ? std::string_view(d.title) : std::string_view(), p.text).run();
        place.again().with(db_.last_insert_id(), d.number, p.place).run();
      }
    }
    Statement(db_, "UPDATE documents SET bytes=?, passages=? WHERE number=?")
        .with(static_cast<std::int64_t>(d.bytes), d.passages, d.number)
        .run();
    t.commit();
  });
  d.waiting.clear();
  d.waiting_bytes = 0;
}

Knowledge::Put Knowledge::commit(std::string_view module, std::uint64_t number) {
  const auto document = begun(module, number);
  if (!document) throw KnowledgeError(AOH_E_NOT_FOUND, "there is no document of that number being written");
  const std::lock_guard one(document->mutex);
  {
    const std::lock_guard lock(mutex_);
    if (begun_.erase(number) == 0)
      throw KnowledgeError(AOH_E_NOT_FOUND, "there is no document of that number being written");
  }
  Put put;
  try {
    if (document->broken)
      throw KnowledgeError(AOH_E_STATE, "a piece of this document could not be stored; begin it anew");
    faults::point("knowledge.commit", document->id);
    document->cutter.end();
    // A document without words is found by its title.
    if (document->passages == 0 && document->waiting.empty()) document->waiting.push_back({{}, {}});
    with_room([&] {
      Transaction t(db_, "knowledge.commit");
      flush(*document);
      put.replaced = Statement(db_, "UPDATE documents SET state=2 WHERE module=? AND id=? AND state=1")
                         .with(module, document->id)
                         .run() > 0;
      Statement(db_, "UPDATE documents SET state=1, put_s=?, expires_s=? WHERE number=?")
          .with(now_s(), document->expires_s, document->number)
          .run();
      t.commit();
    });
  } catch (...) {
    give_up(*document);
    throw;
  }
  put.id = document->id;
  put.bytes = static_cast<std::int64_t>(document->bytes);
  put.passages = document->passages;
  if (put.replaced) sweep();
  return put;
}

/// The rows of one that will not be committed. On a full disk they stay until there is room.
void Knowledge::give_up(const Begun& d) {
  try {
    Statement(db_, "UPDATE documents SET state=2, bytes=? WHERE number=?")
        .with(static_cast<std::int64_t>(d.bytes), d.number)
        .run();
    sweep();
  } catch (const StoreError&) {  // found at the next start
  }
}

bool Knowledge::abandon(std::string_view module, std::uint64_t number) {
  const auto document = begun(module, number);
  if (!document) return false;
  const std::lock_guard one(document->mutex);
  {
    const std::lock_guard lock(mutex_);
    if (begun_.erase(number) == 0) return false;
  }
  give_up(*document);
  return true;
}

void Knowledge::abandon_all(std::string_view module) {
  std::vector<std::uint64_t> numbers;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [number, d] : begun_)
      if (d->module == module) numbers.push_back(number);
  }
  for (const auto number : numbers) abandon(module, number);
}

/// Marks documents as gone; the number of them. They are not found from now on.
std::uint64_t Knowledge::retire(std::string_view where, const std::function<void(Statement&)>& bind) {
  {
    Statement look(db_, std::string("SELECT 1 FROM documents WHERE ") + std::string(where) + " LIMIT 1");
    bind(look);
    if (!look.step()) return 0;  // nothing is written where there is nothing to do: the disk may be full
  }
  Statement s(db_, std::string("UPDATE documents SET state=2 WHERE ") + std::string(where));
  bind(s);
  return static_cast<std::uint64_t>(s.run());
}

/// The rows of documents that are gone, some at a time, so that others get their turn in between.
void Knowledge::sweep() {
  constexpr int kAtOnce = 200;
  const std::lock_guard one(sweeping_);
  for (;;) {
    std::int64_t number = 0, bytes = 0;
    {
      Statement s(db_, "SELECT number, bytes FROM documents WHERE state=2 LIMIT 1");
      if (!s.step()) return;
      number = s.integer(0);
      bytes = s.integer(1);
    }
    for (bool more = true; more;) {
      Transaction t(db_, "knowledge.sweep");
      std::vector<std::int64_t> passages;
      {
        Statement s(db_, "SELECT passage FROM places WHERE document=? LIMIT ?");
        s.with(number, kAtOnce);
        while (s.step()) passages.push_back(s.integer(0));
      }
      for (const auto passage : passages) {
        Statement(db_, "DELETE FROM texts WHERE rowid=?").with(passage).run();
        Statement(db_, "DELETE FROM places WHERE passage=?").with(passage).run();
      }
      more = !passages.empty();
      if (!more) {
        Statement(db_, "DELETE FROM facts WHERE document=?").with(number).run();
        Statement(db_, "DELETE FROM documents WHERE number=?").with(number).run();
      }
      t.commit();
    }
    const std::lock_guard lock(mutex_);
    used_ -= std::min(used_, static_cast<std::uint64_t>(bytes));
  }
}

void Knowledge::tidy() {
  const std::int64_t now = now_s();
  with_room([&] {
    retire("state=1 AND expires_s<=?", [&](Statement& s) { s.with(now); });
    sweep();
  });
}

void Knowledge::compact() {
  // Until its parts are merged the index keeps the words of what was removed, and the log keeps the pages.
  db_.exec("INSERT INTO texts(texts) VALUES('optimize'); PRAGMA wal_checkpoint(TRUNCATE);");
}

bool Knowledge::remove(std::string_view module, std::string_view id) {
  const auto n = retire("state=1 AND module=? AND id=?", [&](Statement& s) { s.with(module, id); });
  if (n) sweep();
  return n != 0;
}

bool Knowledge::remove(std::int64_t number) {
  const auto n = retire("state=1 AND number=?", [&](Statement& s) { s.with(number); });
  if (n) sweep();
  return n != 0;
}

std::uint64_t Knowledge::remove_by(std::string_view module, std::string_view key, std::string_view value) {
  const std::string wanted = comparable(key, value);
  const auto n = retire(
      "state=1 AND (?1='' OR module=?1) AND number IN (SELECT document FROM facts WHERE key=?2 AND value=?3)",
      [&](Statement& s) { s.with(module, key, wanted); });
  if (n) sweep();
  return n;
}

}  // namespace aoh::host
