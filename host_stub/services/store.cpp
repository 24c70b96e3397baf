#include "services/store.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include "services/faults.hpp"

namespace aoh::host {
namespace {
// SQLite says "disk I/O error" when it is the shared-memory file that found no room.
bool no_room(const std::filesystem::path& file) {
  std::error_code ec;
  const auto space = std::filesystem::space(file.parent_path(), ec);
  return !ec && space.available < (64u << 10);
}
}  // namespace

void Db::fail(std::string_view doing) const {
  const int code = db_ ? sqlite3_extended_errcode(db_) : SQLITE_CANTOPEN;
  const std::string where = std::string(doing) + " in " + file_.string() + " failed: ";
  const std::string said = db_ ? sqlite3_errmsg(db_) : "cannot be opened";
  switch ((code & 0xFF) == SQLITE_IOERR && no_room(file_) ? SQLITE_FULL : code & 0xFF) {
    case SQLITE_FULL:
      throw StoreError(StoreError::Kind::disk_full,
                       where + "the disk is full. Free space; nothing was lost and work goes on then");
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
      throw StoreError(StoreError::Kind::read_only,
                       where + said + ". Check the owner and the rights of the home folder");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      throw StoreError(StoreError::Kind::corrupt, where + said + ". Restore the home from a backup");
    case SQLITE_BUSY:
      throw StoreError(StoreError::Kind::busy,
                       where + "another process holds it. Is a host-stub run on this home?");
    default:
      throw StoreError(StoreError::Kind::other, where + said);
  }
}

Db::Db(const std::filesystem::path& file) : file_(file) {
  const int fd = ::open(file.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  if (fd < 0) fail("opening the store");
  ::close(fd);
  if (sqlite3_open_v2(file.c_str(), &db_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr) !=
      SQLITE_OK) {
    try {
      fail("opening the store");
    } catch (...) {
      sqlite3_close(db_);
      throw;
    }
  }
  sqlite3_busy_timeout(db_, 10'000);
  try {
    exec("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;");
  } catch (...) {
    sqlite3_close(db_);
    throw;
  }
}

Db::~Db() { sqlite3_close_v2(db_); }

void Db::exec(const char* sql) {
  const std::lock_guard lock(mutex_);
  if (sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail("a statement");
}

std::int64_t Db::last_insert_id() const { return sqlite3_last_insert_rowid(db_); }

Statement::Statement(Db& db, std::string_view sql) : db_(db) {
  db_.mutex_.lock();
  if (sqlite3_prepare_v2(db_.db_, sql.data(), static_cast<int>(sql.size()), &s_, nullptr) != SQLITE_OK) {
    try {
      db_.fail("preparing a statement");
    } catch (...) {
      db_.mutex_.unlock();
      throw;
    }
  }
}

Statement::~Statement() {
  sqlite3_finalize(s_);
  db_.mutex_.unlock();
}

Statement& Statement::bind(int index, std::int64_t value) {
  sqlite3_bind_int64(s_, index, value);
  return *this;
}
Statement& Statement::bind(int index, std::string_view text) {
  sqlite3_bind_text64(s_, index, text.data() ? text.data() : "", text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  return *this;
}
Statement& Statement::bind_blob(int index, std::string_view bytes) {
  sqlite3_bind_blob64(s_, index, bytes.data() ? bytes.data() : "", bytes.size(), SQLITE_TRANSIENT);
  return *this;
}
Statement& Statement::bind_null(int index) {
  sqlite3_bind_null(s_, index);
  return *this;
}

Statement& Statement::again() {
  sqlite3_reset(s_);
  return *this;
}

bool Statement::step() {
  switch (sqlite3_step(s_)) {
    case SQLITE_ROW:
      return true;
    case SQLITE_DONE:
      return false;
    default:
      db_.fail("a statement");
  }
}
int Statement::run() {
  while (step()) {
  }
  return sqlite3_changes(db_.db_);
}

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(s_, column); }
double Statement::real(int column) const { return sqlite3_column_double(s_, column); }
std::string Statement::text(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(s_, column));
  return bytes ? std::string(bytes, static_cast<std::size_t>(sqlite3_column_bytes(s_, column)))
               : std::string();
}
bool Statement::null(int column) const { return sqlite3_column_type(s_, column) == SQLITE_NULL; }

Transaction::Transaction(Db& db, std::string_view name) : db_(db), name_(name), lock_(db.mutex_) {
  if (db_.depth_ == 0) {
    faults::point("store.begin", name_);
    db_.exec("BEGIN IMMEDIATE");
  }
  ++db_.depth_;
}

Transaction::~Transaction() {
  --db_.depth_;
  if (db_.depth_ > 0) {
    db_.doomed_ = db_.doomed_ || !done_;
    return;
  }
  db_.doomed_ = false;
  if (!done_ && !sqlite3_get_autocommit(db_.db_))
    sqlite3_exec(db_.db_, "ROLLBACK", nullptr, nullptr, nullptr);
}

void Transaction::commit() {
  if (db_.depth_ == 1) {
    if (db_.doomed_)
      throw StoreError(StoreError::Kind::other,
                       "a transaction was not committed: a part of it had been given up");
    faults::point("store.commit", name_);
    db_.exec("COMMIT");
    done_ = true;
    faults::point("store.committed", name_);
  }
  done_ = true;
}

}  // namespace aoh::host
