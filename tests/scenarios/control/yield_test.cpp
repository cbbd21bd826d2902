// A wallbox that waits for export beside a miner that follows by the second, with the runtime's own bookkeeping between
// them.

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "loop.hpp"
#include "runtime/yielding.hpp"

namespace sluice::control {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

/// Begins after a minute of enough export, as wallboxes do, and draws a fixed 1400 W while its car wants energy.
struct Wallbox {
  bool car_wants = false;
  bool car_takes = true;  ///< false: plugged in and full, which the wallbox does not know
  bool silent = false;
  double draws_w = 0.0;
  double export_s = 0.0;
  int stops = 0;

  void watch(double grid_w) {
    if (!car_wants) {
      draws_w = 0.0;
      export_s = 0.0;
      return;
    }
    export_s = grid_w < -1300.0 ? export_s + 1.0 : 0.0;
    if (car_takes && export_s >= 60.0) draws_w = 1400.0;
    // Bought energy for a while ends the charge.
    bought_s_ = draws_w > 0.0 && grid_w > 100.0 ? bought_s_ + 1.0 : 0.0;
    if (bought_s_ >= 60.0) {
      draws_w = 0.0;
      ++stops;
    }
  }
  std::shared_ptr<const runtime::DeviceReport> report(MonoTime now) const {
    auto told = std::make_shared<runtime::DeviceReport>();
    told->name = "wallbox";
    told->known = told->tried = told->up = true;
    const auto tell = [&](Measurement what, double value) {
      told->offered[static_cast<std::size_t>(what)] = true;
      told->values[static_cast<std::size_t>(what)] = Reading<double>::good(value, now);
    };
    tell(Measurement::load_w, draws_w);
    tell(Measurement::load_wants, car_wants ? 1.0 : 0.0);
    return told;
  }

 private:
  double bought_s_ = 0.0;
};

class YieldTo : public testing::Test {
 protected:
  YieldTo() : loop_({luxos_target()}) {
    loop_.site.yield_to = {{"wallbox", Watts(1400.0)}};
    loop_.miners[0].be_asleep();
    loop_.sun = [this](double) { return sun_w_; };
    loop_.load = [this](double) { return 500.0 + box_.draws_w; };
    loop_.add = [this](Snapshot& snapshot) {
      box_.watch(loop_.grid_w());
      if (!box_.silent || !reports_[0]) reports_[0] = box_.report(snapshot.now);
      const Decision& last = loop_.decision();
      const bool offered = last.estimate_valid && last.available >= Watts(0.0);
      snapshot.yield_to = yielding_.look(loop_.site.yield_to, reports_, offered, snapshot.now);
      seen_ = snapshot.yield_to[0];
    };
  }

