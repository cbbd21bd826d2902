#include <cmath>
#include <optional>

#include "sim/miner_plant.hpp"

namespace sluice::sim {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

// LuxOS profile table of a captured S19k Pro: W = 199.6 + 11.874 H + 0.07739 H² reproduces its 11 known entries
// within 2 W.
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

PlantSpec row(std::string_view name, Envelope envelope, const Times& times, double sleep_w, double max_ths) {
  PlantSpec spec;
  spec.name = name;
  spec.envelope = envelope;
  spec.dynamics.dead_time = times.dead;
  spec.dynamics.ramp_down = times.down;
  spec.dynamics.ramp_up = times.up;
  spec.dynamics.wake = times.wake;
  spec.dynamics.sleep_power = Watts(sleep_w);
  spec.stop = times.stop;
  spec.boot = seconds(90);  // LuxOS asks to wait at least 90 s after a reboot; the others do not tell
  spec.max_hashrate = TeraHashes(max_ths);
  return spec;
}

// LuxOS with power targets (select models): 25 W in under 5 s; between the vendor's 10 s warm wake
// and the captured cold one (first hash at 115 s) stands 60 s.
PlantSpec luxos_target() {
  return row("luxos-target", range(900, 3250, 5), {seconds(1), seconds(5), seconds(60), seconds(60), seconds(5)}, 25,
             140);
}

// LuxOS, its profile table of an S19k Pro: 25 MHz apart, 190 MHz … default; 5.1625 TH/s an entry. Gaps of 95 to 155 W.
PlantSpec luxos_profile() {
  const auto level = [](int i) { return std::round(curve_watts(39.2 + 5.1625 * i)); };
  return row("luxos-profile", levels(17, level), {seconds(1), seconds(5), seconds(60), seconds(60), seconds(5)}, 25,
             kCurveFullHashrate);
}

// VNish 1.3: throttle 20…100 % of the active preset, in seconds, without a restart; ramps of the vendor's article
// (15/30 s); a wake takes "minutes".
PlantSpec vnish_throttle() {
  return row("vnish-throttle", range(650, 3250, 32.5),
             {seconds(3), seconds(15), seconds(30), seconds(120), seconds(15)}, 40, 140);
}

// VNish: a preset change costs a ramp of minutes, so raises keep 15 min apart; 235 W between presets.
PlantSpec vnish_preset() {
  auto spec = row("vnish-preset", levels(11, [](int i) { return 900.0 + 235.0 * i; }),
                  {seconds(10), seconds(60), seconds(180), seconds(120), seconds(15)}, 40, 140);
  spec.dynamics.retarget_up = minutes(15);
  return spec;
}

// Braiins OS: a tuned target settles fast; pause empties the boards in about 8 s, and after resume the first
// frequency hashes at 9.7 s, full power takes longer.
PlantSpec braiins_fast() {
  return row("braiins-fast", range(900, 3250, 10), {seconds(5), seconds(30), seconds(60), seconds(60), seconds(8)}, 30,
             140);
}

// Braiins OS: an untuned target lingers and climbs over minutes.
PlantSpec braiins_slow() {
  auto spec = row("braiins-slow", range(900, 3250, 10),
                  {seconds(5), seconds(60), seconds(240), seconds(300), seconds(13)}, 30, 140);
  spec.dynamics.retarget_up = minutes(3);
  spec.dynamics.retarget_down = minutes(5);
  return spec;
}

// DCENT_OS: the thermal loop picks a target up in about 5 s; a small home miner of 300…1400 W by its own presets.
// Settling is untested on hardware: the Braiins ramps stand in.
PlantSpec dcent() {
  return row("dcent", range(300, 1400, 1), {seconds(5), seconds(30), seconds(60), seconds(180), seconds(15)}, 30, 60);
}

// Stock Antminer firmware: sleep or normal only; a write may take 21 s to be answered, 60 s after a sleep it still
// hashed, a wake restarts the miner: several minutes.
PlantSpec stock() {
  return row("stock", one_level(3250), {seconds(21), seconds(1), seconds(1), seconds(300), seconds(60)}, 40, 140);
}

// A smart plug: cold start 300…900 s after the relay closes; opening it ends the draw at once.
PlantSpec plug() {
  auto spec = row("plug", one_level(3250), {seconds(1), seconds(1), seconds(1), seconds(600), Duration{}}, 1, 140);
  spec.boot = Duration{};
  return spec;
}

// AxeOS: pause winds down in up to 10 s, resume takes 10…20 s; a few watts remain.
PlantSpec bitaxe() {
  auto spec = row("bitaxe", one_level(15), {Duration{}, seconds(1), seconds(1), seconds(15), seconds(10)}, 4, 1.2);
  spec.wake_extra = Watts(3);
  spec.boot = seconds(10);
  return spec;
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
             {"bitaxe", bitaxe}};

}  // namespace

TeraHashes PlantSpec::hashrate(Watts power) const {
  const double relative = power / envelope.max;
  return TeraHashes(max_hashrate.value() * curve_hashrate(relative * kCurveFullWatts) / kCurveFullHashrate);
}

std::vector<std::string> plant_names() {
  std::vector<std::string> names;
  for (const auto& entry : kRows) names.emplace_back(entry.name);
  return names;
}

Result<PlantSpec> plant_spec(std::string_view name) {
  std::string known;
  for (const auto& entry : kRows) {
    if (entry.name == name) return entry.make();
    known += known.empty() ? "" : ", ";
    known += entry.name;
  }
  return fail(ErrorKind::not_found, "no plant \"{}\"; known are {}", name, known);
}

}  // namespace sluice::sim
