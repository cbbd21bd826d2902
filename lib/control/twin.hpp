#pragma once
/// The twin of one miner: what it draws, as a function of the commands that were *sent* to it. It knows what the meter
/// has not shown yet, which makes the surplus estimate a Smith predictor (docs/adr/0006). It is never corrected by the
/// watts the firmware reports: an additive error of the twin cancels in the balance, a correction would bring it back.
///
/// Two twins run for every miner and bracket what it may be drawing: the high one rises early and falls late, the low
/// one rises late and falls early. A raise needs the low one's consent, a cut the high one's; while they disagree, what
/// was last asked for has simply not arrived yet. So an unknown dead time cannot make the loop hunt.

#include <array>
#include <cmath>
#include <cstdint>

#include "base/static_vector.hpp"
#include "base/time.hpp"
#include "base/units.hpp"

namespace sluice::control {

struct TwinDynamics {
  double dead_up_s = 1.0;       ///< a command to draw more was sent → power begins to move
  double dead_down_s = 1.0;     ///< the same for less
  double up_w_per_s = 40.0;     ///< while running, upwards
  double down_w_per_s = 400.0;  ///< while running, downwards
  double stop_w_per_s = 600.0;  ///< towards sleep
  double wake_s = 60.0;         ///< wake → minimum power
  double sleep_w = 25.0;
  double min_w = 900.0;  ///< power at the end of waking
};

class Twin {
 public:
  enum class Mode : std::uint8_t { asleep, waking, running };

  /// Starts over from a known point, with nothing pending.
  void reset(MonoTime now, Mode mode, double power_w, const TwinDynamics& dynamics);
  /// Dynamics may be refined at any time; a ramp in progress goes on at the new rate.
  void set_dynamics(const TwinDynamics& dynamics) { dynamics_ = dynamics; }

  /// A command whose first byte was written at `sent`; `goal_w` is what the miner will draw once settled (running
  /// only).
  void run_at(MonoTime sent, double goal_w);
  void wake(MonoTime sent, double goal_w);
  void sleep(MonoTime sent);
  // The miner's own word, as of the last `advance`.
  /// It hashes: waking ends now, at minimum power.
  void seen_running();
  /// It is on its way although the twin thinks it runs: it restarted, or takes longer than known. The lowest it may
  /// draw then is as at the start of waking, the highest its minimum power.
  void seen_waking(bool from_the_start);
  /// It sleeps.
  void seen_asleep();
  /// At `said` it did not sleep, although the twin did by then: it takes longer than known, or never heard of it. Until
  /// it says that it sleeps it may draw `most_w`.
  void seen_awake(MonoTime said, double most_w);

  /// What was learned of its draw moves the whole running curve, past and goal included, by `delta_w`.
  void shift(double delta_w);
  void advance(MonoTime now);
  /// Watts at `time`: from the past minute, or predicted from what was sent so far.
  double at(MonoTime time) const;
  double power_w() const { return core_.power_w; }
  Mode mode() const { return core_.mode; }
  /// Nothing pending and no ramp left.
  bool settled() const {
    if (!core_.pending.empty() || core_.mode == Mode::waking) return false;
    const double goal_w = core_.mode == Mode::running ? core_.goal_w : dynamics_.sleep_w;
    return std::fabs(core_.power_w - goal_w) < kSettledW;
  }

 private:
  static constexpr double kSettledW = 1.0;

  enum class Order : std::uint8_t { run, wake, sleep };
  struct Pending {
    MonoTime effective{};
    Order order = Order::run;
    double goal_w = 0.0;
  };
  struct Core {
    MonoTime time{};
    Mode mode = Mode::asleep;
    double power_w = 0.0;
    double goal_w = 0.0;   ///< of running, or what a waking miner will go on to
    bool overdue = false;  ///< told to sleep, and known not to yet
    MonoTime wake_began{};
    StaticVector<Pending, 24> pending;  ///< in the order in which they act

    void advance(MonoTime to, const TwinDynamics& dynamics);
    void move(MonoTime to, const TwinDynamics& dynamics);
    void apply(const Pending& order);
  };
  struct Sample {
    MonoTime time{};
    double power_w = 0.0;
  };

  void give(MonoTime sent, Order order, double goal_w);
  double last_goal_w() const;
  void forget_after(MonoTime time);
  void note();

  static constexpr std::size_t kHistory = 64;  // one a tick: a minute
  TwinDynamics dynamics_;
  Core core_;
  Core before_;  ///< one tick ago: a command is only learned of after it was sent
  std::array<Sample, kHistory> history_{};
  std::size_t newest_ = 0;
  std::size_t count_ = 0;
};

}  // namespace sluice::control
