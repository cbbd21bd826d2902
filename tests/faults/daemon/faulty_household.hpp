#pragma once
/// A household whose bad days are of our own making: a day from a function, and what the house says of it afterwards.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>

#include "household.hpp"

namespace sluice::test {

class FaultyHousehold : public Household {
 protected:
  /// A house under a sun and a load of our own: `load_w` of each second, without noise.
  void start_house_with_load(double pv_w, int length_s, const std::function<double(int)>& load_w,
                             const std::string& miners) {
    std::string day = "t_s,pv_w,load_w\n";
    for (int s = 0; s < length_s; ++s) {
      day += std::to_string(s) + "," + std::to_string(pv_w) + "," + std::to_string(load_w(s)) + "\n";
    }
    write("day.csv", day);
    start_house("name: own day\ntrace: " + file("day.csv") +
                "\nstart: \"00:00\"\nmeter: {noise_w: 2, relative_noise: 0}\nminers:\n" + miners);
  }
  bool reaches(double elapsed_s) {
    return eventually([&] { return truth().at("elapsed_s").get<double>() >= elapsed_s; }, seconds(60));
  }
  bool alarmed(const std::string& code) {
    const auto now = status();
    return now && has(now->at("alarms"), code);
  }
  static bool has(const json& alarms, const std::string& code) {
    return std::any_of(alarms.begin(), alarms.end(), [&](const json& alarm) { return alarm.at("code") == code; });
  }
  /// Energy bought since `from_s`, as the house knows it.
  double imported_wh(double from_s) {
    double sum_ws = 0.0;
    const json trace = ask_house("GET", "/trace?from_s=" + std::to_string(static_cast<int>(from_s)));
    for (const json& second : trace.at("grid_w")) sum_ws += std::max(0.0, second.get<double>());
    return sum_ws / 3600.0;
  }
};

}  // namespace sluice::test
