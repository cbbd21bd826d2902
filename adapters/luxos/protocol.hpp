#pragma once
/// LuxOS messages as text: building commands, understanding replies. Pure; failures are thrown as `adapter::Error`.
/// One JSON object each way; `parameter` is one text of comma-joined tokens; results sit in an array under an
/// upper-case key, beside a STATUS array.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::luxos {

/// `parameters` are joined with commas.
std::string command(std::string_view name, const std::vector<std::string>& parameters = {});

/// How a reply's STATUS ended.
struct Outcome {
  bool success = false;  ///< S or I
  std::int64_t code = 0;
  std::string message;
  /// The state asked for was reached before ("already"): as good as success.
  bool already() const;
  /// Another program holds the write session.
  bool session_held() const { return !success && code == 402; }
  /// Our session id is not, or no longer, valid.
  bool session_invalid() const;
  /// Refused because ATM is running.
  bool blocked_by_atm() const;
};
/// Throws PROTOCOL when `reply` is no LuxOS reply.
Outcome outcome(std::string_view reply);

struct Config {
  std::string model, hostname, mac, serial;
  std::string profile;       ///< name of the profile in force
  std::string curtail_mode;  ///< "None" awake, "Sleep" asleep
  std::string system_status;
  bool power_supply_on = true;
  bool tuning = false;
  bool power_target_supported = false;
  std::optional<double> ideal_power_target_w;
  std::optional<double> power_limit_w;
};
/// The parse functions throw PROTOCOL when the reply cannot be understood and REJECTED when it is an error.
Config parse_config(std::string_view reply);

struct Power {
  double watts = 0;
  bool measured = false;
};
Power parse_power(std::string_view reply);

struct Summary {
  double hashrate_ths = 0;  ///< over the last minute, over 5 s where that is not told
  std::int64_t elapsed_s = 0;
};
Summary parse_summary(std::string_view reply);

struct Profile {
  std::string name;
  int step = 0;  ///< distance from the default profile; above 0 is overclocking
  double watts = 0;
  double hashrate_ths = 0;
  bool tuned = false;
};
std::vector<Profile> parse_profiles(std::string_view reply);

struct PowerLimits {
  double min_w = 0, max_w = 0;
};
/// Bounds of the power target; nothing where the firmware does not tell them.
std::optional<PowerLimits> parse_power_limits(std::string_view reply);

struct Atm {
  bool enabled = false;
  std::string min_profile, max_profile;  ///< empty = unbounded
};
Atm parse_atm(std::string_view reply);

/// "2025.4.8", from `version`.
std::string parse_version(std::string_view reply);
/// Hottest corner of any board; nothing when no board tells.
std::optional<double> parse_hottest(std::string_view reply);
/// Whether any enabled pool is alive; nothing when there is none.
std::optional<bool> parse_pool_alive(std::string_view reply);
/// Id of the session that `logon` made.
std::string parse_session(std::string_view reply);

/// The profiles that may be used as levels: nameable in a command, positive, not above the default unless `overclock`,
/// not above the watts of `cap` (a profile's name, empty = none); one a watt figure, tuned ones preferred; ascending.
std::vector<Profile> usable_profiles(const std::vector<Profile>& profiles, bool overclock, const std::string& cap);
/// The profile of that name, or null.
const Profile* find_profile(const std::vector<Profile>& profiles, std::string_view name);

}  // namespace sluice::luxos
