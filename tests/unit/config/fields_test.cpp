// The field table against the structs, the example and the pages made from it.

#include "config/fields.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include "config/reference.hpp"
#include "config/scalars.hpp"
#include "model/names.hpp"

namespace sluice::config {
namespace {

template <class Visit>
void walk(std::span<const Field> fields, void* target, const std::string& path, const Visit& visit) {
  for (const Field& field : fields) {
    const std::string here = path + "." + std::string(field.name);
    visit(field, target, here);
    if (!field.fields.empty()) walk(field.fields, field.enter(target), here, visit);
  }
}

TEST(Fields, EveryRowIsComplete) {
  Config config;
  std::set<std::string> seen;
  walk(config_fields(), &config, "", [&](const Field& field, const void*, const std::string& path) {
    EXPECT_TRUE(seen.insert(path).second) << path;
    EXPECT_FALSE(field.text.empty()) << path;
    const bool map = field.type == FieldType::section || field.type == FieldType::list;
    EXPECT_EQ(field.fields.empty(), !map) << path;
    EXPECT_EQ(field.enter != nullptr, map) << path;
    EXPECT_EQ(field.store != nullptr, !map) << path;
    EXPECT_LE(field.low, field.high) << path;
  });
}

TEST(Fields, ADefaultWrittenOutIsAcceptedAndChangesNothing) {
  Config config;
  walk(config_fields(), &config, "", [](const Field& field, void* target, const std::string& path) {
    const std::string text = field.show == nullptr ? "" : field.show(target, field);
    if (text.empty()) return;
    Value value;
    value.text = text;
    value.unit = field.unit;
    if (field.type == FieldType::integer || field.type == FieldType::number) {
      const auto number = parse_number(text);
      ASSERT_TRUE(number) << path << " " << text;
      EXPECT_GE(*number, field.low) << path;
      EXPECT_LE(*number, field.high) << path;
      value.number = *number;
    }
    value.boolean = text == "true";
    for (std::size_t i = 0; i < field.choices.size(); ++i) {
      if (field.choices[i] == text) value.choices.push_back(i);
    }
    field.store(target, value);
    EXPECT_EQ(field.show(target, field), text) << path;
  });
}

TEST(Fields, ChoicesAreInTheOrderOfTheirEnums) {
  Config config;
  walk(config_fields(), &config, "", [](const Field& field, const void*, const std::string& path) {
    for (std::size_t i = 0; i < field.choices.size(); ++i) {
      if (field.name == "strategy") {
        EXPECT_EQ(field.choices[i], to_string(static_cast<Strategy>(i))) << path;
      }
      if (field.name == "profile") {
        EXPECT_EQ(field.choices[i], to_string(static_cast<ProfileName>(i))) << path;
      }
      if (field.name == "on_stop") {
        EXPECT_EQ(field.choices[i], to_string(static_cast<OnStop>(i))) << path;
      }
    }
  });
}

void expect_file(const std::string& path, const std::string& content) {
  const std::string full = SLUICE_SOURCE_DIR "/" + path;
  if (std::getenv("SLUICE_UPDATE_CASES") != nullptr) std::ofstream(full) << content;
  std::ifstream in(full);
  std::stringstream found;
  found << in.rdbuf();
  EXPECT_EQ(found.str(), content) << path << " is made from the table: run this test with SLUICE_UPDATE_CASES=1";
}

TEST(Fields, TheReferencePageIsMadeFromTheTable) {
  expect_file("docs/reference/configuration.md", reference_markdown());
}

TEST(Fields, TheSchemaIsMadeFromTheTable) { expect_file("config/sluice.schema.json", schema_json()); }

TEST(Scalars, OnlyPlainDecimalNumbers) {
  EXPECT_EQ(parse_number("0"), 0.0);
  EXPECT_EQ(parse_number("-12.50"), -12.5);
  EXPECT_EQ(parse_number("999999999999999"), 999999999999999.0);
  for (const char* text : {"", "-", "010", "-01", "0x1F", "1e3", ".5", "5.", "+1", "nan", "inf", "1_0", "1,5", " 1",
                           "1 ", "--1", "1.2.3", "1234567890123456"}) {
    EXPECT_FALSE(parse_number(text)) << text;
  }
  EXPECT_FALSE(parse_integer("1.0"));
}

TEST(Scalars, HostsWithoutSchemeOrPort) {
  for (const char* host : {"10.0.0.2", "miner-1.lan", "s19", "fe80::1", "a_b.local"})
    EXPECT_TRUE(valid_host(host)) << host;
  for (const char* host : {"", "10.0.0.2:80", "1.2.3", "1.2.3.4.5", "01.2.3.4", "-a", "a..b", "a.", "a b", "ü.de"}) {
    EXPECT_FALSE(valid_host(host)) << host;
  }
}

}  // namespace
}  // namespace sluice::config
