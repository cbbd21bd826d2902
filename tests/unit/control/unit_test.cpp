#include "control/unit.hpp"

#include <gtest/gtest.h>

namespace sluice::control {
namespace {

using std::chrono::seconds;

// A kettle that comes and goes looks like a loop that chases its own late answer. A step whose time the meter shows
// tells that it was not.
TEST(Unit, AStepThatFitsEndsTheCautionOfChasing) {
  const MinerSite site;
  Unit unit(site, MinerMemory{}, MonoTime(seconds(3600)), WallTime{});
  MonoTime now(seconds(3700));
  unit.want_target(Watts(3000.0), now);
  for (int turn = 0; turn < 3; ++turn) {
    now += seconds(1);
    const double step_w = turn % 2 == 0 ? -500.0 : 500.0;
    unit.chased(step_w, 0.0, now);
    unit.want_target(unit.target() + Watts(step_w), now);
  }
  StepFit fit;
  fit.fits = fit.dead_known = true;
  fit.dead_s = 2.0;
  fit.weight = 1.0;
  for (int step = 0; step < 3; ++step) unit.learn_fit(fit);
  EXPECT_GT(unit.trust(), 0.3);
}

}  // namespace
}  // namespace sluice::control
