#include "plugin/manifest.hpp"

#include <gtest/gtest.h>

namespace sluice::plugin {
namespace {

constexpr const char* kGood = R"(id: rogue
title: Rogue
version: "1.0"
needs_password: true
default_port: 80
owns_io: true
command_time_ms: 6000
capabilities: [power_target, sleep]
options:
  - {name: overclock, type: boolean, default: "false", description: More.}
  - {name: depth, type: integer, default: "3", description: How deep.}
  - {name: share, type: number, default: "0.5", description: How much.}
)";

std::string error_of(const std::string& yaml) {
  const auto manifest = parse_manifest(yaml, "rogue.yaml");
  EXPECT_FALSE(manifest) << yaml;
  if (manifest) return {};
  EXPECT_EQ(manifest.error().kind, ErrorKind::invalid);
  return manifest.error().text;
}

TEST(Manifest, IsReadWhole) {
  const auto manifest = parse_manifest(kGood, "rogue.yaml");
  ASSERT_TRUE(manifest) << manifest.error().text;
  EXPECT_EQ(manifest->id, "rogue");
  EXPECT_EQ(manifest->default_port, 80);
  EXPECT_TRUE(manifest->needs_password);
  EXPECT_TRUE(manifest->owns_io);
  EXPECT_EQ(manifest->command_time, std::chrono::seconds(6));
  EXPECT_EQ(manifest->poll_time, std::chrono::seconds(2)) << "the default";
  ASSERT_EQ(manifest->options.size(), 3U);
  EXPECT_EQ(manifest->options[0].type, OptionType::boolean);
}

TEST(Manifest, SaysWhereAndWhatIsWrong) {
  EXPECT_EQ(error_of("id: a\ntitel: b\n"), "rogue.yaml:2: unknown key \"titel\"");
  EXPECT_EQ(error_of("id: a\nid: b\n"), "rogue.yaml:2: key \"id\" appears twice");
  EXPECT_EQ(error_of("id: a\ntitle: b\n"), "rogue.yaml:1: key \"version\" is missing");
  EXPECT_EQ(error_of("id: a\ntitle: b\nversion: c\nowns_io: on\n"), "rogue.yaml:4: \"owns_io\" must be true or false");
  EXPECT_EQ(error_of("id: a\ntitle: b\nversion: c\ndefault_port: 70000\n"),
            "rogue.yaml:4: \"default_port\" must be a whole number from 1 to 65535");
  EXPECT_EQ(error_of("id: [a\n").substr(0, 11), "rogue.yaml:");
  EXPECT_EQ(error_of(""), "rogue.yaml:1: expected a list of keys and values");
  EXPECT_NE(error_of("id: a\ntitle: b\nversion: c\noptions:\n  - {name: x, type: boolean, default: maybe, description: "
                     "d}\n")
                .find("must be true or false"),
            std::string::npos);
}

TEST(ManifestOptions, FillInDefaultsAndKeepWhatIsGiven) {
  const auto manifest = parse_manifest(kGood, "rogue.yaml").value();
  const auto options = checked_options(manifest, {{"depth", "7"}});
  ASSERT_TRUE(options);
  EXPECT_EQ(options->at("depth"), "7");
  EXPECT_EQ(options->at("overclock"), "false");
}

TEST(ManifestOptions, SayWhatWouldBeRight) {
  const auto manifest = parse_manifest(kGood, "rogue.yaml").value();
  EXPECT_EQ(checked_options(manifest, {{"dept", "7"}}).error().text,
            "adapter rogue has no option \"dept\"; it has: overclock, depth, share");
  EXPECT_EQ(checked_options(manifest, {{"depth", "7.5"}}).error().text,
            "option depth of adapter rogue is \"7.5\" and must be a whole number");
  EXPECT_EQ(checked_options(manifest, {{"overclock", "yes"}}).error().text,
            "option overclock of adapter rogue is \"yes\" and must be true or false");
  EXPECT_EQ(checked_options(manifest, {{"share", "much"}}).error().text,
            "option share of adapter rogue is \"much\" and must be a number");
}

}  // namespace
}  // namespace sluice::plugin
