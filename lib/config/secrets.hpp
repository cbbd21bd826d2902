#pragma once
/// Passwords are named in the configuration and kept apart from it.

#include <string>

#include "base/result.hpp"
#include "config/config.hpp"

namespace sluice::config {

/// A text that does not print itself: no stream operator, no formatter. `reveal()` is what a reviewer greps for.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  const std::string& reveal() const { return value_; }
  bool empty() const { return value_.empty(); }

 private:
  std::string value_;
};

/// Looks a secret up when it is needed; keeps nothing.
class Secrets {
 public:
  /// `credentials_directory` is systemd's $CREDENTIALS_DIRECTORY, empty when there is none; it is tried first.
  explicit Secrets(std::string credentials_directory, std::string secrets_directory = "/etc/sluice/secrets");

  /// The content of the file of that name without its final newline; an empty reference gives an empty secret.
  /// Errors name every path that was tried: `not_found`; `rejected` when others could read or change the file;
  /// `invalid` for a bad name or an empty, binary or too long (4 KiB) content; `io`.
  Result<Secret> resolve(const SecretRef& reference) const;

 private:
  std::string credentials_directory_;
  std::string secrets_directory_;
};

}  // namespace sluice::config
