#include <gtest/gtest.h>

#include <functional>

#include "fixture.hpp"
#include "luxos/protocol.hpp"
#include "luxos/state.hpp"
#include "sluice/adapter.hpp"

namespace sluice::luxos {
namespace {

using adapter::Error;
using testing::fixture;

std::int32_t status_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& error) {
    EXPECT_FALSE(std::string(error.what()).empty());
    return error.status();
  }
  return SLUICE_OK;
}

std::string reply(const std::string& status, int code, const std::string& message) {
  return R"({"STATUS":[{"STATUS":")" + status + R"(","Code":)" + std::to_string(code) + R"(,"Msg":")" + message +
         R"("}],"id":1})";
}

TEST(LuxosCommand, JoinsParametersWithCommas) {
  EXPECT_EQ(command("power"), R"({"command":"power"})");
  EXPECT_EQ(command("profileset", {"AbCd1234", "290MHz"}), R"({"command":"profileset","parameter":"AbCd1234,290MHz"})");
}

TEST(LuxosOutcome, TellsTheKindsOfRefusalApart) {
  EXPECT_TRUE(outcome(reply("S", 321, "ok")).success);
  EXPECT_TRUE(outcome(reply("I", 321, "ok")).success);
  EXPECT_FALSE(outcome(reply("F", 1, "fatal")).success);
  EXPECT_FALSE(outcome(reply("Q", 1, "a status of tomorrow")).success);
  EXPECT_TRUE(outcome(reply("E", 402, "Another session is active")).session_held());
  EXPECT_FALSE(outcome(reply("E", 402, "Another session is active")).session_invalid());
  EXPECT_TRUE(outcome(reply("E", 408, "Invalid field 'session_id'")).session_invalid());
  EXPECT_TRUE(outcome(reply("E", 335, "Miner is already asleep")).already());
  EXPECT_TRUE(outcome(reply("E", 14, "Cannot run this command while ATM is running")).blocked_by_atm());
}

TEST(LuxosOutcome, RefusesWhatIsNoReply) {
  for (const char* text : {"", "garbage", "{\"STATUS\":[", "[]", "{}", R"({"STATUS":[]})", R"({"STATUS":[7]})"}) {
    EXPECT_EQ(status_of([&] { outcome(text); }), SLUICE_PROTOCOL) << text;
  }
}

TEST(LuxosOutcome, ToleratesATrailingNul) { EXPECT_TRUE(outcome(reply("S", 1, "ok") + '\0').success); }

TEST(LuxosConfig, ReadsAMinerWithPowerTarget) {
  const Config config = parse_config(fixture("luxos/fixtures/config_target.json"));
  EXPECT_EQ(config.model, "Antminer S21");
  EXPECT_EQ(config.mac, "aa:bb:cc:00:11:22");
  EXPECT_EQ(config.curtail_mode, "None");
  EXPECT_TRUE(config.power_target_supported);
  EXPECT_EQ(config.ideal_power_target_w, 3320);
  EXPECT_EQ(config.power_limit_w, 3500);
}

TEST(LuxosConfig, ReadsASleepingMinerOfOlderFirmware) {
  const Config config = parse_config(fixture("luxos/fixtures/config_asleep.json"));
  EXPECT_EQ(config.curtail_mode, "Sleep");
  EXPECT_FALSE(config.power_supply_on);
  EXPECT_FALSE(config.power_target_supported);
  EXPECT_FALSE(config.ideal_power_target_w);
  EXPECT_EQ(config.profile, "290MHz");
}

TEST(LuxosProfiles, ReadsStepsThatAreTextAndSkipsEntriesWithoutWatts) {
  const auto profiles = parse_profiles(fixture("luxos/fixtures/profiles.json"));
  ASSERT_EQ(profiles.size(), 7U);
  const Profile* low = find_profile(profiles, "290MHz");
  ASSERT_NE(low, nullptr);
  EXPECT_EQ(low->step, -12);
  EXPECT_EQ(low->watts, 1188);
}

std::vector<std::string> names(const std::vector<Profile>& profiles) {
  std::vector<std::string> names;
  for (const auto& profile : profiles) names.push_back(profile.name);
  return names;
}

