#include "sim/baselines.hpp"

#include <array>
#include <cmath>
#include <optional>
#include <string>

#include "sim/candidate.hpp"
#include "sim/commander.hpp"

namespace sluice::sim {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Watts kNone{0.0};

/// No script counts its starts. One that is stopped by the twentieth of the day would look worse than it is; it pays
/// for each start in the score instead.
ConstraintProfile without_daily_limit(ConstraintProfile profile) {
  profile.max_starts_per_day = 0;
  return profile;
}

/// A program that looks every so often and says what it wants.
class Script : public Policy {
 public:
  Script(const BaselineSetup& setup, Duration interval)
      : setup_(setup), miners_(without_daily_limit(setup.profile)), interval_(interval) {}

  void step(const Snapshot& snapshot, Decision& decision) final {
    miners_.look(snapshot);
    if (snapshot.now >= next_) {
      next_ = snapshot.now + interval_;
      look(snapshot);
    }
    miners_.send(snapshot, decision);
  }

 protected:
  virtual void look(const Snapshot& snapshot) = 0;

  std::size_t count() const { return miners_.size(); }
  Commander& miners() { return miners_; }
  const BaselineSetup& setup() const { return setup_; }
  Watts fixed_power(const Snapshot& snapshot, std::size_t miner) const {
    return snapshot.miners[miner].envelope.floor(setup_.fixed_power);
  }
  Watts all_fixed_power(const Snapshot& snapshot) const {
    Watts sum{};
    for (std::size_t i = 0; i < count(); ++i) sum += fixed_power(snapshot, i);
    return sum;
  }
  void all_at_fixed_power(const Snapshot& snapshot) {
    for (std::size_t i = 0; i < count(); ++i) miners_.run(snapshot, i, setup_.fixed_power);
  }
  void all_rest() {
    for (std::size_t i = 0; i < count(); ++i) miners_.rest(i);
  }
  /// What a script takes for the surplus: the watts that the miners report, less the grid meter's.
  static Watts surplus(const Snapshot& snapshot) {
    Watts sum = -snapshot.grid.power.value;
    for (const MinerObservation& seen : snapshot.miners) sum += reported(seen);
    return sum;
  }
  static Watts reported(const MinerObservation& seen) {
    return seen.reported_power.usable() ? seen.reported_power.value : kNone;
  }

 private:
  BaselineSetup setup_;
  Commander miners_;
  Duration interval_;
  MonoTime next_{};
};

/// A condition that has to hold for a while before it counts.
class HeldFor {
 public:
  explicit HeldFor(Duration least) : least_(least) {}
  bool operator()(bool condition, MonoTime now) {
    if (!condition) return reset();
    if (!since_) since_ = now;
    return now - *since_ >= least_;
  }
  bool reset() { return since_.reset(), false; }

 private:
  Duration least_;
  std::optional<MonoTime> since_;
};

/// Two lines in a crontab: on at 10:00, off at 16:00.
class Cron final : public Script {
 public:
  explicit Cron(const BaselineSetup& setup) : Script(setup, seconds(1)) {}

 private:
  void look(const Snapshot& snapshot) override {
    if (!snapshot.wall_sane) return;
    const Duration time_of_day = snapshot.wall.time_since_epoch() % hours(24);
    if (time_of_day >= hours(10) && time_of_day < hours(16)) {
      all_at_fixed_power(snapshot);
    } else {
      all_rest();
    }
  }
};

/// Two automations with a numeric trigger that must hold: on above P + 100 W of export, off above 200 W of import.
class HomeAssistant final : public Script {
 public:
  explicit HomeAssistant(const BaselineSetup& setup) : Script(setup, seconds(1)) {}

 private:
  void look(const Snapshot& snapshot) override {
    if (!snapshot.grid.power.usable()) return;
    const Watts grid = snapshot.grid.power.value;
    const bool plenty = enough_(-grid > all_fixed_power(snapshot) + Watts(100.0), snapshot.now);
    const bool bought = too_little_(grid > Watts(200.0), snapshot.now);
    if (!on_ && plenty) {
      on_ = true;
      all_at_fixed_power(snapshot);
    } else if (on_ && bought) {
      on_ = false;
      all_rest();
    } else if (!on_) {
      all_rest();
    }
  }

