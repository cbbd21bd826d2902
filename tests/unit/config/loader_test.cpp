#include "config/loader.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>

#include "catalogue.hpp"

namespace sluice::config {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Config loaded(const std::string& more) {
  const LoadResult result = load_text(std::string(kBase) + more, "sluice.yaml", test_catalogue());
  EXPECT_TRUE(result.ok()) << format_all(result);
  return result.config.value_or(Config{});
}

constexpr const char* kGarage = "circuits: [{name: garage, breaker_a: 20, volts: 240}]\n";

TEST(Loader, TheExampleLoadsWithoutErrorsOrWarnings) {
  const LoadResult result = load_file(SLUICE_SOURCE_DIR "/config/sluice.example.yaml", test_catalogue());
  EXPECT_EQ(format_all(result), "");
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result.config->miners[0].mac, "aa:bb:cc:00:11:22");
  EXPECT_EQ(result.config->control.grid_target, Watts(-20.0));
  EXPECT_TRUE(result.config->battery.present);
}

TEST(Loader, ReadsEveryKindOfValue) {
  const Config config = loaded(
      "site: {name: Haus am See, timezone: America/Toronto, currency: CAD}\n"
      "circuits: [{name: garage, breaker_a: 20, volts: 240, other_load_w: 300, margin_w: 50.5}]\n"
      "miners:\n"
      "  - {name: 007, adapter: luxos, host: miner-1.lan, port: 4028, circuit: garage, mac: AA-BB-CC-00-11-22,\n"
      "     password: {secret: s19}, power: {min_w: 900, max_w: 3250}, strategy: full, priority: -3, poll_s: 2.5,\n"
      "     options: {overclock: true, retries: 3}}\n"
      "notify: {exec: /usr/local/bin/tell-me}\n"
      "store: {path: /tmp/h.db, max_mb: 64}\n"
      "templates: {path: [/srv/a, /srv/b]}\n"
      "tick_s: 0.5\n");
  ASSERT_EQ(config.miners.size(), 1U);
  const MinerConfig& miner = config.miners[0];
  EXPECT_EQ(miner.name, "007");
  EXPECT_EQ(miner.port, 4028);
  EXPECT_EQ(miner.mac, "aa:bb:cc:00:11:22");
  EXPECT_EQ(miner.password.name, "s19");
  EXPECT_EQ(miner.max_power, Watts(3250.0));
  EXPECT_EQ(miner.strategy, Strategy::full);
  EXPECT_EQ(miner.priority, -3);
  EXPECT_EQ(miner.poll_interval, milliseconds(2500));
  EXPECT_EQ(miner.options.at("overclock"), "true");
  EXPECT_EQ(config.circuits[0].margin, Watts(50.5));
  EXPECT_EQ(config.notify.exec, "/usr/local/bin/tell-me");
  EXPECT_EQ(config.store.max_bytes, 64ULL << 20);
  EXPECT_EQ(config.template_paths, (std::vector<std::string>{"/srv/a", "/srv/b"}));
  EXPECT_EQ(config.tick, milliseconds(500));
}

TEST(Loader, AUnitThatIsNotGivenIsLeftToTheTemplate) {
  const LoadResult result =
      load_text("version: 1\ndevices: [{name: gx, template: victron-gx, role: grid, modbus: {host: 10.0.0.2}}]\n", "x",
                test_catalogue());
  ASSERT_TRUE(result.ok()) << format_all(result);
  EXPECT_EQ(result.config->devices[0].modbus.unit, std::nullopt);
}

TEST(Loader, ADeviceMayHaveSeveralRoles) {
  const LoadResult result = load_text(
      "version: 1\n"
      "devices:\n"
      "  - {name: gx, template: victron-gx, role: [grid, hybrid], interval_s: 2, invert: true,\n"
      "     modbus: {host: 10.0.0.2, unit: 100, timeout_ms: 800}}\n",
      "x", test_catalogue());
  ASSERT_TRUE(result.ok()) << format_all(result);
  const DeviceConfig& device = result.config->devices[0];
  EXPECT_EQ(device.roles, (std::vector<Role>{Role::grid, Role::hybrid}));
  EXPECT_EQ(device.modbus.unit, 100U);
  EXPECT_EQ(device.modbus.timeout, milliseconds(800));
  EXPECT_EQ(device.interval, seconds(2));
  EXPECT_TRUE(device.invert);
  const Site site = to_site(*result.config);
  EXPECT_TRUE(site.battery.present);
  EXPECT_TRUE(site.has_pv_meter);
}

