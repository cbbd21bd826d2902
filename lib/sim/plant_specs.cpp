#include <charconv>
#include <cmath>
#include <optional>
#include <utility>

#include "sim/miner_plant.hpp"

namespace sluice::sim {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

// Where the numbers come from. "Read" names a public page or repository; "captured" a reply of a real device that such
// a repository holds; "assumed" means that no source was found and a plausible number stands in. Of the envelopes of
// 900 to 3250 W the upper end is the nameplate of an S19, the lower one and its 140 TH/s are assumed. Sleeping watts
// are assumed where a row does not say otherwise: hardly any vendor tells them.

// LuxOS profile table of an S19k Pro, captured under LUXminer 2025.4.8 (256foundation/asic-rs, luxminer test data): W =
// 199.6 + 11.874 H + 0.07739 H² reproduces its 11 known entries within 2 W. Its shape is assumed for all others.
constexpr double kCurveOffset = 199.6;
constexpr double kCurveLinear = 11.874;
constexpr double kCurveSquare = 0.07739;
constexpr double kCurveFullWatts = 2794.0;
constexpr double kCurveFullHashrate = 121.8;

double curve_watts(double hashrate_ths) {
  return kCurveOffset + hashrate_ths * (kCurveLinear + kCurveSquare * hashrate_ths);
}

double curve_hashrate(double watts) {
  if (watts <= kCurveOffset) return 0.0;
  const double root = std::sqrt(kCurveLinear * kCurveLinear + 4.0 * kCurveSquare * (watts - kCurveOffset));
  return (root - kCurveLinear) / (2.0 * kCurveSquare);
}

Envelope range(double min_w, double max_w, double step_w) {
  Envelope envelope;
  envelope.kind = EnvelopeKind::range;
  envelope.min = Watts(min_w);
  envelope.max = Watts(max_w);
  envelope.step = Watts(step_w);
  return envelope;
}

template <class LevelAt>
Envelope levels(int count, LevelAt level_at) {
  Envelope envelope;
  envelope.kind = EnvelopeKind::levels;
  for (int i = 0; i < count; ++i) envelope.levels.push_back(Watts(level_at(i)));
  envelope.min = envelope.levels[0];
  envelope.max = envelope.levels.back();
  return envelope;
}

Envelope one_level(double power_w) {
  return levels(1, [power_w](int) { return power_w; });
}

struct Times {
  Duration dead, down, up, wake, stop;
};

PlantSpec row(std::string_view name, const Envelope& envelope, const Times& times, double sleep_w, double max_ths) {
  PlantSpec spec;
  spec.name = name;
  spec.envelope = envelope;
  spec.dynamics.dead_time = times.dead;
  spec.dynamics.ramp_down = times.down;
  spec.dynamics.ramp_up = times.up;
  spec.dynamics.wake = times.wake;
  spec.dynamics.sleep_power = Watts(sleep_w);
  spec.stop = spec.dynamics.stop = times.stop;
  spec.boot = seconds(90);  // assumed; LuxOS says only that initialising takes up to 5 min (docs.luxor.tech, events)
  spec.max_hashrate = TeraHashes(max_ths);
  return spec;
}

// LuxOS with power targets (select models; docs.luxor.tech, features/powertargeting). Read: asleep at about 25 W in
// under 5 s, warm wake to full power in under 10 s (hashrateindex.com, "How LuxOS Powers Down Fast"). Captured: a cold
// S19j Pro hashes first at 115 s (DCentralTech/DCENT_OS, ramp data); 60 s stand between the two. Assumed: 1 s dead
// time, 60 s up.
PlantSpec luxos_target() {
  return row("luxos-target", range(900, 3250, 5), {seconds(1), seconds(5), seconds(60), seconds(60), seconds(5)}, 25,
             140);
}

// LuxOS, the captured profile table above: 25 MHz apart, 190 MHz … default; 5.1625 TH/s an entry. Gaps of 95 to 155 W.
// Times as for `luxos-target`.
PlantSpec luxos_profile() {
  const auto level = [](int i) { return std::round(curve_watts(39.2 + 5.1625 * i)); };
  return row("luxos-profile", levels(17, level), {seconds(1), seconds(5), seconds(60), seconds(60), seconds(5)}, 25,
             kCurveFullHashrate);
}

// VNish 1.3. Read: throttle of 20…100 % of the active preset (the device's own OpenAPI document of 1.3.4, in
// 256foundation/asic-rs, meta/vnish), applied in seconds without a restart (owners' reports in clients of it). Assumed:
// 3 s dead time, ramps of 15 and 30 s, a wake of two minutes ("minutes", say owners), 40 W asleep.
PlantSpec vnish_throttle() {
  return row("vnish-throttle", range(650, 3250, 32.5),
             {seconds(3), seconds(15), seconds(30), seconds(120), seconds(15)}, 40, 140);
}

// VNish with presets only. Read: a preset change costs a restart and a ramp of minutes (owners' reports, the
// integrations for Home Assistant). Assumed: how many, that raises keep 15 min apart, and 235 W between presets; 40 W
// asleep.
PlantSpec vnish_preset() {
  auto spec = row("vnish-preset", levels(11, [](int i) { return 900.0 + 235.0 * i; }),
                  {seconds(10), seconds(60), seconds(180), seconds(120), seconds(15)}, 40, 140);
  spec.dynamics.retarget_up = minutes(15);
  return spec;
}

// Braiins OS with a tuned target. Captured: a log of an S17 under BOS+: after pause the boards are off at 6.3 s and the
// power supply at 7.8 s, after resume the first frequency hashes at 9.7 s, full power later. Assumed: dead time, ramps
// of 30 and 60 s (the vendor gives no figure), a wake of 60 s, 30 W asleep.
PlantSpec braiins_fast() {
  return row("braiins-fast", range(900, 3250, 10), {seconds(5), seconds(30), seconds(60), seconds(60), seconds(8)}, 30,
             140);
}

// Braiins OS with an untuned target. Read: an S19k Pro from 771 to 3000 W lingers and climbs over minutes; a published
// plugin (TobiasHuber1980/evcc-braiins) waits 3 min between raises and 5 before cuts. Captured: reported as paused
// after 13 s (the log above). Assumed: 60, 240 and 300 s.
PlantSpec braiins_slow() {
  auto spec = row("braiins-slow", range(900, 3250, 10),
                  {seconds(5), seconds(60), seconds(240), seconds(300), seconds(13)}, 30, 140);
  spec.dynamics.retarget_up = minutes(3);
  spec.dynamics.retarget_down = minutes(5);
  return spec;
}

// DCENT_OS. Read: the thermal loop picks a target up in about 5 s; home presets of 300…1400 W (DCentralTech/DCENT_OS,
// its REST interface). Assumed: everything else; the Braiins ramps stand in.
PlantSpec dcent() {
  return row("dcent", range(300, 1400, 1), {seconds(5), seconds(30), seconds(60), seconds(180), seconds(15)}, 30, 60);
}

// Stock Antminer firmware: sleep or normal only. Read: a write may take 21 s to be answered, 60 s after a sleep one
// still hashed (256foundation/asic-rs and Schnitzel/hass-miner, issues and pull requests on it). Assumed: a wake, which
// restarts the mining process, of five minutes; 40 W asleep.
PlantSpec stock() {
  return row("stock", one_level(3250), {seconds(21), seconds(1), seconds(1), seconds(300), seconds(60)}, 40, 140);
}

// A smart plug: opening it ends the draw at once. Assumed: a cold start 300…900 s after the relay closes, and 1 W of
// its own.
PlantSpec plug() {
  auto spec = row("plug", one_level(3250), {seconds(1), seconds(1), seconds(1), seconds(600), Duration{}}, 1, 140);
  spec.boot = Duration{};
  return spec;
}

// AxeOS 2.14. Read: from the waits and ramps in its source (bitaxeorg/ESP-Miner) a pause winds down in up to 10 s and a
// resume takes 10…20 s. Assumed: 15 W and 1.2 TH/s of a single-chip board, 4 W paused.
PlantSpec bitaxe() {
  auto spec = row("bitaxe", one_level(15), {Duration{}, seconds(1), seconds(1), seconds(15), seconds(10)}, 4, 1.2);
  spec.wake_extra = Watts(3);
  spec.boot = seconds(10);
  return spec;
}

// The speeds that articles on curtailment give for the three firmwares: ramps down/up of 5/60, 15/30 and 30/60 s, wakes
// of 1, 2 and 3 min. Beside the rows above, so that figures can be compared with what others publish.
PlantSpec published_luxos() {
  return row("published-luxos", range(900, 3250, 5), {seconds(1), seconds(5), seconds(60), seconds(60), seconds(5)}, 25,
             140);
}

PlantSpec published_vnish() {
  return row("published-vnish", levels(11, [](int i) { return 900.0 + 235.0 * i; }),
             {seconds(3), seconds(15), seconds(30), seconds(120), seconds(15)}, 40, 140);
}

PlantSpec published_braiins() {
  return row("published-braiins", range(900, 3250, 10),
             {seconds(5), seconds(30), seconds(60), seconds(180), seconds(30)}, 30, 140);
}

constexpr struct {
  std::string_view name;
  PlantSpec (*make)();
} kRows[] = {{"luxos-target", luxos_target},
             {"luxos-profile", luxos_profile},
             {"vnish-throttle", vnish_throttle},
             {"vnish-preset", vnish_preset},
             {"braiins-fast", braiins_fast},
             {"braiins-slow", braiins_slow},
             {"dcent", dcent},
             {"stock", stock},
             {"plug", plug},
             {"bitaxe", bitaxe},
             {"published-luxos", published_luxos},
             {"published-vnish", published_vnish},
             {"published-braiins", published_braiins}};

/// A miner of articles and sums: the watts that it is asked for at once, nothing asleep, as many hashes from each of
/// them. 20 J/TH.
PlantSpec ideal(std::string name, const Envelope& envelope) {
  PlantSpec spec;
  spec.name = std::move(name);
  spec.max_hashrate = TeraHashes(envelope.max.value() / 20.0);
  spec.envelope = envelope;
  spec.wake_extra = Watts(0.0);
  spec.straight = true;
  return spec;
}

// A machine by name, for sums about one that people own: an S19 XP, 3010 W and 140 TH/s on its nameplate, under a LuxOS
// with power targets. Smallest power assumed.
PlantSpec s19_xp() {
  return row("s19-xp", range(900, 3010, 5), {seconds(1), seconds(5), seconds(60), seconds(60), seconds(5)}, 25, 140);
}

constexpr std::string_view kIdeal = "ideal:", kIdealOnOff = "ideal-on-off:";

/// `ideal:W` runs from W / 4 to W, `ideal-on-off:W` at W only.
std::optional<PlantSpec> ideal_named(std::string_view name) {
  const bool on_off = name.starts_with(kIdealOnOff);
  if (!on_off && !name.starts_with(kIdeal)) return std::nullopt;
  const std::string_view written = name.substr(on_off ? kIdealOnOff.size() : kIdeal.size());
  double watts = 0.0;
  const auto [stop, error] = std::from_chars(written.data(), written.data() + written.size(), watts);
  if (error != std::errc{} || stop != written.data() + written.size() || !(watts >= 1.0 && watts <= 1e6)) {
    return std::nullopt;
  }
  return ideal(std::string(name), on_off ? one_level(watts) : range(watts / 4.0, watts, 1.0));
}

}  // namespace

TeraHashes PlantSpec::hashrate(Watts power) const {
  if (straight) return max_hashrate * (power / envelope.max);
  const double relative = power / envelope.max;
  return TeraHashes(max_hashrate.value() * curve_hashrate(relative * kCurveFullWatts) / kCurveFullHashrate);
}

std::vector<std::string> plant_names() {
  std::vector<std::string> names;
  for (const auto& entry : kRows) names.emplace_back(entry.name);
  return names;
}

Result<PlantSpec> plant_spec(std::string_view name) {
  if (auto made = ideal_named(name)) return *std::move(made);
  if (name == "s19-xp") return s19_xp();
  std::string known;
  for (const auto& entry : kRows) {
    if (entry.name == name) return entry.make();
    known += known.empty() ? "" : ", ";
    known += entry.name;
  }
  return fail(ErrorKind::not_found, "no plant \"{}\"; known are {}, s19-xp, and ideal:W and ideal-on-off:W with watts",
              name, known);
}

}  // namespace sluice::sim
