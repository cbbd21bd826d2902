#include "store/sqlite.hpp"

#include <sqlite3.h>

#include <cstdio>
#include <cstring>
#include <system_error>
#include <utility>

namespace sluice::store {
namespace {

constexpr int kLockWaitMs = 2000;

struct Finalize {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using StatementPtr = std::unique_ptr<sqlite3_stmt, Finalize>;

ErrorKind kind_of(int code) {
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return ErrorKind::timeout;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return ErrorKind::protocol;
    default:
      return ErrorKind::io;
  }
}

bool operating_system_knows_more(int code) {
  const int primary = code & 0xff;
  return primary == SQLITE_CANTOPEN || primary == SQLITE_IOERR || primary == SQLITE_READONLY;
}

Error error_of(sqlite3* handle, int code) {
  std::string text = handle != nullptr ? sqlite3_errmsg(handle) : sqlite3_errstr(code);
  if (handle != nullptr && operating_system_knows_more(code)) {
    const int number = sqlite3_system_errno(handle);
    if (number != 0) text += ": " + std::generic_category().message(number);
  }
  return Error{kind_of(code), std::move(text)};
}

tl::unexpected<Error> failure(sqlite3* handle) {
  return tl::unexpected<Error>(error_of(handle, sqlite3_extended_errcode(handle)));
}

int bind(sqlite3_stmt* statement, int index, const SqlValue& value) {
  struct Binder {
    sqlite3_stmt* statement;
    int index;
    int operator()(std::nullptr_t) const { return sqlite3_bind_null(statement, index); }
    int operator()(std::int64_t number) const { return sqlite3_bind_int64(statement, index, number); }
    int operator()(double number) const { return sqlite3_bind_double(statement, index, number); }
    int operator()(std::string_view text) const {
      return sqlite3_bind_text64(statement, index, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
    }
    int operator()(std::span<const std::byte> blob) const {
      return sqlite3_bind_blob64(statement, index, blob.data(), blob.size(), SQLITE_STATIC);
    }
  };
  return std::visit(Binder{statement, index}, value);
}

Result<StatementPtr> prepare(sqlite3* handle, const char* sql, std::initializer_list<SqlValue> values) {
  sqlite3_stmt* raw = nullptr;
  if (sqlite3_prepare_v2(handle, sql, -1, &raw, nullptr) != SQLITE_OK) return failure(handle);
  StatementPtr statement(raw);
  int index = 0;
  for (const SqlValue& value : values) {
    if (bind(raw, ++index, value) != SQLITE_OK) return failure(handle);
  }
  return statement;
}

Result<void> check_every_page(Database& database) {
  std::string verdict;
  const auto read = [&](const SqlRow& row) { verdict = verdict.empty() ? row.text(0) : verdict; };
  if (auto checked = database.query("PRAGMA quick_check(1)", {}, read); !checked) return checked;
  if (verdict != "ok") return fail(ErrorKind::protocol, "{}", verdict);
  return {};
}

Result<Database> open_file(const std::string& path, const FileFormat& format) {
  auto database = Database::open(path, Database::Access::read_write);
  if (!database) return database;
  if (auto set = database->execute(format.pragmas); !set) return tl::unexpected(set.error());
  if (format.check_whole_file) {
    if (auto checked = check_every_page(*database); !checked) return tl::unexpected(checked.error());
  }
  if (auto migrated = migrate(*database, format.steps); !migrated) return tl::unexpected(migrated.error());
  return database;
}

}  // namespace

Result<void> set_aside(const std::string& path, std::string_view damage, WallTime now, Log& log) {
  const std::string aside = fmt::format("{}.corrupt-{}", path, unix_ms(now) / 1000);
  if (std::rename(path.c_str(), aside.c_str()) != 0) {
    return fail(ErrorKind::io, "{} is damaged and cannot be renamed: {}", path, std::generic_category().message(errno));
  }
  // The log belongs to the damaged file: left in place it would be replayed into the fresh one.
  std::rename((path + "-wal").c_str(), (aside + "-wal").c_str());
  std::remove((path + "-shm").c_str());
  log.error("store", "{} is damaged ({}): kept as {}, a fresh file is begun", path, damage, aside);
  return {};
}

bool SqlRow::is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }
std::int64_t SqlRow::integer(int column) const { return sqlite3_column_int64(statement_, column); }
double SqlRow::real(int column) const { return sqlite3_column_double(statement_, column); }

std::string SqlRow::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  return bytes == nullptr ? std::string() : std::string(bytes, sqlite3_column_bytes(statement_, column));
}

