#include "devices/placing.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace sluice::devices {
namespace {

void invert(std::vector<Decoded>& all) {
  for (Decoded& each : all) {
    switch (each.what) {
      case Measurement::grid_w:
      case Measurement::grid_l1_w:
      case Measurement::grid_l2_w:
      case Measurement::grid_l3_w:
      case Measurement::battery_w:
        if (each.value) each.value = 0.0 - *each.value;
        break;
      case Measurement::grid_import_wh:
        each.what = Measurement::grid_export_wh;
        break;
      case Measurement::grid_export_wh:
        each.what = Measurement::grid_import_wh;
        break;
      default:
        break;
    }
  }
}

/// A meter that stands elsewhere than at the grid. What it counts as export is what the panels give.
void move_meter(MeterPlace where, std::vector<Decoded>& all) {
  constexpr double kStandby = 50.0;  // of an inverter at night
  const bool pv = where == MeterPlace::pv;
  std::erase_if(all, [&](const Decoded& each) {
    return each.what != Measurement::grid_w && (!pv || each.what != Measurement::grid_export_wh);
  });
  for (Decoded& each : all) {
    if (each.what == Measurement::grid_export_wh) {
      each.what = Measurement::pv_wh;
      continue;
    }
    each.what = pv ? Measurement::pv_w : Measurement::house_w;
    if (!pv || !each.value) continue;
    if (*each.value > kStandby) {
      each.note =
          fmt::format("the panels seem to consume {:.0f} W: the meter counts the other way, set `invert`", *each.value);
      each.value.reset();
    } else {
      each.value = std::max(0.0, 0.0 - *each.value);
    }
  }
}

}  // namespace

void place(bool inverted, MeterPlace where, std::vector<Decoded>& all) {
  if (inverted) invert(all);
  if (where != MeterPlace::grid) move_meter(where, all);
}

}  // namespace sluice::devices
