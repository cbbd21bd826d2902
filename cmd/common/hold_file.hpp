#pragma once
/// Which battery is held, kept over restarts and power cuts, so that whoever starts next can release it.

#include <mutex>
#include <optional>
#include <string>

#include "base/result.hpp"

namespace sluice::cmd {

/// Thread-safe. The file is whole or as before, and gone or empty while nothing is held.
class HoldFile {
 public:
  explicit HoldFile(std::string path) : path_(std::move(path)) {}

  struct Held {
    std::string device;
    std::string before;  ///< what releases it
  };
  /// Errors: io, when nobody can tell whether something is held.
  Result<std::optional<Held>> read();
  /// `before` missing: `device` is not held any more. Errors: io; rejected while another device is held.
  Result<void> write(const std::string& device, const std::optional<std::string>& before);

 private:
  const std::string path_;
  std::mutex mutex_;
};

}  // namespace sluice::cmd