TEST(LuxosProfiles, OffersOnlyWhatACommandCanNameAndTheOwnerAllows) {
  const auto profiles = parse_profiles(fixture("luxos/fixtures/profiles.json"));
  // "2" would be taken for a board, "my, own" for two tokens; of two with equal watts the tuned one is used.
  EXPECT_EQ(names(usable_profiles(profiles, false, "")), (std::vector<std::string>{"290MHz", "evening", "default"}));
  EXPECT_EQ(names(usable_profiles(profiles, true, "")),
            (std::vector<std::string>{"290MHz", "evening", "default", "690MHz"}));
  EXPECT_EQ(names(usable_profiles(profiles, true, "490MHz")), (std::vector<std::string>{"290MHz", "evening"}));
  EXPECT_EQ(names(usable_profiles(profiles, false, "no such profile")).size(), 3U);
}

TEST(LuxosReads, KnowUnitsAndMissingValues) {
  const std::string head = R"({"STATUS":[{"STATUS":"S","Code":1,"Msg":""}],)";
  EXPECT_EQ(parse_power(head + R"("POWER":[{"Watts":1051,"PSU":false}]})").watts, 1051);
  EXPECT_TRUE(parse_power(head + R"("POWER":[{"Watts":1051,"PSU":true}]})").measured);
  EXPECT_EQ(status_of([&] { parse_power(head + R"("POWER":[{"PSU":true}]})"); }), SLUICE_PROTOCOL);
  EXPECT_EQ(status_of([&] { parse_power(head + R"("POWER":[{"Watts":-5}]})"); }), SLUICE_PROTOCOL);
  EXPECT_EQ(status_of([&] { parse_power(head + R"("POWER":[]})"); }), SLUICE_PROTOCOL);
  EXPECT_EQ(status_of([&] { parse_power(reply("E", 14, "Invalid command")); }), SLUICE_REJECTED);
  const Summary summary = parse_summary(head + R"("SUMMARY":[{"GHS 5s":59000.1,"GHS 1m":59800,"Elapsed":777}]})");
  EXPECT_DOUBLE_EQ(summary.hashrate_ths, 59.8);
  EXPECT_EQ(summary.elapsed_s, 777);
  EXPECT_EQ(parse_hottest(fixture("luxos/fixtures/temps.json")), 63.0);
  EXPECT_EQ(parse_pool_alive(head + R"("POOLS":[]})"), std::nullopt);
  EXPECT_EQ(parse_pool_alive(head + R"("POOLS":[{"Status":"Dead"},{"Status":"Alive"}]})"), true);
  EXPECT_EQ(parse_pool_alive(head + R"("POOLS":[{"Status":"Dead"}]})"), false);
  EXPECT_EQ(parse_version(head + R"("VERSION":[{"API":"3.7","LUXminer":"2025.4.8.1"}]})"), "2025.4.8.1");
  EXPECT_EQ(status_of([&] { parse_version(head + R"("VERSION":[{"API":"3.1","BOSer":"x"}]})"); }), SLUICE_PROTOCOL);
  EXPECT_FALSE(parse_power_limits(head + R"("LIMITS":[{"FrequencyMin":50}]})"));
  EXPECT_FALSE(parse_power_limits(head + R"("LIMITS":[{"PowerTargetMin":3000,"PowerTargetMax":2000}]})"));
  EXPECT_EQ(parse_power_limits(head + R"("LIMITS":[{"PowerTargetMin":"900","PowerTargetMax":3250}]})")->min_w, 900);
}

TEST(LuxosKept, SurvivesBeingWrittenAndIgnoresGarbage) {
  Kept kept;
  EXPECT_EQ(kept.to_text(), "");
  kept.session = "AbCd1234";
  kept.atm = KeptAtm{"", "default"};
  const Kept back = Kept::from_text(kept.to_text());
  EXPECT_EQ(back.session, "AbCd1234");
  ASSERT_TRUE(back.atm);
  EXPECT_EQ(back.atm->max_profile, "default");
  for (const char* text : {"", "garbage", "[]", R"({"session":7,"atm":3})"}) {
    EXPECT_TRUE(Kept::from_text(text).session.empty()) << text;
    EXPECT_FALSE(Kept::from_text(text).atm) << text;
  }
}

}  // namespace
}  // namespace sluice::luxos
