#pragma once
/// A miner's curve from what it was seen to draw and to hash while it held still. Pure; what it has learned is a small
/// text that survives restarts.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "model/money.hpp"
#include "model/reading.hpp"

namespace sluice::tariff {

class LearnedCurve {
 public:
  static constexpr std::size_t kBins = 24;  ///< of 5 % of the largest power, up to 120 %

  /// One look at the miner.
  struct Look {
    MonoTime now{};
    bool hashing = false;       ///< runs, tunes nothing, and its pool is not known to be dead
    std::uint64_t command = 0;  ///< number of the last command: another one means that it moves
    Watts drawn{};              ///< as the meter shows it, not as the miner reports it
    Watts most{};               ///< the largest power it has; with another one all is learned anew
    Reading<TeraHashes> hashrate;
    Reading<TeraHashes> nominal;  ///< what the firmware expects; may be missing
  };

  LearnedCurve() = default;
  /// What `text` returned once. Anything else counts as nothing learned.
  static LearnedCurve from_text(std::string_view text);
  std::string text() const;

  /// Learns once a minute, from five minutes of stillness on. A hashrate that is gone (below 30 % of what is expected)
  /// teaches nothing, and stillness begins anew.
  void look(const Look& look);

  /// Bins that were seen three times, as a curve that rises: a bin that brings no more than a smaller one is left out.
  /// Empty: nothing learned.
  WorkingCurve curve() const;

 private:
  struct Bin {
    double power_w = 0.0, hashrate_ths = 0.0;
    std::uint32_t samples = 0;
  };
  bool still(const Look& look);
  void learn(const Look& look);

  double most_w_ = 0.0;
  std::array<Bin, kBins> bins_{};
  std::optional<MonoTime> still_since_;
  std::uint64_t command_ = 0;
  double anchor_w_ = 0.0;
  MonoTime next_{};
};

}  // namespace sluice::tariff
