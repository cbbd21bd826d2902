#pragma once
// What the tests of tariffs share: zones of this machine, plans of config/tariffs, instants as people write them.

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "io/time_zone.hpp"
#include "tariff/evaluation.hpp"

namespace sluice::tariff {

inline LocalTime zone(const std::string& name) {
  auto loaded = io::load_time_zone(name);
  if (!loaded) ADD_FAILURE() << loaded.error().text;
  return loaded ? *loaded : LocalTime();
}

inline LocalDay day(const std::string& text) { return parse_day(text).value(); }

/// `2026-03-08 16:30`, on the clock of a zone.
inline WallTime local(const LocalTime& in, const std::string& text) {
  return in.when(day(text.substr(0, 10)), std::chrono::minutes(parse_clock(text.substr(11)).value()));
}
inline WallTime utc(const std::string& text) { return local(LocalTime(), text); }

inline std::string mistakes_of(const std::vector<yaml::Diagnostic>& diagnostics) {
  std::string all;
  for (const yaml::Diagnostic& one : diagnostics) all += to_string(one) + "\n";
  return all;
}

inline Plan parsed(const std::string& text) {
  std::vector<yaml::Diagnostic> diagnostics;
  auto plan = parse_plan(text, "x.yaml", diagnostics);
  if (!plan) ADD_FAILURE() << mistakes_of(diagnostics);
  return plan.value_or(Plan{});
}

inline std::string file_text(const std::string& path) {
  std::ifstream stream(path);
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}

inline Plan shipped(const std::string& id) {
  return parsed(file_text(std::string(SLUICE_SOURCE_DIR) + "/config/tariffs/" + id + ".yaml"));
}

}  // namespace sluice::tariff
