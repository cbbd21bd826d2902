#pragma once
/// Where things are on this machine.

#include <string>
#include <vector>

namespace sluice::cmd {

inline constexpr const char* kConfigFile = "/etc/sluice/sluice.yaml";
inline constexpr const char* kSocket = "/run/sluice/sluice.sock";

/// Installed device templates (of the build tree when this program lies in one), the owner's own, then those named.
std::vector<std::string> template_directories(const std::vector<std::string>& named_by_user);
/// Installed price feeds (of the build tree when this program lies in one), the owner's own, then those named.
std::vector<std::string> price_directories(const std::vector<std::string>& named_by_user);
/// The same of tariff plans: one of a later folder takes the place of one of the same name.
std::vector<std::string> tariff_directories(const std::vector<std::string>& named_by_user);

/// The programs and data that belong to this very executable: of a build tree when it lies in one, else as installed.
struct Layout {
  std::string program_directory;   ///< of this executable
  std::string adapter_directory;   ///< of a build tree; empty: the installed ones
  std::string template_directory;  ///< likewise
  std::string tariff_directory;    ///< likewise
  std::string price_directory;     ///< likewise
  /// Path of another program of the project.
  std::string program(const std::string& name) const;
  bool build_tree = false;
};
Layout own_layout();

/// `name` in the folder of `path`.
std::string file_beside(const std::string& path, const std::string& name);
/// The ledger lies beside the history.
std::string ledger_file(const std::string& history_file);
/// Which battery is held stands beside the state (`HoldFile`).
std::string hold_file(const std::string& state_file);

}  // namespace sluice::cmd
