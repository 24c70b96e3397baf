// Short ways to say statements and named transactions on the host's store, for sessions and triggers.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>

#include "services/store.hpp"

namespace aoh::host {

/// A statement being stepped through row by row. While it lives, its thread holds the store.
class Rows {
 public:
  Rows(Db& db, std::string_view sql) : statement_(std::make_unique<Statement>(db, sql)) {}
  bool next() { return statement_->step(); }  ///< false at the end
  std::int64_t integer(int column) const { return statement_->integer(column); }
  std::string text(int column) const { return statement_->text(column); }
  bool null(int column) const { return statement_->null(column); }
  Statement& statement() { return *statement_; }

 private:
  std::unique_ptr<Statement> statement_;
};

/// A view of the store; copies mean the same one. Thread-safe. Everything throws StoreError.
class Sql {
 public:
  explicit Sql(Db& db) : db_(&db) {}

  template <class... Args>
  Rows query(std::string_view sql, const Args&... args) const {
    Rows rows(*db_, sql);
    int index = 0;
    (bind(rows.statement(), ++index, args), ...);
    return rows;
  }
  /// Runs a statement that gives no rows; the number of rows that it changed.
  template <class... Args>
  std::int64_t run(std::string_view sql, const Args&... args) const {
    return query(sql, args...).statement().run();
  }
  std::int64_t last_id() const { return db_->last_insert_id(); }

  /// Runs f in one transaction: all of it or, when it throws, nothing. `name` is the detail of the store's
  /// fault points.
  template <class F>
  auto write(std::string_view name, F&& f) const {
    Transaction transaction(*db_, name);
    if constexpr (std::is_void_v<decltype(f())>) {
      f();
      transaction.commit();
    } else {
      auto result = f();
      transaction.commit();
      return result;
    }
  }
  /// Changes whenever another process has written.
  std::int64_t data_version() const {
    Rows rows = query("PRAGMA data_version");
    return rows.next() ? rows.integer(0) : 0;
  }
  Db& db() const { return *db_; }

 private:
  template <class T>
  static void bind(Statement& statement, int index, const T& value) {
    if constexpr (std::is_integral_v<T>) {
      statement.bind(index, static_cast<std::int64_t>(value));
    } else {
      statement.bind(index, std::string_view(value));
    }
  }

  Db* db_;
};

/// Makes the tables of sessions, ledger, events, blueprints and sources where they are missing.
void create_tables(const Sql& sql);

}  // namespace aoh::host
