/// What composed messages of Braiins OS must come out as.

#include <gtest/gtest.h>

#include "bos_v1.pb.h"
#include "bos_version.pb.h"
#include "braiins/link.hpp"
#include "braiins/mapping.hpp"

namespace sluice::braiins {
namespace {

using adapter::Error;
using namespace std::chrono_literals;

bos::ApiVersion api(unsigned major, unsigned minor, const std::string& pre = "") {
  bos::ApiVersion version;
  version.set_major(major);
  version.set_minor(minor);
  version.set_pre(pre);
  return version;
}

template <class Function>
int status_of(Function function) {
  try {
    function();
  } catch (const Error& error) {
    EXPECT_GT(std::string(error.what()).size(), 20U);
    return error.status();
  }
  return SLUICE_OK;
}

TEST(BraiinsVersion, OldApisAreRefusedAndTheOthersTaken) {
  for (const char* pre : {"alpha", "alpha.1", "beta", "beta.1"}) {
    EXPECT_EQ(status_of([&] { require_supported(api(1, 0, pre)); }), SLUICE_UNSUPPORTED) << pre;
  }
  for (const char* pre : {"beta.2", "beta.6", "beta.10", ""}) {
    EXPECT_EQ(status_of([&] { require_supported(api(1, 0, pre)); }), SLUICE_OK) << pre;
  }
  EXPECT_EQ(status_of([] { require_supported(api(1, 14)); }), SLUICE_OK);
  EXPECT_EQ(status_of([] { require_supported(api(0, 9)); }), SLUICE_UNSUPPORTED);
  EXPECT_EQ(status_of([] { require_supported(api(2, 0)); }), SLUICE_UNSUPPORTED);
}

TEST(BraiinsVersion, KnowsTheReleasesThatDoNotFollowRaises) {
  EXPECT_TRUE(raises_may_not_move(api(1, 0)));
  EXPECT_TRUE(raises_may_not_move(api(1, 0, "beta.6")));
  EXPECT_FALSE(raises_may_not_move(api(1, 0, "beta.5")));
  EXPECT_FALSE(raises_may_not_move(api(1, 1)));
}

TEST(BraiinsIdentity, IsReadFromTheDetails) {
  v1::GetMinerDetailsResponse details;
  details.set_uid("uid-1");
  details.mutable_miner_identity()->set_name("Antminer S19K Pro");
  details.mutable_bos_version()->set_current("2026-04-14-0-912d084c-26.04-plus");
  details.set_mac_address("AA:BB:CC:00:11:22");
  details.set_hostname("attic");
  adapter::Identity identity = identity_from(details);
  EXPECT_EQ(identity.firmware, "Braiins OS 26.04");
  EXPECT_EQ(identity.model, "Antminer S19K Pro");
  EXPECT_EQ(identity.mac, "aa:bb:cc:00:11:22");
  EXPECT_EQ(identity.serial, "uid-1") << "the device id stands in for a serial that is not told";
  details.set_serial_number("SN-7");
  details.mutable_miner_identity()->set_miner_model("ANTMINER S19K PRO");
  identity = identity_from(details);
  EXPECT_EQ(identity.serial, "SN-7");
  EXPECT_EQ(identity.model, "ANTMINER S19K PRO");
  EXPECT_EQ(release_of("experimental"), "experimental");
}

v1::GetConstraintsResponse constraints(unsigned min, unsigned usual, unsigned max) {
  v1::GetConstraintsResponse response;
  auto& power = *response.mutable_tuner_constraints()->mutable_power_target();
  power.mutable_min()->set_watt(min);
  power.mutable_max()->set_watt(max);
  if (usual > 0) power.mutable_default_()->set_watt(usual);
  return response;
}

TEST(BraiinsLimits, EndAtTheRatingUnlessOverclockingIsAllowed) {
  EXPECT_EQ(limits_from(constraints(771, 2760, 3500), false).max_w, 2760);
  EXPECT_EQ(limits_from(constraints(771, 2760, 3500), true).max_w, 3500);
  EXPECT_EQ(limits_from(constraints(771, 0, 3500), false).max_w, 3500);
  EXPECT_EQ(limits_from(constraints(771, 100, 3500), false).max_w, 3500) << "a default below the minimum is none";
  EXPECT_EQ(limits_from(constraints(771, 2760, 3500), false).min_w, 771);
}

TEST(BraiinsLimits, ThatAreNoneAreRefused) {
  EXPECT_EQ(status_of([] { limits_from({}, false); }), SLUICE_UNSUPPORTED);
  EXPECT_EQ(status_of([] { limits_from(constraints(0, 0, 3500), false); }), SLUICE_PROTOCOL);
  EXPECT_EQ(status_of([] { limits_from(constraints(900, 0, 800), false); }), SLUICE_PROTOCOL);
}

TEST(BraiinsMode, OnlyAPowerTargetOrSilenceTakesAPowerTarget) {
  v1::PerformanceMode mode;
  EXPECT_EQ(mode_from(mode), Mode::power_target);
  mode.mutable_tuner_mode()->mutable_power_target();
  EXPECT_EQ(mode_from(mode), Mode::power_target);
  mode.mutable_tuner_mode()->mutable_hashrate_target();
  EXPECT_EQ(mode_from(mode), Mode::hashrate_target);
  mode.mutable_manual_mode();
  EXPECT_EQ(mode_from(mode), Mode::manual);
}

TEST(BraiinsConfiguration, TellsTheTargetAndDps) {
  v1::GetMinerConfigurationResponse configuration;
  EXPECT_FALSE(configured_target_w(configuration));
  EXPECT_FALSE(scales_by_temperature(configuration));
  configuration.mutable_tuner()->mutable_power_target()->set_watt(3031);
  configuration.mutable_dps()->set_enabled(true);
  EXPECT_EQ(configured_target_w(configuration), 3031);
  EXPECT_TRUE(scales_by_temperature(configuration));
  configuration.mutable_tuner()->set_tuner_mode(v1::TUNER_MODE_HASHRATE_TARGET);
  EXPECT_FALSE(configured_target_w(configuration)) << "that target is not in force";
}

TEST(BraiinsPools, OneAliveIsEnoughAndUnusedOnesDoNotCount) {
  v1::GetPoolGroupsResponse pools;
  EXPECT_FALSE(pool_alive(pools));
  auto& spare = *pools.add_pool_groups()->add_pools();
  spare.set_alive(true);
  EXPECT_FALSE(pool_alive(pools));
  auto& dead = *pools.add_pool_groups()->add_pools();
  dead.set_enabled(true);
  EXPECT_EQ(pool_alive(pools), false);
  spare.set_enabled(true);
  EXPECT_EQ(pool_alive(pools), true);
}

/// A miner that runs at 2431 W, as a captured one did.
struct BraiinsPoll : testing::Test {
  BraiinsPoll() {
    details.set_status(v1::MINER_STATUS_NORMAL);
    details.set_bosminer_uptime_s(4000);
    details.set_system_uptime_s(5000);
    stats.mutable_power_stats()->mutable_approximated_consumption()->set_watt(2472);
    set_hashrate(100'000);
    stats.mutable_miner_stats()->mutable_nominal_hashrate()->set_gigahash_per_second(101'000);
    tuner.set_overall_tuner_state(v1::TUNER_STATE_STABLE);
    tuner.mutable_power_target_mode_state()->mutable_current_target()->set_watt(2431);
  }
  void set_hashrate(double ghs) {
    auto& real = *stats.mutable_miner_stats()->mutable_real_hashrate();
    real.mutable_last_5s()->set_gigahash_per_second(ghs);
    real.mutable_last_1m()->set_gigahash_per_second(ghs);
  }
  adapter::Poll poll(Asked asked = Asked::nothing) const { return poll_from({details, &stats, &tuner}, asked, 900); }
  sluice_state state(Asked asked = Asked::nothing) const { return poll(asked).state; }

  v1::GetMinerDetailsResponse details;
  v1::GetMinerStatsResponse stats;
  v1::GetTunerStateResponse tuner;
};

TEST_F(BraiinsPoll, OfARunningMiner) {
  const adapter::Poll seen = poll();
  EXPECT_EQ(seen.state, SLUICE_STATE_RUNNING);
  EXPECT_EQ(seen.power_w, 2472);
  EXPECT_FALSE(seen.power_measured) << "a model's estimate";
  EXPECT_EQ(seen.target_w, 2431);
  EXPECT_EQ(seen.hashrate_ths, 100);
  EXPECT_EQ(seen.nominal_hashrate_ths, 101);
  EXPECT_EQ(seen.uptime, 4000s);
  EXPECT_FALSE(seen.tuning);
  EXPECT_TRUE(seen.note.empty());
}

TEST_F(BraiinsPoll, WhatIsNotToldIsMissingAndNotZero) {
  const adapter::Poll seen = poll_from({details}, Asked::nothing, 900);
  EXPECT_EQ(seen.state, SLUICE_STATE_RUNNING);
  EXPECT_FALSE(seen.power_w || seen.target_w || seen.hashrate_ths || seen.nominal_hashrate_ths);
  details.set_bosminer_uptime_s(0);
  EXPECT_FALSE(poll().uptime) << "0 says that the process does not run";
}

TEST_F(BraiinsPoll, ZeroWattsAreAReading) {
  stats.mutable_power_stats()->mutable_approximated_consumption()->set_watt(0);
  EXPECT_EQ(poll().power_w, 0);
}

TEST_F(BraiinsPoll, StatesFollowTheStatus) {
  details.set_status(v1::MINER_STATUS_RESTRICTED);
  EXPECT_EQ(state(), SLUICE_STATE_RUNNING);
  details.set_status(v1::MINER_STATUS_PAUSED);
  EXPECT_EQ(state(), SLUICE_STATE_ASLEEP);
  details.set_status(v1::MINER_STATUS_SUSPENDED);
  EXPECT_EQ(state(), SLUICE_STATE_ASLEEP);
  EXPECT_FALSE(poll().note.empty());
  details.set_status(v1::MINER_STATUS_NOT_STARTED);
  EXPECT_EQ(state(), SLUICE_STATE_WAKING) << "the process runs";
  details.set_bosminer_uptime_s(0);
  EXPECT_EQ(state(), SLUICE_STATE_ASLEEP) << "it was stopped";
  details.set_system_uptime_s(60);
  EXPECT_EQ(state(), SLUICE_STATE_WAKING) << "it has not appeared yet";
}

TEST_F(BraiinsPoll, StoppingAndWakingAreKnownFromWhatWasAsked) {
  EXPECT_EQ(state(Asked::sleep), SLUICE_STATE_STOPPING);
  EXPECT_EQ(state(Asked::wake), SLUICE_STATE_RUNNING) << "it hashes already";
  set_hashrate(0);
  EXPECT_EQ(state(Asked::wake), SLUICE_STATE_WAKING);
  EXPECT_EQ(state(), SLUICE_STATE_RUNNING) << "no hashrate for long: that must be seen, not excused";
}

TEST_F(BraiinsPoll, ATunerErrorIsAFaultOnlyOnceNothingHashes) {
  tuner.set_overall_tuner_state(v1::TUNER_STATE_ERROR);
  EXPECT_EQ(state(), SLUICE_STATE_RUNNING);
  set_hashrate(0);
  EXPECT_EQ(state(), SLUICE_STATE_FAULT);
  EXPECT_FALSE(poll().note.empty());
}

TEST_F(BraiinsPoll, TuningIsWhatEnds) {
  for (const auto state : {v1::TUNER_STATE_TUNING, v1::TUNER_STATE_PREHEAT}) {
    tuner.set_overall_tuner_state(state);
    EXPECT_TRUE(poll().tuning);
  }
  for (const auto state : {v1::TUNER_STATE_CONTINUOUS, v1::TUNER_STATE_STABLE, v1::TUNER_STATE_DISABLED}) {
    tuner.set_overall_tuner_state(state);
    EXPECT_FALSE(poll().tuning);
  }
}

TEST_F(BraiinsPoll, AFigureFromBeforeThePauseIsNoReading) {
  details.set_status(v1::MINER_STATUS_PAUSED);
  EXPECT_FALSE(poll().power_w);
  stats.mutable_power_stats()->mutable_approximated_consumption()->set_watt(60);
  EXPECT_EQ(poll().power_w, 60);
}

TEST_F(BraiinsPoll, WithoutAStatusHashrateAndWattsDecide) {
  details.clear_status();
  EXPECT_EQ(state(), SLUICE_STATE_RUNNING);
  EXPECT_EQ(state(Asked::sleep), SLUICE_STATE_STOPPING);
  set_hashrate(0);
  EXPECT_EQ(state(), SLUICE_STATE_UNKNOWN) << "it still draws";
  EXPECT_EQ(state(Asked::wake), SLUICE_STATE_WAKING);
  stats.mutable_power_stats()->mutable_approximated_consumption()->set_watt(40);
  EXPECT_EQ(state(), SLUICE_STATE_ASLEEP);
  EXPECT_EQ(poll_from({details}, Asked::nothing, 900).state, SLUICE_STATE_UNKNOWN);
}

TEST_F(BraiinsPoll, AValueThatIsNoNumberIsMissing) {
  set_hashrate(std::numeric_limits<double>::quiet_NaN());
  EXPECT_FALSE(poll().hashrate_ths);
  v1::GetCoolingStateResponse cooling;
  EXPECT_FALSE(hottest_c(cooling));
  auto& temperature = *cooling.mutable_highest_temperature()->mutable_temperature();
  temperature.set_degree_c(71.5);
  EXPECT_EQ(hottest_c(cooling), 71.5);
  temperature.set_degree_c(std::numeric_limits<double>::infinity());
  EXPECT_FALSE(hottest_c(cooling));
}

TEST(BraiinsErrors, SayWhatToDoNext) {
  const struct {
    grpc::StatusCode code;
    const char* text;
    int status;
  } rows[] = {
      {grpc::StatusCode::UNAUTHENTICATED, "", SLUICE_UNAUTHORIZED},
      {grpc::StatusCode::DEADLINE_EXCEEDED, "Deadline Exceeded", SLUICE_TIMEOUT},
      {grpc::StatusCode::INVALID_ARGUMENT, "power target out of range", SLUICE_REJECTED},
      {grpc::StatusCode::FAILED_PRECONDITION, "BOSminer is not running", SLUICE_REJECTED},
      {grpc::StatusCode::UNIMPLEMENTED, "", SLUICE_UNSUPPORTED},
      {grpc::StatusCode::INTERNAL, "Stream removed", SLUICE_PROTOCOL},
      {grpc::StatusCode::CANCELLED, "", SLUICE_REFUSED},
      {grpc::StatusCode::UNAVAILABLE, "ipv4:127.0.0.1:50051: Connection refused", SLUICE_REFUSED},
      {grpc::StatusCode::UNAVAILABLE, "Socket closed", SLUICE_REFUSED},
      {grpc::StatusCode::UNAVAILABLE, "ipv4:127.0.0.1:50051: No route to host", SLUICE_UNREACHABLE},
      {grpc::StatusCode::UNAVAILABLE, "DNS resolution failed for attic:50051", SLUICE_UNREACHABLE},
      {grpc::StatusCode::UNAVAILABLE, "Trying to connect an http1.x server", SLUICE_PROTOCOL},
  };
  for (const auto& [code, text, status] : rows) {
    const Error error = error_from(grpc::Status(code, text), "SetPowerTarget");
    EXPECT_EQ(error.status(), status) << error.what();
    EXPECT_NE(std::string(error.what()).find("SetPowerTarget"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find(text), std::string::npos) << "the miner's own words";
  }
}

TEST(BraiinsLink, AddressesAndTokens) {
  EXPECT_EQ(target_of("s19.lan", 50051), "s19.lan:50051");
  EXPECT_EQ(target_of("fd00::5", 50051), "[fd00::5]:50051");
  EXPECT_TRUE(is_token("abc.DEF-123="));
  EXPECT_FALSE(is_token(""));
  EXPECT_FALSE(is_token("two words"));
  EXPECT_FALSE(is_token("line\nbreak"));
  EXPECT_FALSE(is_token("\xC3\xA4"));
  EXPECT_FALSE(is_token(std::string(5000, 'a')));
}

}  // namespace
}  // namespace sluice::braiins
