// The host's durable store: one SQLite database in WAL mode, every commit on the disk before it counts.
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

struct sqlite3;
struct sqlite3_stmt;

namespace aoh::host {

/// The store failed. `disk_full` and `read_only` have a cure of their own in what().
struct StoreError : std::runtime_error {
  enum class Kind { other, disk_full, read_only, busy, corrupt };
  StoreError(Kind k, const std::string& what) : std::runtime_error(what), kind(k) {}
  Kind kind;
};

class Db;

/// A prepared statement while it is used. Parameters are numbered from 1, columns from 0.
class Statement {
 public:
  Statement(Db& db, std::string_view sql);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& bind(int index, std::int64_t value);
  Statement& bind(int index, int value) { return bind(index, static_cast<std::int64_t>(value)); }
  Statement& bind(int index, std::string_view text);
  Statement& bind(int index, const char* text) { return bind(index, std::string_view(text)); }
  Statement& bind_blob(int index, std::string_view bytes);
  Statement& bind_null(int index);
  /// Binds all, from parameter 1 on.
  template <class... A>
  Statement& with(const A&... values) {
    int i = 0;
    (bind(++i, values), ...);
    return *this;
  }

  /// To be bound and run once more.
  Statement& again();

  /// True while there is a row.
  bool step();
  /// Runs a statement that gives no rows; the number of rows it changed.
  int run();

  std::int64_t integer(int column) const;
  double real(int column) const;
  std::string text(int column) const;  ///< text or blob; "" when null
  bool null(int column) const;

 private:
  Db& db_;
  sqlite3_stmt* s_ = nullptr;
};

/// A database handle. Thread-safe: every use holds its mutex, which Transaction keeps from BEGIN to COMMIT.
class Db {
 public:
  /// Opens or makes the file (0600), WAL, synchronous=FULL. Throws StoreError with the path and a cure.
  explicit Db(const std::filesystem::path& file);
  ~Db();
  Db(const Db&) = delete;
  Db& operator=(const Db&) = delete;

  /// Statements without parameters or rows; several at once. For schemas: `CREATE TABLE IF NOT EXISTS`.
  void exec(const char* sql);
  std::int64_t last_insert_id() const;
  const std::filesystem::path& file() const { return file_; }

 private:
  friend class Statement;
  friend class Transaction;
  [[noreturn]] void fail(std::string_view doing) const;
  std::filesystem::path file_;
  std::recursive_mutex mutex_;
  sqlite3* db_ = nullptr;
  int depth_ = 0;
  bool doomed_ = false;  // an inner transaction was given up: the outermost must not commit its half
};

/// BEGIN IMMEDIATE to COMMIT, or rolled back when it is left without commit(). Nested ones join the outer
/// one; only the outermost commits, and throws if an inner one was left without commit(). Fault points:
/// store.begin, store.commit (before the commit reaches the disk), store.committed; their detail is `name`.
class Transaction {
 public:
  explicit Transaction(Db& db, std::string_view name = {});
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  Db& db_;
  std::string_view name_;
  std::unique_lock<std::recursive_mutex> lock_;
  bool done_ = false;
};

}  // namespace aoh::host
