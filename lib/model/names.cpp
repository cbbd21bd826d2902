#include "model/names.hpp"

#include <array>
#include <utility>

#include "model/measurement.hpp"

namespace sluice {
namespace {

struct ReasonName {
  std::string_view name;
  std::string_view sentence;
};

// In the order of the enum; a test walks all of them.
constexpr std::array<ReasonName, kReasonCount> kReasons{{
    {"none", "no decision yet"},
    {"following_surplus", "follows the surplus"},
    {"base_load", "holds still while another miner trims"},
    {"at_maximum", "runs at its maximum"},
    {"at_minimum", "rides out a lull at its minimum"},
    {"settling", "waits for its last command to take effect"},
    {"within_deadband", "the change would be too small to be worth a command"},
    {"retarget_wait", "a change is wanted, but its last one is too recent"},
    {"starting", "starts: the surplus has lasted long enough"},
    {"waiting_for_surplus", "asleep until there is enough surplus for long enough"},
    {"stopping_low_surplus", "stops: running on has cost more than a new start"},
    {"waiting_min_off", "was stopped a moment ago and rests for its minimum time"},
    {"waiting_min_on", "was started a moment ago and runs for its minimum time"},
    {"waiting_stagger", "waits for its turn: another miner is just starting"},
    {"starts_used_up", "has used up its starts of today"},
    {"strategy_full", "runs at full power as configured"},
    {"strategy_off", "is switched off by the configuration"},
    {"grid_reading_stale", "the grid reading is old: nothing is raised"},
    {"grid_reading_lost", "the grid meter is silent: parked"},
    {"grid_reading_slow", "the grid meter is too slow to follow the surplus"},
    {"grid_meter_frozen", "the grid meter did not show a change that must have happened"},
    {"readings_implausible", "the readings contradict each other"},
    {"pv_reading_missing", "the inverter does not answer"},
    {"circuit_limit", "its circuit carries no more"},
    {"import_cap", "the main connection carries no more"},
    {"grid_lost", "the grid is lost"},
    {"grid_settling", "the grid is back and is watched for a minute"},
    {"generator_running", "a generator is running"},
    {"battery_floor", "the battery is at its reserve"},
    {"over_temperature", "is too hot"},
    {"owner_limit", "is limited by the configuration"},
    {"import_held_too_long", "has drawn from the grid for longer than allowed"},
    {"identity_unverified", "has not said yet who it is"},
    {"wrong_identity", "another machine answers at its address"},
    {"miner_unreachable", "cannot be reached"},
    {"manual_override", "was set by somebody else and is left alone for a while"},
    {"miner_fault", "reports a fault"},
    {"pool_dead", "has no pool to work for"},
    {"hashrate_gone", "draws power without hashing"},
    {"not_following", "does not do what it was asked"},
    {"envelope_unknown", "has not said yet what it can do"},
    {"write_budget", "has used up its writes of today"},
    {"parked_by_owner", "is parked by its owner"},
    {"shutting_down", "the daemon is stopping"},
    {"start_quiet", "the daemon has just started and looks first"},
    {"probing", "probing for throttled sun: draws a little more than is proven"},
    {"commissioning", "walks through its steps to be measured"},
    {"held_for_commissioning", "holds still while another miner is measured"},
    {"strategy_schedule", "does what its period of the day says"},
    {"worth_buying", "runs on bought energy: it costs less than mining brings"},
    {"not_worth_it", "the energy is worth more than what mining would bring"},
    {"price_unknown", "nobody knows what energy costs now: nothing is bought"},
    {"demand_limit", "more import would raise the billed peak"},
    {"room_too_warm", "its room is too warm"},
    {"power_cut", "without power: sleeping would cost more than a cold start"},
    {"booting", "power is back, and it boots"},
    {"switched_off", "somebody switched its power off: left alone for half an hour"},
}};

constexpr std::array<ReasonName, kAlarmCount> kAlarms{{
    {"grid_meter_lost", "the grid meter does not answer"},
    {"grid_meter_frozen", "the grid meter shows no change where there must be one"},
    {"readings_implausible", "the readings contradict each other: check signs and wiring"},
    {"grid_lost", "the grid is lost"},
    {"generator_running", "a generator is running"},
    {"miner_unreachable", "the miner cannot be reached"},
    {"miner_not_following", "the miner does not follow its target"},
    {"miner_ignores_stop", "the miner goes on although it was told to stop"},
    {"miner_wrong_identity", "another machine answers at the miner's address"},
    {"miner_manual_override", "somebody else commands the miner: switch off the other controller"},
    {"miner_pool_dead", "the miner has no pool to work for"},
    {"miner_hashrate_gone", "the miner draws power without hashing"},
    {"miner_over_temperature", "the miner is too hot"},
    {"miner_fault", "the miner reports a fault"},
    {"miner_lying", "the watts that the miner reports are not what the meter shows"},
    {"meter_too_slow", "the grid meter is too slow to follow the surplus"},
    {"switch_stuck", "the switch before the miner does not do what it is told"},
}};

constexpr std::array<ReasonName, kCommissionStageCount> kStages{{
    {"none", "not begun"},
    {"becoming_still", "waits until nothing else moves"},
    {"stepping", "steps up and down"},
    {"measuring_minimum", "measures its minimum"},
    {"falling_asleep", "falls asleep"},
    {"measuring_asleep", "measures its sleep"},
    {"resting", "keeps the least time off"},
    {"waking", "wakes"},
    {"measuring_awake", "measures its minimum again"},
    {"over", "is over"},
}};

constexpr std::array<ReasonName, kCommissionEndCount> kEnds{{
    {"none", "still runs"},
    {"complete", "complete"},
    {"taken_back", "it was stopped"},
    {"parked", "the miner was parked"},
    {"shutting_down", "the daemon is stopping"},
    {"reconfigured", "the configuration was reloaded"},
    {"grid_lost", "the grid is lost, or not back for long"},
    {"readings_lost", "the grid meter, the sun or the battery cannot be read or trusted"},
    {"sun_throttled", "the sun is throttled and answers in the meter's place: try when it is not"},
    {"guard", "a limit cut the miner; sluice why tells which"},
    {"miner_gone", "the miner cannot be commanded"},
    {"not_following", "the miner did not come to rest where it was told to"},
    {"others_without_sun", "the miners that hold still would have bought energy for too long"},
    {"too_long", "it took longer than it may"},
    {"strategy_off", "the miner's strategy is off"},
    {"starts_used_up", "the starts of the day do not suffice"},
    {"writes_used_up", "the changes a day that spare its flash do not suffice"},
    {"no_room", "neither step nor sleep is possible within its limits"},
}};

constexpr std::array<std::pair<std::string_view, std::string_view>, kMeasurementCount> kMeasurements{{
    {"grid_w", "W"},
    {"grid_l1_w", "W"},
    {"grid_l2_w", "W"},
    {"grid_l3_w", "W"},
    {"grid_import_wh", "Wh"},
    {"grid_export_wh", "Wh"},
    {"grid_hz", "Hz"},
    {"grid_v", "V"},
    {"grid_connection", ""},
    {"pv_w", "W"},
    {"pv_available_w", "W"},
    {"pv_curtailed", ""},
    {"pv_wh", "Wh"},
    {"inverter_ac_w", "W"},
    {"inverter_rating_w", "W"},
    {"battery_w", "W"},
    {"soc_pct", "%"},
    {"battery_capacity_wh", "Wh"},
    {"battery_charge_limit_w", "W"},
    {"battery_discharge_limit_w", "W"},
    {"house_w", "W"},
    {"load_w", "W"},
    {"load_wants", ""},
    {"load_wanted_w", "W"},
    {"room_c", "°C"},
    {"switch_on", ""},
}};

template <std::size_t N>
std::string_view pick(const std::array<std::string_view, N>& names, std::size_t index) {
  return index < N ? names[index] : std::string_view("invalid");
}

template <class Enum, std::size_t N>
std::optional<Enum> find(const std::array<std::string_view, N>& names, std::string_view name) {
  for (std::size_t i = 0; i < N; ++i) {
    if (names[i] == name) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

constexpr std::array<std::string_view, 6> kStrategies{"solar", "solar-battery", "full", "off", "economic", "schedule"};
constexpr std::array<std::string_view, 4> kPriceKinds{"fixed", "published", "forecast", "fallback"};
constexpr std::array<std::string_view, 5> kPeriodOrders{"none", "sleep", "watts", "full", "solar"};
constexpr std::array<std::string_view, 3> kProfiles{"gentle", "normal", "bare"};
constexpr std::array<std::string_view, 3> kOnStops{"park", "minimum", "leave"};
constexpr std::array<std::string_view, 6> kYieldStates{"content", "waiting", "drawing", "silent", "released", "passed"};
constexpr std::array<std::string_view, 6> kYieldSentences{
    "wants nothing",
    "wants energy and does not take it yet",
    "takes energy",
    "does not answer: what was reserved is kept for a while",
    "has not answered for too long: nothing is reserved for it",
    "did not take what was offered: it is offered again later",
};

template <class Enum>
constexpr std::size_t index_of(Enum value) {
  return static_cast<std::size_t>(value);
}

}  // namespace

std::string_view to_string(MinerState state) {
  static constexpr std::array<std::string_view, 6> names{"unknown", "asleep", "waking", "running", "stopping", "fault"};
  return pick(names, index_of(state));
}
std::string_view to_string(LinkState state) {
  static constexpr std::array<std::string_view, 3> names{"unknown", "up", "down"};
  return pick(names, index_of(state));
}
std::string_view to_string(IdentityVerdict verdict) {
  static constexpr std::array<std::string_view, 3> names{"unverified", "accepted", "wrong"};
  return pick(names, index_of(verdict));
}
std::string_view to_string(CommandKind kind) {
  static constexpr std::array<std::string_view, 4> names{"none", "target", "sleep", "wake"};
  return pick(names, index_of(kind));
}
std::string_view to_string(CommandStatus status) {
  static constexpr std::array<std::string_view, 6> names{"none", "queued", "sent", "acknowledged", "refused", "failed"};
  return pick(names, index_of(status));
}
std::string_view to_string(EnvelopeKind kind) {
  static constexpr std::array<std::string_view, 3> names{"unknown", "range", "levels"};
  return pick(names, index_of(kind));
}
std::string_view to_string(Quality quality) {
  static constexpr std::array<std::string_view, 3> names{"missing", "good", "distrusted"};
  return pick(names, index_of(quality));
}
std::string_view to_string(Strategy strategy) { return pick(kStrategies, index_of(strategy)); }
std::string_view to_string(PriceKind kind) { return pick(kPriceKinds, index_of(kind)); }
std::string_view to_string(PeriodOrder order) { return pick(kPeriodOrders, index_of(order)); }
std::string_view to_string(ProfileName name) { return pick(kProfiles, index_of(name)); }
std::string_view to_string(OnStop on_stop) { return pick(kOnStops, index_of(on_stop)); }
std::string_view to_string(GridConnection connection) {
  static constexpr std::array<std::string_view, 3> names{"connected", "islanded", "generator"};
  return pick(names, index_of(connection));
}
std::string_view to_string(YieldState state) { return pick(kYieldStates, index_of(state)); }
std::string_view sentence(YieldState state) { return pick(kYieldSentences, index_of(state)); }
std::string_view to_string(Reason reason) {
  return index_of(reason) < kReasonCount ? kReasons[index_of(reason)].name : "invalid";
}
std::string_view sentence(Reason reason) {
  return index_of(reason) < kReasonCount ? kReasons[index_of(reason)].sentence : "";
}
std::string_view to_string(Alarm alarm) {
  return index_of(alarm) < kAlarmCount ? kAlarms[index_of(alarm)].name : "invalid";
}
std::string_view sentence(Alarm alarm) {
  return index_of(alarm) < kAlarmCount ? kAlarms[index_of(alarm)].sentence : "";
}

std::string_view to_string(CommissionStage stage) {
  return index_of(stage) < kCommissionStageCount ? kStages[index_of(stage)].name : "invalid";
}
std::string_view sentence(CommissionStage stage) {
  return index_of(stage) < kCommissionStageCount ? kStages[index_of(stage)].sentence : "";
}
std::string_view to_string(CommissionEnd end) {
  return index_of(end) < kCommissionEndCount ? kEnds[index_of(end)].name : "invalid";
}
std::string_view sentence(CommissionEnd end) {
  return index_of(end) < kCommissionEndCount ? kEnds[index_of(end)].sentence : "";
}

std::optional<Strategy> strategy_from_name(std::string_view name) { return find<Strategy>(kStrategies, name); }
std::optional<ProfileName> profile_from_name(std::string_view name) { return find<ProfileName>(kProfiles, name); }
std::optional<OnStop> on_stop_from_name(std::string_view name) { return find<OnStop>(kOnStops, name); }

std::string_view to_string(Measurement measurement) {
  return index_of(measurement) < kMeasurementCount ? kMeasurements[index_of(measurement)].first : "invalid";
}
std::string_view unit(Measurement measurement) {
  return index_of(measurement) < kMeasurementCount ? kMeasurements[index_of(measurement)].second : "";
}
std::optional<Measurement> measurement_from_name(std::string_view name) {
  for (std::size_t i = 0; i < kMeasurementCount; ++i) {
    if (kMeasurements[i].first == name) return static_cast<Measurement>(i);
  }
  return std::nullopt;
}

}  // namespace sluice
