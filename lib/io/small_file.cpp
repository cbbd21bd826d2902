#include "io/small_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "io/net_socket.hpp"

namespace sluice::io {
namespace {

tl::unexpected<Error> failed(const std::string& path) {
  return fail(errno == ENOENT ? ErrorKind::not_found : ErrorKind::io, "{}: {}", path, std::strerror(errno));
}

Result<void> write_all(const std::string& path, const std::string& text) {
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640));
  if (file.get() < 0) return failed(path);
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t count = ::write(file.get(), text.data() + done, text.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed(path);
    done += static_cast<std::size_t>(count);
  }
  if (::fsync(file.get()) != 0) return failed(path);
  return {};
}

}  // namespace

Result<std::string> read_small_file(const std::string& path, std::size_t limit) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return failed(path);
  std::string text;
  std::array<char, 16384> buffer;
  for (;;) {
    const ssize_t count = ::read(file.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed(path);
    if (count == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(count));
    if (text.size() > limit) return fail(ErrorKind::invalid, "{}: longer than {} bytes", path, limit);
  }
}

Result<void> write_small_file(const std::string& path, const std::string& text) {
  const std::string folder = path.substr(0, path.find_last_of('/'));
  if (::mkdir(folder.c_str(), 0750) != 0 && errno != EEXIST) return failed(folder);
  const std::string beside = path + ".new";
  if (auto written = write_all(beside, text); !written) return written;
  if (::rename(beside.c_str(), path.c_str()) != 0) return failed(path);
  const Descriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0 || ::fsync(directory.get()) != 0) return failed(folder);
  return {};
}

}  // namespace sluice::io