std::span<const std::byte> SqlRow::blob(int column) const {
  const auto* bytes = static_cast<const std::byte*>(sqlite3_column_blob(statement_, column));
  return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

void Database::Close::operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }

Result<Database> Database::open(const std::string& path, Access access) {
  const int flags = access == Access::read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &raw, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  Database database(raw);
  if (code != SQLITE_OK) return tl::unexpected<Error>(error_of(raw, code));
  sqlite3_busy_timeout(raw, kLockWaitMs);
  return database;
}

Result<void> Database::execute(const char* script) {
  if (sqlite3_exec(handle(), script, nullptr, nullptr, nullptr) != SQLITE_OK) return failure(handle());
  return {};
}

Result<void> Database::run(const char* sql, std::initializer_list<SqlValue> values) {
  return query(sql, values, [](const SqlRow&) {});
}

Result<void> Database::query(const char* sql, std::initializer_list<SqlValue> values,
                             const std::function<void(const SqlRow&)>& on_row) {
  auto statement = prepare(handle(), sql, values);
  if (!statement) return tl::unexpected(statement.error());
  int code = sqlite3_step(statement->get());
  for (; code == SQLITE_ROW; code = sqlite3_step(statement->get())) on_row(SqlRow(statement->get()));
  if (code != SQLITE_DONE) return failure(handle());
  return {};
}

Result<std::int64_t> Database::integer(const char* sql, std::initializer_list<SqlValue> values) {
  std::int64_t number = 0;
  auto done = query(sql, values, [&](const SqlRow& row) { number = row.integer(0); });
  if (!done) return tl::unexpected(done.error());
  return number;
}

Result<Transaction> Transaction::begin(Database& database) {
  if (auto begun = database.run("BEGIN IMMEDIATE"); !begun) return tl::unexpected(begun.error());
  return Transaction(database);
}

Transaction::~Transaction() {
  // After some failures SQLite has rolled back by itself; saying it again is an error that changes nothing.
  if (database_ != nullptr) static_cast<void>(database_->run("ROLLBACK"));
}

Result<void> Transaction::commit() {
  auto committed = database_->run("COMMIT");
  if (committed) database_ = nullptr;
  return committed;
}

Result<void> migrate(Database& database, std::span<const char* const> steps) {
  const auto known = static_cast<std::int64_t>(steps.size());
  auto version = database.integer("PRAGMA user_version");
  if (!version) return tl::unexpected(version.error());
  if (*version > known) {
    return fail(ErrorKind::unsupported,
                "its schema is version {}, this Sluice knows versions up to {}: install the newer Sluice again or move "
                "the file away",
                *version, known);
  }
  for (std::int64_t next = *version; next < known; ++next) {
    auto transaction = Transaction::begin(database);
    if (!transaction) return tl::unexpected(transaction.error());
    if (auto done = database.execute(steps[static_cast<std::size_t>(next)]); !done) return done;
    const std::string stamp = fmt::format("PRAGMA user_version = {}", next + 1);
    if (auto done = database.run(stamp.c_str()); !done) return done;
    if (auto done = transaction->commit(); !done) return done;
  }
  return {};
}

Result<Database> open_or_begin_anew(const std::string& path, const FileFormat& format, WallTime now, Log& log) {
  auto database = open_file(path, format);
  if (!database && database.error().kind == ErrorKind::protocol) {
    if (auto done = set_aside(path, database.error().text, now, log); !done) return tl::unexpected(done.error());
    database = open_file(path, format);
  }
  if (!database) return fail(database.error().kind, "{}: {}", path, database.error().text);
  return database;
}

}  // namespace sluice::store
