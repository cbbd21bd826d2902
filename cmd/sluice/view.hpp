#pragma once
/// What the daemon says, for people's eyes.

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace sluice::cmd {

/// Several lines: the site, then each miner with one line that says why.
std::string status_text(const nlohmann::json& status);
/// One line a decision.
std::string decision_text(const nlohmann::json& entry);
/// A device's or miner's answer to `probe`, as the daemon's socket gives it.
std::string device_text(const nlohmann::json& device);
std::string miner_text(const nlohmann::json& miner);

/// Shows texts in one place of a terminal; one after the other elsewhere.
class Screen {
 public:
  explicit Screen(bool terminal);
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;
  void show(const std::string& text);

 private:
  const bool terminal_;
};

}  // namespace sluice::cmd
