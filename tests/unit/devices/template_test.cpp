#include "devices/template.hpp"

#include <gtest/gtest.h>

namespace sluice::devices {
namespace {

constexpr const char* kHead =
    "id: x\ntitle: x\nchecked: 2026-07-20\nroles: [grid]\nsunspec: {bases: [40000]}\nmeasurements:\n";

std::string mistakes(const std::string& yaml) {
  std::string all;
  for (const Diagnostic& diagnostic : parse_template(yaml, "x.yaml").diagnostics) all += to_string(diagnostic) + "\n";
  return all;
}
std::string mistakes_in(const std::string& measurements) { return mistakes(kHead + measurements); }

TEST(Template, AGoodOneHasNoMistakes) { EXPECT_EQ(mistakes_in("  grid_w: {holding: 0x10, type: i16}\n"), ""); }

TEST(Template, EveryMistakeIsToldAtOnceWithItsPlace) {
  EXPECT_EQ(mistakes("id: x\ntitel: x\ntitle: x\nchecked: yesterday\nroles: [grid, moon]\nmeasurements:\n  grid_w: "
                     "{holding: 70000}\n"),
            "x.yaml:2:1: titel: unknown key; known here: id, title, checked, notes, roles, unit, transport, sunspec, "
            "defaults, identity, measurements, commands, http, mqtt\n"
            "x.yaml:4:10: checked: expected a date such as 2026-07-20\n"
            "x.yaml:5:15: roles[1]: expected one of grid, pv, battery, hybrid, house, load, room, switch\n"
            "x.yaml:7:21: measurements.grid_w.holding: expected a whole number from 0 to 65535, found `70000`\n");
}

TEST(Template, ACommandIsLintedLikeAMeasurement) {
  const auto of = [](const std::string& hold) {
    return mistakes_in("  grid_w: {holding: 1}\ncommands: {battery_hold: " + hold + "}\n");
  };
  EXPECT_EQ(of("{holding: 2704, type: i16, write: 0}"), "");
  EXPECT_EQ(of("{holding: 2704, type: f32, scale: 10}"),
            "x.yaml:8:26: commands.battery_hold: `write` is missing\n"
            "x.yaml:8:26: commands.battery_hold: expected u16, i16, u32 or i32: only those are written\n"
            "x.yaml:8:53: commands.battery_hold.scale: unknown key; known here: holding, type, order, unit, write\n");
  EXPECT_NE(of("{holding: 2704, write: 70000}").find("from 0 to 65535"), std::string::npos);
  const std::string evcc =
      "id: x\ntitle: x\nchecked: 2026-07-20\nroles: [load]\nhttp: {path: /state}\n"
      "measurements: {load_w: {json: /w}}\ncommands:\n  battery_hold:\n";
  EXPECT_EQ(mistakes(evcc + "    hold: {method: GET, path: hold}\n"),
            "x.yaml:9:5: commands.battery_hold: `release` is missing\n"
            "x.yaml:9:20: commands.battery_hold.hold.method: expected POST, PUT or DELETE\n"
            "x.yaml:9:31: commands.battery_hold.hold.path: a path begins with a slash\n");
}

TEST(Template, YamlsTrapsAreRefused) {
  EXPECT_NE(mistakes_in("  grid_w: {holding: 010}\n").find("found `010`"), std::string::npos);
  EXPECT_NE(mistakes_in("  grid_w: {holding: 1, holding: 2}\n").find("stands here twice"), std::string::npos);
  EXPECT_NE(mistakes_in("  grid_w: {holding: 1}\n  grid_w: {holding: 2}\n").find("stands here twice"),
            std::string::npos);
  EXPECT_NE(mistakes_in("  grid_w: &a {holding: 1}\n").find("anchors are not supported"), std::string::npos);
  EXPECT_NE(mistakes_in("  grid_w: {holding: 1}\n---\nid: y\n").find("one document a file"), std::string::npos);
  EXPECT_NE(mistakes("id: \xff\n").find("UTF-8"), std::string::npos);
  EXPECT_NE(mistakes("").find("empty"), std::string::npos);
  EXPECT_NE(
      mistakes_in("  grid_w: {holding: 1, zero_means_gone: on}\n").find("`true`, `false` or `unless_seen`, found `on`"),
      std::string::npos);
  EXPECT_NE(mistakes("a: [1\n").find("x.yaml:2"), std::string::npos);
}

TEST(Template, LintFindsWhatCannotWork) {
  EXPECT_NE(mistakes_in("  gird_w: {holding: 1}\n").find("no such measurement"), std::string::npos);
  EXPECT_NE(mistakes_in("  grid_w: {type: i16}\n").find("exactly one of"), std::string::npos);
  EXPECT_NE(mistakes_in("  grid_w: {holding: 1, point: W, models: [203]}\n").find("exactly one of"), std::string::npos);
  EXPECT_NE(mistakes_in("  grid_w: {point: Watts, models: [203]}\n").find("model 203 has no point `Watts`"),
            std::string::npos);
  EXPECT_NE(mistakes_in("  grid_w: {point: W, models: [999]}\n").find("no such SunSpec model"), std::string::npos);
  EXPECT_NE(mistakes_in("  pv_w: {point: DCW, models: [160]}\n").find("say which `group`"), std::string::npos);
  EXPECT_NE(mistakes_in("  pv_w: {point: W, models: [103], group: 1}\n").find("remove `group`"), std::string::npos);
  EXPECT_NE(mistakes_in("  pv_w: {point: W, models: [103], type: i16}\n").find("told by the SunSpec model"),
            std::string::npos);
  EXPECT_NE(mistakes_in("  grid_w: {holding: 65535, type: i32}\n").find("beyond register 65535"), std::string::npos);
  EXPECT_NE(mistakes_in("  grid_w: {holding: 1, scale: 0}\n").find("every value 0"), std::string::npos);
  EXPECT_NE(mistakes_in("  soc_pct: {holding: 1, min: 100, max: 0}\n").find("must be below"), std::string::npos);
  EXPECT_NE(mistakes("id: x\ntitle: x\nchecked: 2026-07-20\nroles: [grid]\ntransport: {max_registers: 1}\n"
                     "measurements:\n  grid_w: {holding: 1, type: i32}\n")
                .find("longer than transport.max_registers"),
            std::string::npos);
  EXPECT_NE(
      mistakes(
          "id: x\ntitle: x\nchecked: 2026-07-20\nroles: [grid]\nmeasurements:\n  grid_w: {point: W, models: [203]}\n")
          .find("`sunspec: {bases: [40000, 50000, 0]}` is needed"),
      std::string::npos);
}

}  // namespace
}  // namespace sluice::devices
