#include "model/worth.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace sluice {
namespace {

double slope(const WorkingPoint& from, const WorkingPoint& to) {
  return (to.hashrate - from.hashrate).value() / (to.power - from.power).value();
}

/// The corners of the concave hull of points that come with rising power.
class Hull {
 public:
  void add(const WorkingPoint& point) {
    if (size_ > 0 && point.power <= corners_[size_ - 1].power) return;
    while (size_ > 1 && slope(corners_[size_ - 2], corners_[size_ - 1]) <= slope(corners_[size_ - 1], point)) --size_;
    corners_[size_++] = point;
  }
  std::size_t size() const { return size_; }
  const WorkingPoint& operator[](std::size_t index) const { return corners_[index]; }

 private:
  std::array<WorkingPoint, kMaxWorkingPoints + 3> corners_;  // beside the points: 0, `min`, `max`
  std::size_t size_ = 0;
};

bool usable(PricePerThsDay hash_price, PricePerKwh heat_value, PricePerKwh price, Watts min, Watts max) {
  return hash_price.finite() && hash_price.value() >= 0.0 && heat_value.finite() && price.finite() && min.finite() &&
         max.finite() && max >= min && max.value() > 0.0;
}

}  // namespace

const char* curve_fault(const WorkingCurve& curve) {
  if (curve.empty()) return "has no point";
  WorkingPoint before;
  for (const WorkingPoint& point : curve) {
    if (!point.power.finite() || !point.hashrate.finite()) return "holds something that is not a number";
    if (point.power.value() <= 0.0 || point.hashrate.value() <= 0.0) return "holds a point without power or hashrate";
    if (point.power <= before.power) return "is not sorted by rising power";
    if (point.hashrate <= before.hashrate) return "does not rise: more power brings less hashrate";
    before = point;
  }
  return "";
}

TeraHashes hashrate_at(const WorkingCurve& curve, Watts power) {
  if (curve.empty() || !(power.value() > 0.0)) return TeraHashes(0.0);
  const WorkingPoint& first = curve[0];
  const WorkingPoint& last = curve.back();
  if (power <= first.power || curve.size() == 1) return first.hashrate * (power / first.power);
  if (power >= last.power) {
    const double average = last.hashrate.value() / last.power.value();
    const double step = std::min(slope(curve[curve.size() - 2], last), average);
    return last.hashrate + TeraHashes((power - last.power).value() * step);
  }
  const WorkingPoint* above =
      std::find_if(curve.begin(), curve.end(), [power](const WorkingPoint& point) { return point.power >= power; });
  const WorkingPoint& below = *(above - 1);
  return below.hashrate + TeraHashes((power - below.power).value() * slope(below, *above));
}

PricePerKwh kwh_value(PricePerThsDay hash_price, TeraHashes hashrate, Watts power) {
  return PricePerKwh(1000.0 / 24.0 * hash_price.value() * hashrate.value() / power.value());
}

PricePerKwh average_value(const WorkingCurve& curve, PricePerThsDay hash_price, Watts power) {
  if (!(power.value() > 0.0)) return PricePerKwh(0.0);
  return kwh_value(hash_price, hashrate_at(curve, power), power);
}

Watts highest_worth(const WorkingCurve& curve, PricePerThsDay hash_price, PricePerKwh heat_value, PricePerKwh price,
                    Watts min, Watts max) {
  if (!usable(hash_price, heat_value, price, min, max)) return Watts(0.0);
  Hull hull;
  hull.add({});
  hull.add({min, hashrate_at(curve, min)});
  for (const WorkingPoint& point : curve) {
    if (point.power > min && point.power < max) hull.add(point);
  }
  hull.add({max, hashrate_at(curve, max)});
  // Only the comparison knows the price, and it ends at the first step that fails: the result cannot rise with it.
  std::size_t taken = 0;
  while (taken + 1 < hull.size() && kwh_value(hash_price, hull[taken + 1].hashrate - hull[taken].hashrate,
                                              hull[taken + 1].power - hull[taken].power) +
                                            heat_value >=
                                        price) {
    ++taken;
  }
  return hull[taken].power;
}

}  // namespace sluice