  double sun_w_ = 3500.0;  // 3000 W of surplus
  Wallbox box_;
  Loop loop_;
  runtime::Yielding yielding_;
  std::array<std::shared_ptr<const runtime::DeviceReport>, 1> reports_;
  YieldObservation seen_;
};

TEST_F(YieldTo, NothingIsReservedForWhoWantsNothing) {
  loop_.run(600);
  EXPECT_NEAR(loop_.grid_w(), 0.0, 40.0);
  EXPECT_EQ(seen_.state, YieldState::content);
  EXPECT_EQ(loop_.decision().reserved, Watts(0.0));
}

TEST_F(YieldTo, TheWallboxGetsItsExportThenItsEnergyAndTheMinerComesBackAfterIt) {
  loop_.run(600);
  ASSERT_NEAR(loop_.mining_w(), 3000.0, 60.0);

  // A car is plugged in: the miner makes room, and the room is visible as export.
  box_.car_wants = true;
  double most_export_w = 0.0;
  loop_.run(120, [&] { most_export_w = std::max(most_export_w, -loop_.grid_w()); });
  EXPECT_NEAR(most_export_w, 1400.0, 100.0);
  ASSERT_EQ(box_.draws_w, 1400.0) << "the wallbox never saw the export it waits for";

  // While it charges the rest is mined and nothing more is reserved.
  loop_.run(300);
  EXPECT_EQ(seen_.state, YieldState::drawing);
  EXPECT_EQ(loop_.decision().reserved, Watts(0.0));
  EXPECT_NEAR(loop_.grid_w(), 0.0, 40.0);
  EXPECT_NEAR(loop_.mining_w(), 1600.0, 60.0);
  EXPECT_EQ(box_.stops, 0);

  // It is done: the miner climbs again.
  box_.car_wants = false;
  loop_.run(300);
  EXPECT_NEAR(loop_.grid_w(), 0.0, 40.0);
  EXPECT_GT(loop_.mining_w(), 2950.0);
}

TEST_F(YieldTo, WithTooLittleForBothTheMinerStops) {
  sun_w_ = 2000.0;  // 1500 W of surplus; the miner needs 900
  loop_.run(600);
  ASSERT_GT(loop_.mining_w(), 1300.0);
  box_.car_wants = true;
  loop_.run(900);
  EXPECT_EQ(loop_.miners[0].state, MinerState::asleep);
  EXPECT_EQ(box_.draws_w, 1400.0);
  EXPECT_EQ(box_.stops, 0);
}

TEST_F(YieldTo, ASilentSourceKeepsItsReserveForAWhileThenLosesIt) {
  box_.car_wants = true;
  box_.car_takes = false;
  loop_.run(600);
  ASSERT_EQ(seen_.state, YieldState::waiting);
  ASSERT_NEAR(loop_.grid_w(), -1400.0, 100.0);

  box_.silent = true;
  loop_.run(65);
  EXPECT_EQ(seen_.state, YieldState::silent);
  loop_.run(500);
  EXPECT_NEAR(loop_.grid_w(), -1400.0, 100.0);
  EXPECT_EQ(loop_.decision().reserved, Watts(1400.0));
  loop_.run(300);
  EXPECT_EQ(seen_.state, YieldState::released);
  EXPECT_NEAR(loop_.grid_w(), 0.0, 40.0);

  // It comes back and has its turn at once.
  box_.silent = false;
  loop_.run(60);
  EXPECT_EQ(seen_.state, YieldState::waiting);
  EXPECT_NEAR(loop_.grid_w(), -1400.0, 100.0);
}

TEST_F(YieldTo, ASourceThatWasNeverHeardCountsAsWaitingForAWhile) {
  reports_[0] = std::make_shared<runtime::DeviceReport>();
  box_.silent = true;
  loop_.run(600);
  EXPECT_EQ(seen_.state, YieldState::silent);
  EXPECT_EQ(loop_.decision().reserved, Watts(1400.0));
  loop_.run(120);
  EXPECT_EQ(loop_.decision().reserved, Watts(0.0));
}

TEST_F(YieldTo, ACarThatIsFullButPluggedInLosesItsTurnAndGetsAnotherOne) {
  box_.car_wants = true;
  box_.car_takes = false;
  loop_.run(1790);
  EXPECT_EQ(seen_.state, YieldState::waiting);
  loop_.run(200);
  EXPECT_EQ(seen_.state, YieldState::passed);
  loop_.run(200);
  EXPECT_NEAR(loop_.grid_w(), 0.0, 40.0) << "what nobody takes is mined";
  // Two hours later it is offered again, and now it takes it.
  box_.car_takes = true;
  loop_.run(7300);
  EXPECT_EQ(seen_.state, YieldState::drawing);
}

TEST_F(YieldTo, TimeWithoutTheSurplusIsNotHeldAgainstIt) {
  sun_w_ = 1000.0;  // 500 W of surplus
  box_.car_wants = true;
  loop_.run(4000);
  EXPECT_EQ(seen_.state, YieldState::waiting);
}

}  // namespace
}  // namespace sluice::control
