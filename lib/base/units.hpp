#pragma once
/// Strong types for physical quantities. Inside the code a quantity has a type; at every edge (YAML, SQL, JSON, C ABI)
/// it is a plain number whose name ends in the unit: `power_w`, `energy_wh`, `soc_pct`.

#include <cmath>
#include <compare>

#include "base/time.hpp"

namespace sluice {

/// A double that knows its unit. Tags never mix: `Watts + WattHours` does not compile.
template <class Tag>
class Quantity {
 public:
  constexpr Quantity() = default;
  constexpr explicit Quantity(double value) : value_(value) {}
  /// The plain number in the unit that the type is named after.
  constexpr double value() const { return value_; }
  bool finite() const { return std::isfinite(value_); }

  constexpr auto operator<=>(const Quantity&) const = default;
  constexpr Quantity operator-() const { return Quantity(-value_); }
  constexpr Quantity& operator+=(Quantity other) { return value_ += other.value_, *this; }
  constexpr Quantity& operator-=(Quantity other) { return value_ -= other.value_, *this; }
  constexpr Quantity& operator*=(double factor) { return value_ *= factor, *this; }
  friend constexpr Quantity operator+(Quantity a, Quantity b) { return Quantity(a.value_ + b.value_); }
  friend constexpr Quantity operator-(Quantity a, Quantity b) { return Quantity(a.value_ - b.value_); }
  friend constexpr Quantity operator*(Quantity a, double factor) { return Quantity(a.value_ * factor); }
  friend constexpr Quantity operator*(double factor, Quantity a) { return Quantity(a.value_ * factor); }
  friend constexpr Quantity operator/(Quantity a, double divisor) { return Quantity(a.value_ / divisor); }
  friend constexpr double operator/(Quantity a, Quantity b) { return a.value_ / b.value_; }

 private:
  double value_ = 0.0;
};

using Watts = Quantity<struct WattsTag>;
using WattHours = Quantity<struct WattHoursTag>;
using Percent = Quantity<struct PercentTag>;  ///< 0…100, not 0…1
using Celsius = Quantity<struct CelsiusTag>;
using TeraHashes = Quantity<struct TeraHashesTag>;  ///< TH/s
using Hertz = Quantity<struct HertzTag>;
using Volts = Quantity<struct VoltsTag>;
using Amperes = Quantity<struct AmperesTag>;
using PricePerKwh = Quantity<struct PricePerKwhTag>;        ///< the site's currency per kWh
using PricePerThsDay = Quantity<struct PricePerThsDayTag>;  ///< the site's currency for 1 TH/s during 24 h
using Money = Quantity<struct MoneyTag>;                    ///< the site's currency

constexpr WattHours operator*(Watts power, Duration time) {
  return WattHours(power.value() * to_seconds(time) / 3600.0);
}
constexpr WattHours operator*(Duration time, Watts power) { return power * time; }

template <class Tag>
constexpr Quantity<Tag> min(Quantity<Tag> a, Quantity<Tag> b) {
  return b < a ? b : a;
}
template <class Tag>
constexpr Quantity<Tag> max(Quantity<Tag> a, Quantity<Tag> b) {
  return a < b ? b : a;
}
/// `value` limited to [low, high]; `high` wins when the limits are crossed, because a cap is a safety limit.
template <class Tag>
constexpr Quantity<Tag> clamp(Quantity<Tag> value, Quantity<Tag> low, Quantity<Tag> high) {
  return min(max(value, low), high);
}
template <class Tag>
Quantity<Tag> abs(Quantity<Tag> value) {
  return Quantity<Tag>(std::fabs(value.value()));
}
template <class Tag>
constexpr Quantity<Tag> positive(Quantity<Tag> value) {
  return max(value, Quantity<Tag>(0.0));
}

namespace literals {
constexpr Watts operator""_w(long double value) { return Watts(static_cast<double>(value)); }
constexpr Watts operator""_w(unsigned long long value) { return Watts(static_cast<double>(value)); }
constexpr Percent operator""_pct(long double value) { return Percent(static_cast<double>(value)); }
constexpr Percent operator""_pct(unsigned long long value) { return Percent(static_cast<double>(value)); }
}  // namespace literals

}  // namespace sluice
