#pragma once
/// VNish's REST bodies: building and understanding. Pure; failures are thrown as `adapter::Error`.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::vnish {

struct Info {
  std::string firmware_name, version, model, mac, serial, hostname;
  std::optional<double> terahash_per_unit;  ///< of every other hashrate: 0.001 where they come in GH/s
  std::optional<std::int64_t> uptime_s;     ///< of the control board, to the minute
};
Info parse_info(std::string_view body);

/// "3:07" or "2 days, 03:07" in seconds; nothing when it is neither.
std::optional<std::int64_t> uptime_seconds(std::string_view text);

struct Summary {
  std::string state;        ///< as the firmware says it; "starting" while it says nothing after a boot
  bool booting = false;     ///< the firmware had nothing to say yet
  std::string description;  ///< of a failure, with its code
  std::optional<double> power_w;
  bool power_measured = false;
  std::optional<int> throttle_percent;  ///< 20…100 where the firmware can throttle, absent where it cannot
  std::optional<double> hashrate, nominal_hashrate, stock_hashrate;  ///< in the firmware's own unit
  std::optional<double> hottest_chip_c;
  std::optional<bool> pool_alive;
};
Summary parse_summary(std::string_view body);

struct PerfSummary {
  std::string preset;  ///< name of the active preset; empty when there is none or frequencies are set by hand
  bool preset_switcher = false;
};
PerfSummary parse_perf_summary(std::string_view body);

struct Preset {
  std::string name;  ///< its watts as digits
  double watts = 0;
  std::optional<double> hashrate_ths;  ///< from its pretty name
  bool tuned = false;
  bool needs_modded_psu = false;
};
/// Presets that stand for watts, in any order. The one for frequencies set by hand ("disabled") is not among them.
std::vector<Preset> parse_presets(std::string_view body);

struct PresetRules {
  bool untuned = false;
  bool overclock = false;
  std::optional<double> stock_hashrate_ths;
};
/// The presets that may be used, ascending. One that needs a modified power supply never may.
std::vector<Preset> usable_presets(const std::vector<Preset>& presets, const PresetRules& rules);

struct Saved {
  bool restart_required = false, reboot_required = false;
};
/// The answer to a control call; an empty body, `null` and `{}` mean that nothing more is needed.
Saved parse_saved(std::string_view body);

std::string parse_token(std::string_view body);
/// The preset written in the settings (active only after a restart where one is required); empty if none.
std::string parse_configured_preset(std::string_view body);
/// What a failed call says of itself: its "err", else the beginning of the body, else nothing.
std::string failure_text(std::string_view body);
/// Seconds until another try to unlock is allowed, where the answer tells.
std::optional<std::int64_t> parse_unlock_timeout(std::string_view body);

std::string unlock_body(std::string_view password);
std::string preset_body(std::string_view preset);
std::string throttle_body(int percent);

}  // namespace sluice::vnish
