#include "sim/gz_lines.hpp"

#include <zlib.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace sluice::sim {

struct GzLines::File {
  gzFile_s* handle = nullptr;
  char buffer[256] = {};
  explicit File(gzFile_s* opened) : handle(opened) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() { gzclose(handle); }
};

GzLines::GzLines(std::string path, std::unique_ptr<File> file) : path_(std::move(path)), file_(std::move(file)) {}
GzLines::GzLines(GzLines&&) noexcept = default;
GzLines& GzLines::operator=(GzLines&&) noexcept = default;
GzLines::~GzLines() = default;

Result<GzLines> GzLines::open(const std::string& path) {
  gzFile_s* const handle = gzopen(path.c_str(), "rb");
  if (handle == nullptr) return fail(ErrorKind::not_found, "{}: cannot be opened; a gzip CSV is wanted", path);
  return GzLines(path, std::make_unique<File>(handle));
}

bool GzLines::next(std::string_view& line) {
  if (gzgets(file_->handle, file_->buffer, sizeof file_->buffer) == nullptr) return false;
  ++number_;
  line = file_->buffer;
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
  return true;
}

Result<void> GzLines::end() const {
  int error = Z_OK;
  const char* const why = gzerror(file_->handle, &error);
  if (error != Z_OK && error != Z_STREAM_END) return fail(ErrorKind::invalid, "{}: damaged: {}", path_, why);
  return {};
}

std::string_view take_cell(std::string_view& row) {
  const std::string_view cell = row.substr(0, row.find(','));
  row.remove_prefix(std::min(cell.size() + 1, row.size()));
  return cell;
}

bool take_number(std::string_view& row, double& value) {
  const std::string_view cell = take_cell(row);
  const auto [stop, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  return error == std::errc{} && stop == cell.data() + cell.size();
}

}  // namespace sluice::sim
