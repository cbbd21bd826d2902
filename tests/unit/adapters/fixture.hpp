#pragma once
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

namespace sluice::testing {

/// The text of `adapters/<name>`.
inline std::string fixture(const std::string& name) {
  std::ifstream file(std::string(SLUICE_SOURCE_DIR "/adapters/") + name);
  EXPECT_TRUE(file) << name;
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace sluice::testing