  HeldFor enough_{minutes(5)}, too_little_{minutes(3)};
  bool on_ = false;
};

/// evcc in mode `pv` with its defaults, the miner as a charging point whose power is measured (`core/loadpoint.go`,
/// `core/site.go` of evcc-io/evcc): whole amperes at 230 V; between minimum and nothing a delay each way, and the
/// minimum in between. A battery's charge counts as available. One charging point is served an interval.
class Evcc final : public Script {
 public:
  explicit Evcc(const BaselineSetup& setup) : Script(setup, seconds(30)) {}

 private:
  static constexpr Watts kVoltAmpere{230.0};

  struct Point {
    bool known = false, enabled = false;
    HeldFor enable{minutes(1)}, disable{minutes(3)};
  };

  void look(const Snapshot& snapshot) override {
    if (!snapshot.grid.power.usable() || count() == 0) return;
    const std::size_t i = turn_++ % count();
    Point& point = points_[i];
    if (!point.known) {
      point.known = true;
      point.enabled = miners().wanted_on(i);
    }
    const double amperes = decide(point, snapshot, i);
    if (amperes > 0.0) {
      miners().run(snapshot, i, kVoltAmpere * amperes);
    } else {
      miners().rest(i);
    }
  }

  static double decide(Point& point, const Snapshot& snapshot, std::size_t miner) {
    const MinerObservation& seen = snapshot.miners[miner];
    Watts site = snapshot.grid.power.value;
    if (snapshot.battery.power.usable()) site += snapshot.battery.power.value;
    const double least = std::ceil(seen.envelope.min / kVoltAmpere);
    const double most = std::max(least, std::floor(seen.envelope.max / kVoltAmpere));
    const double available = std::max(0.0, (reported(seen) - site) / kVoltAmpere);
    if (!point.enabled) {
      point.disable.reset();
      if (!point.enable(available >= least, snapshot.now)) return 0.0;
      point.enable.reset();
      point.enabled = true;
      return least;
    }
    point.enable.reset();
    if (available >= least) {
      point.disable.reset();
      return std::min(std::floor(available), most);
    }
    if (!point.disable(site >= kNone, snapshot.now)) return least;
    point.disable.reset();
    point.enabled = false;
    return 0.0;
  }

  std::array<Point, kMaxMiners> points_;
  std::size_t turn_ = 0;
};

/// A PI node on the export, every 5 s. Its output is clipped, its integrator only if somebody thought of it.
class NodeRedPi final : public Script {
 public:
  NodeRedPi(const BaselineSetup& setup, bool anti_windup) : Script(setup, seconds(5)), anti_windup_(anti_windup) {}

 private:
  static constexpr double kGain = 0.3;
  static constexpr double kIntegralPerSecond = 0.02;
  static constexpr double kPeriodSeconds = 5.0;

  void look(const Snapshot& snapshot) override {
    if (!snapshot.grid.power.usable()) return;
    Watts most{};
    for (const MinerObservation& seen : snapshot.miners) most += seen.envelope.max;
    const Watts error = -snapshot.grid.power.value;
    integral_ += error * (kIntegralPerSecond * kPeriodSeconds);
    if (anti_windup_) integral_ = clamp(integral_, kNone, most);
    const Watts output = clamp(error * kGain + integral_, kNone, most) / static_cast<double>(count());
    for (std::size_t i = 0; i < count(); ++i) {
      if (output < snapshot.miners[i].envelope.min) {
        miners().rest(i);
      } else {
        miners().run(snapshot, i, output);
      }
    }
  }

  bool anti_windup_;
  Watts integral_{};
};

/// A script with a few profiles: every minute the highest rung that the surplus carries with 150 W to spare. The rungs
/// are those of a 3250 W miner and scale with the miner; one that has no rung of its own is switched.
class Ladder final : public Script {
 public:
  explicit Ladder(const BaselineSetup& setup) : Script(setup, seconds(60)) {}

 private:
  static constexpr double kRungs[] = {3000.0 / 3250.0, 2500.0 / 3250.0, 2000.0 / 3250.0, 1500.0 / 3250.0,
                                      1000.0 / 3250.0};

