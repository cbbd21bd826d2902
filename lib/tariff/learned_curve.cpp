#include "tariff/learned_curve.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "model/worth.hpp"

namespace sluice::tariff {
namespace {

constexpr double kBinsOfMost = 20.0;
constexpr Duration kStill = std::chrono::minutes(5);  // fans, chips and hash counters have settled
constexpr Duration kEach = std::chrono::minutes(1);
constexpr Duration kFresh = std::chrono::minutes(2);
constexpr double kStillPart = 0.03;   // of the power: noise and the miner's own regulation
constexpr double kGonePart = 0.3;     // of the expected hashrate
constexpr double kOtherMiner = 0.02;  // of the largest power
constexpr std::uint32_t kTrusted = 3;
constexpr std::uint32_t kSlow = 60;  // samples that a mean is made of: an hour of stillness

bool gone(const LearnedCurve::Look& look) {
  if (!look.hashrate.fresh(look.now, kFresh) || !look.hashrate.value.finite()) return true;
  const double least = look.nominal.usable() ? kGonePart * look.nominal.value.value() : 0.0;
  return look.hashrate.value.value() <= least;
}

}  // namespace

LearnedCurve LearnedCurve::from_text(std::string_view text) {
  LearnedCurve learned;
  const std::string copy(text);
  const char* at = copy.c_str();
  char* end = nullptr;
  const double most = std::strtod(at, &end);
  if (end == at || !std::isfinite(most) || most <= 0.0) return {};
  learned.most_w_ = most;
  while (*end == ' ') {
    at = end + 1;
    const unsigned long bin = std::strtoul(at, &end, 10);
    if (end == at || *end != ':' || bin >= kBins) return {};
    Bin& into = learned.bins_[bin];
    into.power_w = std::strtod(end + 1, &end);
    if (*end != ':') return {};
    into.hashrate_ths = std::strtod(end + 1, &end);
    if (*end != ':') return {};
    into.samples = static_cast<std::uint32_t>(std::strtoul(end + 1, &end, 10));
    if (!std::isfinite(into.power_w) || !std::isfinite(into.hashrate_ths)) return {};
  }
  return *end == '\0' ? learned : LearnedCurve{};
}

/// Coarse on purpose: what has settled is not written to the disk again and again.
std::string LearnedCurve::text() const {
  if (most_w_ <= 0.0) return "";
  std::string text = fmt::format("{:.1f}", most_w_);
  for (std::size_t i = 0; i < kBins; ++i) {
    const Bin& bin = bins_[i];
    if (bin.samples > 0) text += fmt::format(" {}:{:.0f}:{:.1f}:{}", i, bin.power_w, bin.hashrate_ths, bin.samples);
  }
  return text;
}

bool LearnedCurve::still(const Look& look) {
  const double drawn = look.drawn.value();
  if (!look.hashing || !std::isfinite(drawn) || drawn <= 0.0 || gone(look)) {
    still_since_.reset();
    return false;
  }
  const bool moved = look.command != command_ || std::fabs(drawn - anchor_w_) > kStillPart * anchor_w_;
  if (!still_since_ || moved) {
    still_since_ = look.now;
    command_ = look.command;
    anchor_w_ = drawn;
  }
  return look.now - *still_since_ >= kStill;
}

void LearnedCurve::look(const Look& look) {
  if (!(look.most.value() > 0.0) || !look.most.finite()) return;
  if (std::fabs(look.most.value() - most_w_) > kOtherMiner * most_w_) {
    bins_ = {};
    most_w_ = look.most.value();
  }
  if (!still(look) || look.now < next_) return;
  next_ = look.now + kEach;
  learn(look);
}

void LearnedCurve::learn(const Look& look) {
  const auto index = static_cast<std::size_t>(kBinsOfMost * look.drawn.value() / most_w_);
  Bin& bin = bins_[std::min(index, kBins - 1)];
  bin.samples = std::min(bin.samples + 1, kSlow);
  bin.power_w += (look.drawn.value() - bin.power_w) / bin.samples;
  bin.hashrate_ths += (look.hashrate.value.value() - bin.hashrate_ths) / bin.samples;
}

WorkingCurve LearnedCurve::curve() const {
  WorkingCurve curve;
  for (const Bin& bin : bins_) {
    if (bin.samples < kTrusted) continue;
    const WorkingPoint point{Watts(bin.power_w), TeraHashes(bin.hashrate_ths)};
    const bool rises = curve.empty() || (point.power > curve.back().power && point.hashrate > curve.back().hashrate);
    if (rises) curve.push_back(point);
  }
  return *curve_fault(curve) == '\0' ? curve : WorkingCurve{};
}

}  // namespace sluice::tariff
