#include "sim/battery_bound.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <vector>

namespace sluice::sim {
namespace {

/// A piece of a concave function: `slope` is currency per kWh, and falls from piece to piece.
struct Piece {
  double length_wh, slope;
};
using Pieces = std::vector<Piece>;

/// The value of a step as a function of what it draws from the store, from the fullest charge to the fullest discharge.
class StepValue {
 public:
  StepValue(const BatteryBoundSpec& spec, double hours) : spec_(spec), prices_(spec.prices), hours_(hours) {}
  void set(const Prices& prices) { prices_ = prices; }
  /// Value at the fullest charge; `out` gets the pieces from there on, steepest first.
  double pieces(double surplus_w, Pieces& out) const;

 private:
  /// Earned with `left_w` for miners and grid: the best use of each watt, import < miners < export.
  double earned(double left_w) const;
  double slope(double left_w) const;
  double mined() const { return std::clamp(prices_.mined, prices_.exported, prices_.imported); }

  const BatteryBoundSpec& spec_;
  Prices prices_;
  double hours_;
};

// A miner worth more than the price of import runs all the time, one worth less than export never: both are the grid's
// own price with another name, apart from what running all the time adds.
double StepValue::earned(double left_w) const {
  const double most_w = spec_.miners_max.value(), used_w = std::clamp(left_w, 0.0, most_w);
  const double always = std::max(0.0, prices_.mined - prices_.imported) * most_w;
  const double grid = prices_.imported * std::min(left_w, 0.0) + prices_.exported * std::max(left_w - most_w, 0.0);
  return (always + mined() * used_w + grid) * hours_ / 1000.0;
}

double StepValue::slope(double left_w) const {
  if (left_w < 0.0) return prices_.imported;
  return left_w < spec_.miners_max.value() ? mined() : prices_.exported;
}

double StepValue::pieces(double surplus_w, Pieces& out) const {
  const double power_w = spec_.battery.max_power.value(), efficiency = spec_.battery.efficiency;
  const double from_w = surplus_w - power_w, to_w = surplus_w + power_w;
  std::array<double, 5> ends{from_w, std::clamp(0.0, from_w, to_w), surplus_w,
                             std::clamp(spec_.miners_max.value(), from_w, to_w), to_w};
  std::sort(ends.begin(), ends.end());
  out.clear();
  for (std::size_t i = 0; i + 1 < ends.size(); ++i) {
    const double middle_w = 0.5 * (ends[i] + ends[i + 1]);
    // A watt given up by the charge costs less than a watt-hour in the store, one from the discharge more.
    const double stored = middle_w < surplus_w ? efficiency : 1.0 / efficiency;
    if (ends[i + 1] > ends[i]) out.push_back({(ends[i + 1] - ends[i]) * stored * hours_, slope(middle_w) / stored});
  }
  // They fall by themselves unless a price is negative: then the losses of the battery are an income.
  std::sort(out.begin(), out.end(), [](const Piece& a, const Piece& b) { return a.slope > b.slope; });
  return earned(from_w);
}

/// The value of the store as a function of what is in it, between the floor and full.
struct StoreValue {
  double at_floor = 0.0;
  Pieces pieces;
};

// The best sum of two concave functions over all ways to share: their pieces, steepest first. Of the longer function
// that comes out, `cut_wh` below the floor and all above `length_wh` is of no use.
void merge(StoreValue& store, double step_at_start, const Pieces& step, double cut_wh, double length_wh,
           Pieces& scratch) {
  scratch.clear();
  double value = store.at_floor + step_at_start;
  std::size_t a = 0, b = 0;
  while ((a < store.pieces.size() || b < step.size()) && length_wh > 0.0) {
    const bool from_store = b == step.size() || (a < store.pieces.size() && store.pieces[a].slope >= step[b].slope);
    Piece piece = from_store ? store.pieces[a++] : step[b++];
    const double below = std::min(cut_wh, piece.length_wh);
    cut_wh -= below;
    value += below * piece.slope / 1000.0;
    piece.length_wh = std::min(piece.length_wh - below, length_wh);
    if (piece.length_wh <= 0.0) continue;
    length_wh -= piece.length_wh;
    if (!scratch.empty() && scratch.back().slope == piece.slope) {
      scratch.back().length_wh += piece.length_wh;
    } else {
      scratch.push_back(piece);
    }
  }
  store.at_floor = value;
  std::swap(store.pieces, scratch);
}

}  // namespace

double battery_bound(std::span<const float> surplus_w, Duration step, const BatteryBoundSpec& spec) {
  return battery_bound(surplus_w, step, spec, {&spec.prices, 1});
}

double battery_bound(std::span<const float> surplus_w, Duration step, const BatteryBoundSpec& spec,
                     std::span<const Prices> prices) {
  assert(spec.stored_value >= 0.0 && (prices.size() == 1 || prices.size() == surplus_w.size()));
  assert(step > Duration{} && spec.battery.efficiency > 0.0 && spec.battery.efficiency <= 1.0);
  const double hours = to_seconds(step) / 3600.0;
  const double initial_wh = spec.battery.capacity.value() * spec.initial_soc.value() / 100.0;
  const double floor_wh = std::min(initial_wh, spec.battery.capacity.value() * spec.battery.floor.value() / 100.0);
  const double length_wh = spec.battery.capacity.value() - floor_wh;
  const double charged_wh = spec.battery.max_power.value() * spec.battery.efficiency * hours;

  StoreValue store{spec.stored_value * floor_wh / 1000.0, {{length_wh, spec.stored_value}}};
  StepValue step_value(spec, hours);
  Pieces pieces, scratch;
  for (std::size_t k = surplus_w.size(); k-- > 0;) {
    const Prices& now = prices[prices.size() == 1 ? 0 : k];
    assert(now.imported >= now.exported);
    step_value.set(now);
    const double at_start = step_value.pieces(static_cast<double>(surplus_w[k]), pieces);
    merge(store, at_start, pieces, charged_wh, length_wh, scratch);
  }
  double value = store.at_floor, left_wh = initial_wh - floor_wh;
  for (const Piece& piece : store.pieces) {
    const double used = std::min(left_wh, piece.length_wh);
    value += used * piece.slope / 1000.0;
    left_wh -= used;
  }
  return value;
}

double energy_value(const Score& run, const Prices& prices) {
  return (prices.exported * run.exported.value() - prices.imported * run.imported.value()) / 1000.0;
}

double net_value(const Score& run, const Score& without_miners, const Prices& prices) {
  return prices.mined * run.mined.value() / 1000.0 + energy_value(run, prices) - energy_value(without_miners, prices);
}

}  // namespace sluice::sim