TEST(Loader, AMinerWithoutStrategyTakesTheOneOfControl) {
  const Config config = loaded(std::string(kGarage) +
                               "miners: [{name: a, adapter: luxos, host: 10.0.0.3, circuit: garage}]\n"
                               "control: {strategy: full}\n");
  EXPECT_EQ(config.miners[0].strategy, Strategy::full);
}

TEST(Loader, OverridesStandOnTopOfTheProfile) {
  // The order in the file does not matter.
  const Config config = loaded("control: {constraints: {min_off_s: 30}, profile: gentle}\n");
  EXPECT_EQ(config.control.profile.min_off, seconds(30));
  EXPECT_EQ(config.control.profile.min_on, constraint_profile(ProfileName::gentle).min_on);
}

TEST(Loader, PidAndHysteresisAreSelectedByBeingThere) {
  const Config plain = loaded("control: {strategy: solar}\n");
  EXPECT_EQ(plain.control.regulation, Regulation::deadbeat);
  EXPECT_EQ(plain.control.hysteresis.form, HysteresisForm::energy);
  const Config own = loaded("control: {pid: {kp: 0.3}, hysteresis: {start_w: 200, stop_s: 60}}\n");
  EXPECT_EQ(own.control.regulation, Regulation::pid);
  EXPECT_DOUBLE_EQ(own.control.pid.kp, 0.3);
  EXPECT_EQ(own.control.hysteresis.form, HysteresisForm::classic);
  EXPECT_EQ(own.control.hysteresis.start_above_min, Watts(200.0));
  EXPECT_EQ(own.control.hysteresis.stop_after, seconds(60));
}

TEST(Loader, AnErrorWithholdsTheConfig) {
  EXPECT_FALSE(load_text(std::string(kBase) + "tick_s: 99\n", "x", test_catalogue()).ok());
}

TEST(Loader, BytesThatAreNotUtf8AreShownWithTheirPlace) {
  const LoadResult result = load_text("version: 1\nsite: {name: \xC3\x28}\n", "x.yaml", test_catalogue());
  EXPECT_EQ(format_all(result),
            "x.yaml:2:14: byte 0xC3 is not UTF-8; save the file as UTF-8\nsite: {name: ?(}\n             ^\n");
}

TEST(Loader, ControlCharactersAreRefusedAndNotRepeated) {
  const LoadResult result = load_text("version: 1\n# \x1B[2J\n", "x.yaml", test_catalogue());
  EXPECT_EQ(format_all(result), "x.yaml:2:3: control character 0x1B; remove it\n# ?[2J\n  ^\n");
}

TEST(Loader, NoDiagnosticRepeatsAPassword) {
  for (const char* key :
       {"password: {value: hunter2}", "password: hunter2", "pasword: hunter2", "password: {valu: hunter2}",
        "password: [hunter2]", "\"password\": {value: hunter2}", "password:\n      value: hunter2"}) {
    const std::string miner =
        fmt::format("miners:\n  - name: a\n    {}\n    adapter: luxos\n    host: 10.0.0.3\n", key);
    const std::string text = format_all(load_text(std::string(kBase) + miner, "x", test_catalogue()));
    EXPECT_NE(text, "") << key;
    EXPECT_EQ(text.find("hunter2"), std::string::npos) << text;
  }
}

TEST(Loader, AcceptsAByteOrderMarkAndDosLines) {
  std::string text = "\xEF\xBB\xBF" + std::string(kBase) + "tick_s: 2\n";
  for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 2) text.insert(at, "\r");
  const LoadResult result = load_text(text, "x", test_catalogue());
  EXPECT_EQ(format_all(result), "");
}

TEST(Loader, AFileTooLargeIsRefusedUnread) {
  const LoadResult result = load_text(std::string(kMaxFileBytes + 1, '#'), "x.yaml", test_catalogue());
  EXPECT_EQ(format_all(result), "x.yaml: is larger than 256 KiB; is this the right file?\n");
}

