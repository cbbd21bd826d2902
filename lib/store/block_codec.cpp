#include "store/block_codec.hpp"

#include <zstd.h>

#include <cassert>
#include <memory>
#include <optional>

namespace sluice::store {
namespace {

// Layout before compression: format, rows, times, columns, then key and values of each column. Numbers are LEB128.
constexpr std::uint64_t kFormat = 1;
constexpr std::uint64_t kRowsMax = 1U << 16;
constexpr std::uint64_t kColumnsMax = 1U << 12;
constexpr std::uint64_t kPlainBytesMax = 16U << 20;
// Blocks are made a few times an hour: a high level costs nothing that anybody notices.
constexpr int kCompressionLevel = 12;

// Small differences of either sign become small unsigned numbers: 0, −1, 1, −2 → 0, 1, 2, 3.
std::uint64_t zigzag(std::int64_t number) {
  return (static_cast<std::uint64_t>(number) << 1) ^ static_cast<std::uint64_t>(number >> 63);
}
std::int64_t unzigzag(std::uint64_t code) {
  return static_cast<std::int64_t>(code >> 1) ^ -static_cast<std::int64_t>(code & 1);
}
// Wraps instead of overflowing; `apply` undoes it for every pair.
std::int64_t difference(std::int64_t now, std::int64_t before) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(now) - static_cast<std::uint64_t>(before));
}
std::int64_t apply(std::int64_t before, std::int64_t difference) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(before) + static_cast<std::uint64_t>(difference));
}

class Writer {
 public:
  void number(std::uint64_t value) {
    while (value >= 0x80) {
      bytes_.push_back(static_cast<std::byte>(value | 0x80));
      value >>= 7;
    }
    bytes_.push_back(static_cast<std::byte>(value));
  }
  const std::vector<std::byte>& bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

/// Remembers that it ran past the end or met a malformed number; every number after that is 0.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : bytes_(bytes) {}
  std::uint64_t number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (bytes_.empty()) break;
      const auto byte = static_cast<std::uint64_t>(bytes_.front());
      bytes_ = bytes_.subspan(1);
      value |= (byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return value;
    }
    failed_ = true;
    return 0;
  }
  std::uint64_t number_up_to(std::uint64_t limit) {
    const std::uint64_t value = number();
    if (value <= limit) return value;
    failed_ = true;
    return 0;
  }
  bool failed() const { return failed_; }
  bool at_end() const { return bytes_.empty(); }

 private:
  std::span<const std::byte> bytes_;
  bool failed_ = false;
};

void write_times(Writer& writer, const std::vector<std::int64_t>& times) {
  std::int64_t before = 0;
  for (const std::int64_t time : times) {
    writer.number(zigzag(difference(time, before)));
    before = time;
  }
}

void write_values(Writer& writer, const std::vector<std::int32_t>& values) {
  std::int64_t before = 0;
  for (const std::int32_t value : values) {
    if (value == kMissing) {
      writer.number(0);
      continue;
    }
    writer.number(1 + zigzag(value - before));
    before = value;
  }
}

std::optional<std::int32_t> next_value(Reader& reader, std::int64_t& before) {
  const std::uint64_t code = reader.number();
  if (code == 0) return kMissing;
  const std::int64_t value = apply(before, unzigzag(code - 1));
  if (value <= kMissing || value > std::numeric_limits<std::int32_t>::max()) return std::nullopt;
  before = value;
  return static_cast<std::int32_t>(value);
}

Result<Column> read_column(Reader& reader, std::size_t rows) {
  Column column;
  column.key = static_cast<std::uint32_t>(reader.number_up_to(std::numeric_limits<std::uint32_t>::max()));
  column.values.reserve(rows);
  std::int64_t before = 0;
  while (column.values.size() < rows) {
    const auto value = next_value(reader, before);
    if (!value || reader.failed()) return fail(ErrorKind::protocol, "history block: impossible value");
    column.values.push_back(*value);
  }
  return column;
}

Result<std::vector<std::byte>> decompress(std::span<const std::byte> bytes) {
  const std::uint64_t size = ZSTD_getFrameContentSize(bytes.data(), bytes.size());
  if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN || size > kPlainBytesMax) {
    return fail(ErrorKind::protocol, "history block: not one of ours");
  }
  std::vector<std::byte> plain(size);
  const std::size_t got = ZSTD_decompress(plain.data(), plain.size(), bytes.data(), bytes.size());
  if (ZSTD_isError(got) != 0 || got != size) {
    return fail(ErrorKind::protocol, "history block: {}", ZSTD_getErrorName(got));
  }
  return plain;
}

Result<std::vector<std::byte>> compress(const std::vector<std::byte>& plain) {
  const std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context(ZSTD_createCCtx(), &ZSTD_freeCCtx);
  if (!context) return fail(ErrorKind::internal, "history block: no memory to compress it");
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, kCompressionLevel);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
  std::vector<std::byte> packed(ZSTD_compressBound(plain.size()));
  const std::size_t size = ZSTD_compress2(context.get(), packed.data(), packed.size(), plain.data(), plain.size());
  if (ZSTD_isError(size) != 0) return fail(ErrorKind::internal, "history block: {}", ZSTD_getErrorName(size));
  packed.resize(size);
  return packed;
}

}  // namespace

Result<std::vector<std::byte>> encode(const Block& block) {
  assert(block.times_s.size() <= kRowsMax && block.columns.size() <= kColumnsMax);
  Writer writer;
  writer.number(kFormat);
  writer.number(block.times_s.size());
  writer.number(block.columns.size());
  write_times(writer, block.times_s);
  for (const Column& column : block.columns) {
    assert(column.values.size() == block.times_s.size());
    writer.number(column.key);
    write_values(writer, column.values);
  }
  return compress(writer.bytes());
}

Result<Block> decode(std::span<const std::byte> bytes) {
  const auto plain = decompress(bytes);
  if (!plain) return tl::unexpected(plain.error());
  Reader reader(*plain);
  if (reader.number() != kFormat) return fail(ErrorKind::protocol, "history block: unknown format");
  const std::uint64_t rows = reader.number_up_to(kRowsMax);
  const std::uint64_t columns = reader.number_up_to(kColumnsMax);
  if (reader.failed()) return fail(ErrorKind::protocol, "history block: impossible size");
  Block block;
  for (std::int64_t before = 0; block.times_s.size() < rows && !reader.failed();) {
    before = apply(before, unzigzag(reader.number()));
    block.times_s.push_back(before);
  }
  while (block.columns.size() < columns) {
    auto column = read_column(reader, rows);
    if (!column) return tl::unexpected(column.error());
    block.columns.push_back(std::move(*column));
  }
  if (reader.failed() || !reader.at_end()) return fail(ErrorKind::protocol, "history block: wrong length");
  return block;
}

}  // namespace sluice::store
