/// Under constant sun the daemon ends within one step of the target and then says no more, whatever a miner's own
/// errors are. One house and one daemon for each miner, all at the same time.

#include <gtest/gtest.h>

#include <cmath>
#include <memory>

#include "household.hpp"

namespace sluice::test {
namespace {

constexpr double kSettleS = 300.0, kWatchS = 120.0;  // simulated
constexpr double kTargetW = 0.0;                     // of the grid, as configured when nothing is said
constexpr double kLooseW = 20.0;                     // noise of the meter and of what it reads

struct Firmware {
  const char* plant;
  double step_w;  ///< the widest step around the surplus of this test
};

struct Case {
  Firmware firmware;
  double setpoint_bias, report_bias;
};

class House final : public Household {
 public:
  explicit House(const Case& of) : of_(of) {}

  void start() {
    speed = 20;
    start_house(
        "name: constant\ntrace: constant\nconstant_pv_w: 2430\nconstant_load_w: 400\nseconds: 1200\n"
        "meter: {noise_w: 0, relative_noise: 0}\nminers:\n" +
        std::string("  - {name: m, plant: ") + of_.firmware.plant +
        ", start: running, target_w: 3250, setpoint_bias: " + std::to_string(of_.setpoint_bias) +
        ", report_bias: " + std::to_string(of_.report_bias) + "}\n");
    if (HasFatalFailure()) return;
    write("sluice.yaml", configuration());
    start_daemon();
  }
  std::string name() const {
    return std::string(of_.firmware.plant) + ", set point " + std::to_string(of_.setpoint_bias) + ", report " +
           std::to_string(of_.report_bias);
  }
  bool reaches(double elapsed_s) {
    return eventually([&] { return truth().at("elapsed_s").get<double>() >= elapsed_s; }, seconds(60));
  }

  void settled() {
    commands_ = truth().at("miners")[0].at("commands");
    EXPECT_GT(commands_, 0);
  }
  /// Every second of the watch, not only its end.
  void judge() {
    EXPECT_EQ(truth().at("miners")[0].at("commands"), commands_) << "it is at the target and may rest";
    const json grid_w = ask_house("GET", "/trace?from_s=" + std::to_string(static_cast<int>(kSettleS))).at("grid_w");
    const double tolerance_w = std::max(1.15 * of_.firmware.step_w, kLooseW);
    ASSERT_GE(static_cast<double>(grid_w.size()), kWatchS);
    double worst_w = 0.0;
    for (const json& second : grid_w) worst_w = std::max(worst_w, std::fabs(second.get<double>() - kTargetW));
    EXPECT_LE(worst_w, tolerance_w);
    std::printf("%s: %.0f W off at most, %d commands\n", name().c_str(), worst_w, commands_);
  }

 private:
  void TestBody() override {}
  Case of_;
  int commands_ = 0;
};

TEST(ConstantSun, ends_within_one_step_of_the_target_and_rests) {
  const Firmware firmwares[] = {
      {"luxos-target", 5.0},
      {"luxos-profile", 155.0},
      {"vnish-throttle", 32.5},
#ifdef SLUICE_WITH_BRAIINS
      {"braiins-fast", 10.0},
#endif
  };
  std::vector<std::unique_ptr<House>> houses;
  for (const Firmware& firmware : firmwares) {
    for (const double bias : {0.15, -0.15}) {
      houses.push_back(std::make_unique<House>(Case{firmware, bias, -bias}));
      houses.back()->start();
      ASSERT_FALSE(HasFatalFailure());
    }
  }
  for (const auto& house : houses) {
    SCOPED_TRACE(house->name());
    ASSERT_TRUE(house->reaches(kSettleS));
    house->settled();
  }
  for (const auto& house : houses) {
    SCOPED_TRACE(house->name());
    ASSERT_TRUE(house->reaches(kSettleS + kWatchS));
    house->judge();
  }
}

}  // namespace
}  // namespace sluice::test
