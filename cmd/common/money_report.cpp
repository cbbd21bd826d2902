#include "common/money_report.hpp"

#include <nlohmann/json.hpp>

#include "model/names.hpp"

namespace sluice::cmd {
namespace {

using nlohmann::json;

const char* state_name(runtime::PriceState state) {
  switch (state) {
    case runtime::PriceState::none:
      return "none";
    case runtime::PriceState::waiting:
      return "waiting";
    case runtime::PriceState::known:
      return "known";
    case runtime::PriceState::remembered:
      return "remembered";
    case runtime::PriceState::fallback:
      return "fallback";
    case runtime::PriceState::missing:
      return "missing";
  }
  return "";
}

json optional(const std::optional<double>& value) { return value ? json(*value) : json(nullptr); }

json age_s(const std::optional<WallTime>& heard, WallTime wall, bool wall_sane) {
  return heard && wall_sane ? json(to_seconds(wall - *heard)) : json(nullptr);
}

/// The price now, and the next other one.
json present(const PriceOutlook& outlook, WallTime wall) {
  const PriceSlot* slot = outlook.at(wall);
  if (slot == nullptr) return json::object();
  json out{{"import_per_kwh", slot->import_price.value()},
           {"export_per_kwh", slot->export_price.value()},
           {"kind", to_string(slot->kind)},
           {"event", slot->event},
           {"demand_window", slot->demand_window}};
  const PriceSlot* const end = outlook.slots.data() + outlook.slots.size();
  const PriceSlot* next = slot + 1;
  const auto same = [&](const PriceSlot& other) {
    return other.import_price == slot->import_price && other.export_price == slot->export_price &&
           other.kind == slot->kind;
  };
  while (next != end && next->begin == next[-1].end && same(*next)) ++next;
  out["until_unix_ms"] = unix_ms(next[-1].end);
  if (next != end && next->begin == next[-1].end) {
    out["next_import_per_kwh"] = next->import_price.value();
    out["next_export_per_kwh"] = next->export_price.value();
  }
  return out;
}

}  // namespace

json money_json(const runtime::MarketView& view, WallTime wall, bool wall_sane) {
  json out{
      {"currency", view.settings.currency}, {"state", state_name(view.state)}, {"since_unix_ms", unix_ms(view.since)}};
  out["now"] = view.outlook && wall_sane ? present(*view.outlook, wall) : json::object();
  out["feeds"] = json::array();
  for (const auto& [use, report] :
       {std::pair("import", view.reports.bought), std::pair("export", view.reports.sold),
        std::pair("colours", view.reports.colours), std::pair("events", view.reports.events)}) {
    if (!report) continue;
    out["feeds"].push_back({{"use", use},
                            {"feed", report->feed},
                            {"age_s", age_s(report->heard, wall, wall_sane)},
                            {"trouble", report->trouble}});
  }
  const auto& mining = view.reports.hash_price;
  out["hashprice"] = nullptr;
  if (!mining) return out;
  out["hashprice"] = {{"per_ths_day", view.hash_price ? json(view.hash_price->value()) : json(nullptr)},
                      {"gross_per_ths_day", mining->price ? json(mining->price->value()) : json(nullptr)},
                      {"sat_per_ths_day", optional(mining->sat_per_ths_day)},
                      {"bitcoin_price", optional(mining->bitcoin_price)},
                      {"source", mining->source},
                      {"age_s", age_s(mining->heard, wall, wall_sane)},
                      {"trouble", mining->trouble}};
  return out;
}

}  // namespace sluice::cmd
