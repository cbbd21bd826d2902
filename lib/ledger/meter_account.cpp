#include "ledger/meter_account.hpp"

#include <cmath>
#include <utility>

#include "model/energy.hpp"

namespace sluice::ledger {
namespace {

constexpr double kMicro = 1e6;
// No house moves its counters faster than this for long; beside it, the coarsest counters go in whole kWh.
constexpr double kMostPowerW = 200e3, kCoarsestWh = 2000.0;

std::int64_t whole(double value) { return std::llround(value); }

}  // namespace

std::int64_t energy_uwh(Watts mean, Duration time) { return whole((mean * time).value() * kMicro); }

void CounterAccount::flow(std::int64_t uwh, bool gap) {
  since_uwh_ += uwh;
  gap_ = gap_ || gap;
}

void CounterAccount::restore(std::optional<std::int64_t> anchor_uwh) {
  anchor_uwh_ = anchor_uwh;
  gap_ = restored_ = anchor_uwh.has_value();
}

CounterAccount::Moved CounterAccount::look(const Reading<WattHours>& counter) {
  Moved moved;
  if (!counter.usable() || !counter.value.finite() || std::fabs(counter.value.value()) > 1e12) return moved;
  if (anchor_uwh_ && !restored_ && counter.at <= anchor_at_) return moved;
  const std::int64_t now_uwh = whole(counter.value.value() * kMicro);
  if (anchor_uwh_) {
    const std::int64_t delta = now_uwh - *anchor_uwh_;
    // How long a restart took is not known here; its step is only asked to be one of days.
    const double hours = restored_ ? 24.0 * 31.0 : to_seconds(counter.at - anchor_at_) / 3600.0;
    const bool possible = delta >= 0 && static_cast<double>(delta) <= (hours * kMostPowerW + kCoarsestWh) * kMicro;
    if (!possible) {
      moved.resets = 1;
    } else if (gap_) {
      moved.gap_uwh = delta;
    } else {
      moved.counter_uwh = delta;
      moved.metered_uwh = since_uwh_;
    }
  }
  anchor_uwh_ = now_uwh;
  anchor_at_ = counter.at;
  since_uwh_ = 0;
  gap_ = restored_ = false;
  return moved;
}

void MeterAccount::add(const GridObservation& grid, Amounts& site) {
  const Reading<Watts>& now = grid.power;
  if (now.usable() && now.value.finite() && (!last_ || now.at > last_->at)) {
    const bool gap = !last_ || now.at - last_->at > kReadingGap;
    if (gap) {
      bought.flow(0, true);
      sold.flow(0, true);
    } else {
      const Duration time = now.at - last_->at;
      const std::int64_t in = whole(positive_energy(last_->value, now.value, time).value() * kMicro);
      const std::int64_t out = whole(positive_energy(-last_->value, -now.value, time).value() * kMicro);
      site[Amount::bought_uwh] += in;
      site[Amount::sold_uwh] += out;
      bought.flow(in, false);
      sold.flow(out, false);
    }
    last_ = now;
  }
  if (!last_) return;
  const CounterAccount::Moved in = bought.look(grid.imported);
  const CounterAccount::Moved out = sold.look(grid.exported);
  site[Amount::counter_bought_uwh] += in.counter_uwh;
  site[Amount::metered_bought_uwh] += in.metered_uwh;
  site[Amount::gap_bought_uwh] += in.gap_uwh;
  site[Amount::counter_sold_uwh] += out.counter_uwh;
  site[Amount::metered_sold_uwh] += out.metered_uwh;
  site[Amount::gap_sold_uwh] += out.gap_uwh;
  site[Amount::counter_resets] += in.resets + out.resets;
}

}  // namespace sluice::ledger
