#pragma once
/// The simulator's own random numbers: the same seed gives the same run on every compiler and machine, which the
/// distributions of the standard library do not promise.

#include <bit>
#include <cstdint>

namespace sluice::sim {

/// xoshiro256++ (Blackman and Vigna, public domain algorithm), seeded through splitmix64.
class Random {
 public:
  explicit Random(std::uint64_t seed) {
    for (auto& word : state_) {
      seed += 0x9e3779b97f4a7c15U;
      std::uint64_t mixed = seed;
      mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9U;
      mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
      word = mixed ^ (mixed >> 31U);
    }
  }
  std::uint64_t next() {
    const std::uint64_t result = std::rotl(state_[0] + state_[3], 23) + state_[0];
    const std::uint64_t shifted = state_[1] << 17U;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }
  /// In [0, 1).
  double uniform() { return static_cast<double>(next() >> 11U) / kUnits; }
  /// In [low, high).
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  /// Mean 0, deviation 1: the sum of twelve uniform numbers less six, which needs no libm and ends at ±6.
  double normal() {
    // Summed as whole numbers of 2^-53: a power of two changes no digit, so it is put in once.
    double sum = -6.0 * kUnits;
    for (int i = 0; i < 12; ++i) sum += static_cast<double>(next() >> 11U);
    return sum / kUnits;
  }

 private:
  static constexpr double kUnits = 0x1.0p53;

  std::uint64_t state_[4] = {};
};

}  // namespace sluice::sim
