#include "config/loader.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/result.hpp"
#include "config/decode.hpp"
#include "config/document.hpp"
#include "config/problems.hpp"
#include "config/semantics.hpp"

namespace sluice::config {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

/// Reads one byte more than allowed, so that `load_text` sees that there is too much.
Result<std::string> read_all(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return fail(ErrorKind::io, "cannot be read: {}", std::strerror(errno));
  std::string text;
  std::array<char, 16384> buffer{};
  int failure = 0;
  while (text.size() <= kMaxFileBytes) {
    const ssize_t count = ::read(descriptor, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) failure = errno;
    if (count <= 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  ::close(descriptor);
  if (failure != 0) return fail(ErrorKind::io, "cannot be read: {}", std::strerror(failure));
  return text;
}

std::optional<Config> load(std::string_view text, const std::string& file, const CatalogueFor& catalogue_for,
                           Problems& problems) {
  if (text.size() > kMaxFileBytes) {
    problems.error({}, "", fmt::format("is larger than {} KiB", kMaxFileBytes / 1024), "is this the right file?");
    return std::nullopt;
  }
  const auto root = parse_document(text, problems);
  if (!root) return std::nullopt;
  if (root->kind == Node::Kind::null) {
    problems.error({}, "", "is empty", "begin with version: 1; an example is sluice.example.yaml");
    return std::nullopt;
  }
  Config config;
  config.file = file;
  decode(*root, config, problems);
  if (root->kind != Node::Kind::map) return std::nullopt;
  complete(*root, config);
  check(*root, config, catalogue_for(config), problems);
  if (problems.has_errors()) return std::nullopt;
  return config;
}

LoadResult load_with(std::string_view text, const std::string& file_name, const CatalogueFor& catalogue_for) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  Problems problems(file_name);
  LoadResult result;
  result.config = load(text, file_name, catalogue_for, problems);
  result.diagnostics = std::move(problems).take();
  result.source = text.substr(0, kMaxFileBytes);
  return result;
}

}  // namespace

LoadResult load_text(std::string_view text, const std::string& file_name, const Catalogue& catalogue) {
  return load_with(text, file_name, [&catalogue](const Config&) { return catalogue; });
}

LoadResult load_file(const std::string& path, const Catalogue& catalogue) {
  return load_file(path, [&catalogue](const Config&) { return catalogue; });
}

LoadResult load_file(const std::string& path, const CatalogueFor& catalogue_for) {
  const auto text = read_all(path);
  if (text) return load_with(*text, path, catalogue_for);
  LoadResult result;
  Diagnostic unreadable;
  unreadable.file = path;
  unreadable.message = text.error().text;
  result.diagnostics.push_back(std::move(unreadable));
  return result;
}

std::string format_all(const LoadResult& result) {
  std::string out;
  for (const Diagnostic& diagnostic : result.diagnostics) out += format(diagnostic, result.source);
  return out;
}

}  // namespace sluice::config
