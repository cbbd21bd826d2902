#include "config/secrets.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace sluice::config {
namespace {

constexpr std::size_t kMaxSecretBytes = 4096;

/// Names are file names: no path may lead out of the directory.
bool valid_name(const std::string& name) {
  constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  return !name.empty() && name.front() != '.' && name.find_first_not_of(allowed) == std::string::npos;
}

class File {
 public:
  explicit File(const std::string& path) : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  bool is_open() const { return descriptor_ >= 0; }
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

Result<Secret> read_secret(const std::string& path) {
  const File file(path);
  if (!file.is_open()) {
    const ErrorKind kind = errno == ENOENT || errno == ENOTDIR ? ErrorKind::not_found : ErrorKind::io;
    return fail(kind, "{}: {}", path, std::strerror(errno));
  }
  struct stat status{};
  if (::fstat(file.descriptor(), &status) != 0) return fail(ErrorKind::io, "{}: {}", path, std::strerror(errno));
  if (!S_ISREG(status.st_mode)) return fail(ErrorKind::invalid, "{}: not a regular file", path);
  if ((status.st_mode & S_IRWXO) != 0) {
    return fail(ErrorKind::rejected, "{}: open to every user of this machine; chmod o-rwx it", path);
  }
  std::array<char, kMaxSecretBytes + 1> buffer{};
  std::size_t size = 0;
  while (size < buffer.size()) {
    const ssize_t count = ::read(file.descriptor(), buffer.data() + size, buffer.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(ErrorKind::io, "{}: {}", path, std::strerror(errno));
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
  }
  if (size > kMaxSecretBytes) return fail(ErrorKind::invalid, "{}: longer than {} bytes", path, kMaxSecretBytes);
  std::string value(buffer.data(), size);
  if (value.ends_with('\n')) value.pop_back();
  if (value.ends_with('\r')) value.pop_back();
  if (value.empty()) return fail(ErrorKind::invalid, "{}: empty", path);
  for (const char c : value) {
    if (static_cast<unsigned char>(c) < 0x20) {
      return fail(ErrorKind::invalid, "{}: more than one line, or a control character", path);
    }
  }
  return Secret(std::move(value));
}

}  // namespace

Secrets::Secrets(std::string credentials_directory, std::string secrets_directory)
    : credentials_directory_(std::move(credentials_directory)), secrets_directory_(std::move(secrets_directory)) {}

Result<Secret> Secrets::resolve(const SecretRef& reference) const {
  if (reference.name.empty()) return Secret(reference.literal);
  if (!valid_name(reference.name)) {
    return fail(ErrorKind::invalid, "\"{}\" is no name of a secret: letters, digits, '-', '_' and '.' only",
                reference.name);
  }
  std::string tried;
  for (const std::string& directory : {credentials_directory_, secrets_directory_}) {
    if (directory.empty()) continue;
    auto secret = read_secret(directory + "/" + reference.name);
    if (secret || secret.error().kind != ErrorKind::not_found) return secret;
    tried += (tried.empty() ? "" : ", ") + directory + "/" + reference.name;
  }
  return fail(ErrorKind::not_found, "secret \"{}\" is in none of: {}", reference.name, tried);
}

}  // namespace sluice::config
