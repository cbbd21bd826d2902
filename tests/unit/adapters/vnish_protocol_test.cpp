#include <gtest/gtest.h>

#include <functional>

#include "fixture.hpp"
#include "sluice/adapter.hpp"
#include "vnish/protocol.hpp"

namespace sluice::vnish {
namespace {

using adapter::Error;
using testing::fixture;

std::int32_t status_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.status();
  }
  return SLUICE_OK;
}

TEST(VnishInfo, ReadsIdentityUnitAndUptime) {
  const Info info = parse_info(fixture("vnish/fixtures/info.json"));
  EXPECT_EQ(info.firmware_name, "Vnish");
  EXPECT_EQ(info.version, "1.3.4");
  EXPECT_EQ(info.model, "Antminer S19");
  EXPECT_EQ(info.mac, "aa:bb:cc:00:11:24");
  EXPECT_EQ(info.terahash_per_unit, 1e-3);
  EXPECT_EQ(info.uptime_s, (2 * 24 + 3) * 3600 + 7 * 60);
}

TEST(VnishInfo, UptimeHasTwoForms) {
  EXPECT_EQ(uptime_seconds("3:07"), 3 * 3600 + 7 * 60);
  EXPECT_EQ(uptime_seconds("1 days, 00:00"), 86400);
  for (const char* text : {"", "soon", "3", "x:y", "many days, 1:00"}) EXPECT_FALSE(uptime_seconds(text)) << text;
}

TEST(VnishSummary, PowerIsConsumptionAndNeverUsage) {
  const Summary summary = parse_summary(fixture("vnish/fixtures/summary_1.3.json"));
  EXPECT_EQ(summary.state, "mining");
  EXPECT_EQ(summary.power_w, 1512);
  EXPECT_TRUE(summary.power_measured);
  EXPECT_EQ(summary.throttle_percent, 60);
  EXPECT_EQ(summary.hottest_chip_c, 67);
  EXPECT_EQ(summary.pool_alive, true);
  EXPECT_EQ(summary.stock_hashrate, 95000);
}

TEST(VnishSummary, FailureCarriesItsReason) {
  const Summary summary = parse_summary(fixture("vnish/fixtures/summary_failure.json"));
  EXPECT_EQ(summary.state, "failure");
  EXPECT_NE(summary.description.find("not enough chips"), std::string::npos);
  EXPECT_NE(summary.description.find("1002"), std::string::npos);
  EXPECT_FALSE(summary.throttle_percent) << "1.2 cannot throttle";
  EXPECT_FALSE(summary.pool_alive);
}

TEST(VnishSummary, NothingToSayAfterBootIsStarting) {
  const Summary summary = parse_summary(R"({"miner":null})");
  EXPECT_TRUE(summary.booting);
  EXPECT_EQ(summary.state, "starting");
  EXPECT_FALSE(summary.power_w);
  for (const char* text : {"", "{}", "[]", "<html>", R"({"miner":{"power_consumption":-3}})"}) {
    EXPECT_EQ(status_of([&] { parse_summary(text); }), SLUICE_PROTOCOL) << text;
  }
}

std::vector<std::string> names(const std::vector<Preset>& presets) {
  std::vector<std::string> names;
  for (const auto& preset : presets) names.push_back(preset.name);
  return names;
}

TEST(VnishPresets, OffersTunedOnesOfTheFactorysSize) {
  const auto presets = parse_presets(fixture("vnish/fixtures/presets.json"));
  ASSERT_EQ(presets.size(), 6U) << "\"disabled\" stands for no watts";
  EXPECT_EQ(presets[2].hashrate_ths, 91);
  PresetRules rules{.stock_hashrate_ths = 95};
  EXPECT_EQ(names(usable_presets(presets, rules)), (std::vector<std::string>{"1100", "1500", "2950"}));
  rules.untuned = true;
  EXPECT_EQ(names(usable_presets(presets, rules)), (std::vector<std::string>{"1100", "1500", "2620", "2950"}));
  rules.overclock = true;
  EXPECT_EQ(names(usable_presets(presets, rules)), (std::vector<std::string>{"1100", "1500", "2620", "2950", "3750"}))
      << "one that needs a modified power supply is never offered";
}

TEST(VnishPresets, ComeBareOrWrapped) {
  EXPECT_EQ(parse_presets(R"({"presets":[{"name":"1500","status":"tuned"}]})").size(), 1U);
  EXPECT_EQ(status_of([] { parse_presets("{}"); }), SLUICE_PROTOCOL);
}

TEST(VnishPerfSummary, KnowsThePresetAndItsRival) {
  const PerfSummary perf =
      parse_perf_summary(R"({"current_preset":{"name":"1500"},"preset_switcher":{"enabled":true}})");
  EXPECT_EQ(perf.preset, "1500");
  EXPECT_TRUE(perf.preset_switcher);
  EXPECT_EQ(parse_perf_summary(R"({"current_preset":null})").preset, "");
  EXPECT_EQ(parse_perf_summary(R"({"current_preset":{"name":"disabled"}})").preset, "");
}

TEST(VnishControl, AcceptsEveryWayOfSayingNothing) {
  for (const char* text : {"", "null", "{}"}) EXPECT_FALSE(parse_saved(text).restart_required) << text;
  EXPECT_TRUE(parse_saved(R"({"restart_required":true,"reboot_required":false})").restart_required);
  EXPECT_TRUE(parse_saved(R"({"restart_required":false,"reboot_required":true})").reboot_required);
  EXPECT_EQ(status_of([] { parse_saved("<html>"); }), SLUICE_PROTOCOL);
}

TEST(VnishControl, SaysWhy) {
  EXPECT_EQ(failure_text(R"({"err":"failed-to-activate-pause-mode"})"), "failed-to-activate-pause-mode");
  EXPECT_EQ(failure_text("no such page"), "no such page");
  EXPECT_EQ(parse_unlock_timeout(R"({"unlock_timeout":90})"), 90);
  EXPECT_EQ(parse_unlock_timeout("{}"), std::nullopt);
}

TEST(VnishBodies, SendOnlyWhatChanges) {
  EXPECT_EQ(preset_body("1500"), R"({"miner":{"overclock":{"preset":"1500"}}})");
  EXPECT_EQ(throttle_body(60), R"({"percent":60})");
  EXPECT_EQ(unlock_body("a\"b"), R"({"pw":"a\"b"})");
}

}  // namespace
}  // namespace sluice::vnish