TEST(Loader, AFileThatCannotBeReadSaysWhy) {
  EXPECT_EQ(format_all(load_file("/nonexistent/sluice.yaml", test_catalogue())),
            "/nonexistent/sluice.yaml: cannot be read: No such file or directory\n");
  EXPECT_EQ(format_all(load_file("/", test_catalogue())), "/: cannot be read: Is a directory\n");
}

TEST(Loader, TheNumberOfDiagnosticsIsBounded) {
  std::string text(kBase);
  for (int i = 0; i < 500; ++i) text += fmt::format("key{}: 1\n", i);
  EXPECT_EQ(load_text(text, "x", test_catalogue()).diagnostics.size(), 100U);
}

// ---- what the controller gets

Site site_of(const std::string& more) { return to_site(loaded(more)); }

TEST(ToSite, ACircuitCarriesWhatIsLeftOfItsBreaker) {
  // 15 A × 120 V × 0.8 − 300 W − 100 W margin
  EXPECT_EQ(
      site_of("circuits: [{name: a, breaker_a: 15, volts: 120, other_load_w: 300}]\n").circuits[0].continuous_limit,
      Watts(1040.0));
  // 30 A × 240 V × 0.8 less 3 %
  EXPECT_NEAR(site_of("circuits: [{name: a, breaker_a: 30, volts: 240}]\n").circuits[0].continuous_limit.value(),
              5760.0 * 0.97, 1e-9);
}

TEST(ToSite, TheImportCapCountsEveryPhase) {
  EXPECT_NEAR(site_of("site: {main: {breaker_a: 63, volts: 230, phases: 3}}\n").import_cap.value(), 34776.0, 1e-6);
  EXPECT_NEAR(site_of("site: {main: {breaker_a: 200, volts: 120, phases: 2}}\n").import_cap.value(), 38400.0, 1e-6);
  EXPECT_EQ(site_of("").import_cap, Watts(0.0));
}

TEST(ToSite, AMinerInNoCircuitIsHeldToAnOrdinarySocket) {
  const std::string miner = "miners: [{name: a, adapter: luxos, host: 10.0.0.3, power: {max_w: 3000}}]\n";
  EXPECT_EQ(site_of(miner).miners[0].max_power, Watts(2000.0));
  EXPECT_EQ(site_of(miner).miners[0].circuit, kNoCircuit);
  EXPECT_EQ(site_of("site: {main: {breaker_a: 60, volts: 120}}\n" + miner).miners[0].max_power, Watts(1200.0));
}

TEST(ToSite, MinersKnowTheirCircuit) {
  const Site site = site_of(
      "circuits: [{name: a, breaker_a: 16, volts: 230}, {name: b, breaker_a: 16, volts: 230}]\n"
      "miners: [{name: m, adapter: luxos, host: 10.0.0.3, circuit: b}]\n");
  EXPECT_EQ(site.miners[0].circuit, 1);
  EXPECT_EQ(site.miners[0].max_power, Watts(0.0));
}

TEST(ToSite, ACurveReplacesTheForecast) {
  const std::string battery = "  - {name: bat, template: sunspec-storage, role: battery, modbus: {host: 10.0.0.2}}\n";
  const std::string devices =
      "version: 1\ndevices:\n  - {name: meter, template: sunspec-meter, role: grid, modbus: {host: 10.0.0.2}}\n" +
      battery;
  const auto battery_with = [&](const std::string& more) {
    const LoadResult result = load_text(devices + more, "x", test_catalogue());
    EXPECT_TRUE(result.ok()) << format_all(result);
    return to_site(result.config.value_or(Config{})).battery;
  };
  const BatterySettings standard = battery_with("battery: {reserve_pct: 30, share: forecast}\n");
  EXPECT_TRUE(standard.present);
  EXPECT_EQ(standard.reserve, Percent(30.0));
  EXPECT_TRUE(standard.share.empty()) << "by forecast";
  EXPECT_TRUE(standard.discharge.empty());
  const BatterySettings constant = battery_with("battery: {share: 0.5}\n");
  ASSERT_EQ(constant.share.size(), 2U);
  EXPECT_DOUBLE_EQ(constant.share[0].share, 0.5);
  const BatterySettings curve = battery_with("battery: {share: [[10, 0], [50, 0.25], [90, 1]]}\n");
  ASSERT_EQ(curve.share.size(), 3U);
  EXPECT_DOUBLE_EQ(curve.share[1].share, 0.25);
}

}  // namespace
}  // namespace sluice::config