  void look(const Snapshot& snapshot) override {
    if (!snapshot.grid.power.usable()) return;
    const Watts carried = surplus(snapshot) / static_cast<double>(count()) - Watts(150.0);
    for (std::size_t i = 0; i < count(); ++i) {
      const Watts rung = highest_rung(snapshot.miners[i].envelope, carried);
      if (rung > kNone) {
        miners().run(snapshot, i, rung);
      } else {
        miners().rest(i);
      }
    }
  }

  /// 0 when none is carried.
  static Watts highest_rung(const Envelope& envelope, Watts carried) {
    if (envelope.max * kRungs[0] < envelope.min) return carried >= envelope.min ? envelope.min : kNone;
    for (const double share : kRungs) {
      const Watts rung = envelope.max * share;
      if (rung >= envelope.min && rung <= carried) return rung;
    }
    return kNone;
  }
};

/// The rule of the add-on PV_Mining_HA: on while 95 % of the rated power is covered, off otherwise.
class RatedOnOff final : public Script {
 public:
  explicit RatedOnOff(const BaselineSetup& setup) : Script(setup, seconds(10)) {}

 private:
  void look(const Snapshot& snapshot) override {
    if (!snapshot.grid.power.usable()) return;
    if (surplus(snapshot) >= 0.95 * all_fixed_power(snapshot)) {
      all_at_fixed_power(snapshot);
    } else {
      all_rest();
    }
  }
};

template <class Law>
std::unique_ptr<Policy> make(const BaselineSetup& setup) {
  return std::make_unique<Law>(setup);
}

std::unique_ptr<Policy> make_candidate(const BaselineSetup& setup, const CandidatePace& pace) {
  return std::make_unique<Candidate>(CandidateSetup{setup.leak_price, setup.profile, setup.meter_age, pace});
}

constexpr struct {
  BaselineInfo info;
  std::unique_ptr<Policy> (*make)(const BaselineSetup&);
} kRows[] = {
    {{"b1-cron", "cron", "a fixed power from 10:00 to 16:00"}, make<Cron>},
    {{"b2-home-assistant", "Home Assistant automation",
      "a fixed power P: on after 5 min of export > P + 100 W, off after 3 min of import > 200 W"},
     make<HomeAssistant>},
    {{"b3-evcc", "evcc",
      "whole amperes at 230 V every 30 s; enabled after 1 min, disabled after 3 min, at its minimum in between"},
     make<Evcc>},
    {{"b4-node-red-pi", "Node-RED PI", "PI on the export every 5 s, integrator without a limit"},
     [](const BaselineSetup& setup) -> std::unique_ptr<Policy> { return std::make_unique<NodeRedPi>(setup, false); }},
    {{"b4b-node-red-pi-antiwindup", "Node-RED PI, anti-windup", "PI on the export every 5 s, integrator limited"},
     [](const BaselineSetup& setup) -> std::unique_ptr<Policy> { return std::make_unique<NodeRedPi>(setup, true); }},
    {{"b5a-ladder", "profile ladder script",
      "every 60 s the largest of five rungs that the surplus carries with 150 W to spare"},
     make<Ladder>},
    {{"b5b-rated-onoff", "PV_Mining_HA", "every 10 s: on if 95 % of the rated power is covered, else off"},
     make<RatedOnOff>},
    {{"c2", "candidate c2", "twin, deadbeat on the predicted surplus, start and stop by ski rental"},
     [](const BaselineSetup& setup) { return make_candidate(setup, kBriskPace); }},
    {{"c2-calm", "candidate c2, calm", "c2 with a dead band of 60 W up, 30 W down, and 15 s between changes"},
     [](const BaselineSetup& setup) { return make_candidate(setup, kCalmPace); }},
};

}  // namespace

std::vector<BaselineInfo> baselines() {
  std::vector<BaselineInfo> out;
  for (const auto& row : kRows) out.push_back(row.info);
  return out;
}

Result<std::unique_ptr<Policy>> make_baseline(std::string_view id, const BaselineSetup& setup) {
  std::string known;
  for (const auto& row : kRows) {
    if (row.info.id == id) return row.make(setup);
    known += known.empty() ? "" : ", ";
    known += row.info.id;
  }
  return fail(ErrorKind::not_found, "no baseline \"{}\"; known are {}", id, known);
}

}  // namespace sluice::sim
