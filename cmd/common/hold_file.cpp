#include "common/hold_file.hpp"

#include "io/small_file.hpp"

namespace sluice::cmd {
namespace {

constexpr std::size_t kLongest = 4096;

/// Two lines: the device's name, which has no line break, and what releases it.
Result<std::optional<HoldFile::Held>> parse(const std::string& path) {
  const Result<std::string> text = io::read_small_file(path, kLongest);
  if (!text && text.error().kind != ErrorKind::not_found) return tl::unexpected(text.error());
  if (!text || text->empty()) return std::optional<HoldFile::Held>();
  const auto end = text->find('\n');
  const auto last = text->find('\n', end == std::string::npos ? end : end + 1);
  if (last == std::string::npos) return fail(ErrorKind::io, "{}: not what Sluice wrote", path);
  return HoldFile::Held{text->substr(0, end), text->substr(end + 1, last - end - 1)};
}

}  // namespace

Result<std::optional<HoldFile::Held>> HoldFile::read() {
  const std::lock_guard lock(mutex_);
  return parse(path_);
}

Result<void> HoldFile::write(const std::string& device, const std::optional<std::string>& before) {
  const std::lock_guard lock(mutex_);
  const auto held = parse(path_);
  if (!held) return tl::unexpected(held.error());
  const bool of_another = *held && (*held)->device != device;
  if (of_another && before) return fail(ErrorKind::rejected, "{} is still held and comes first", (*held)->device);
  if (of_another || (!*held && !before)) return {};
  return io::write_small_file(path_, before ? device + "\n" + *before + "\n" : "");
}

}  // namespace sluice::cmd
