#pragma once
/// SQLite as values: the only files that include sqlite3.h are those of this folder. Errors carry SQLite's words and
/// these kinds: `timeout` = locked by another process, `protocol` = damaged or not a database, `unsupported` = written
/// by a newer version of Sluice, `io` = everything else (disk full, read-only, missing directory).

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/log.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace sluice::store {

/// One bound parameter. Text and blobs are only read during the call that takes them.
using SqlValue = std::variant<std::nullptr_t, std::int64_t, double, std::string_view, std::span<const std::byte>>;

/// The current row of a query; columns count from 0. Views end with the row.
class SqlRow {
 public:
  explicit SqlRow(sqlite3_stmt* statement) : statement_(statement) {}
  bool is_null(int column) const;
  std::int64_t integer(int column) const;
  double real(int column) const;
  std::string text(int column) const;
  std::span<const std::byte> blob(int column) const;

 private:
  sqlite3_stmt* statement_;
};

/// One connection. Used by one thread at a time.
class Database {
 public:
  enum class Access { read_only, read_write };

  /// Opens, or creates with `read_write`. Waits up to two seconds for a lock, here and in every later call.
  static Result<Database> open(const std::string& path, Access access);

  /// Several statements without parameters.
  Result<void> execute(const char* script);
  /// One statement; the rows it may return are thrown away.
  Result<void> run(const char* sql, std::initializer_list<SqlValue> values = {});
  /// One statement, `on_row` for each row.
  Result<void> query(const char* sql, std::initializer_list<SqlValue> values,
                     const std::function<void(const SqlRow&)>& on_row);
  /// First column of the first row; 0 when there is no row.
  Result<std::int64_t> integer(const char* sql, std::initializer_list<SqlValue> values = {});
  /// For what the wrapper does not offer; owned by this object.
  sqlite3* handle() const { return handle_.get(); }

 private:
  struct Close {
    void operator()(sqlite3* handle) const;
  };
  explicit Database(sqlite3* handle) : handle_(handle) {}

  std::unique_ptr<sqlite3, Close> handle_;
};

/// Everything between construction and `commit` happens or does not. Rolls back when destroyed uncommitted.
class Transaction {
 public:
  static Result<Transaction> begin(Database& database);
  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  Result<void> commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}

  Database* database_;
};

/// `steps[n]` is the script that takes schema version n (`user_version`) to n + 1. Each runs in one transaction, so a
/// power cut leaves the old or the new schema. A file newer than `steps` is left untouched: `unsupported`.
Result<void> migrate(Database& database, std::span<const char* const> steps);

/// How a file of ours is opened.
struct FileFormat {
  const char* pragmas;                 ///< set on every connection, page size first
  std::span<const char* const> steps;  ///< see `migrate`
  bool check_whole_file = false;       ///< reads every page at open; for small files
};

/// Renames a damaged file that nobody has open to `<path>.corrupt-<unix seconds>`, together with its write-ahead log,
/// and tells `log`.
Result<void> set_aside(const std::string& path, std::string_view damage, WallTime now, Log& log);

/// Opens `path` for writing, sets pragmas, migrates. A damaged file is set aside and a fresh one is begun.
Result<Database> open_or_begin_anew(const std::string& path, const FileFormat& format, WallTime now, Log& log);

}  // namespace sluice::store
