#include "common/reports.hpp"

#include <nlohmann/json.hpp>

#include "model/names.hpp"
#include "tariff/worth.hpp"

namespace sluice::cmd {
namespace {

using nlohmann::json;

template <class T>
json number(const Reading<T>& reading) {
  return reading.usable() ? json(reading.value.value()) : json(nullptr);
}

template <class T>
json age_s(const Reading<T>& reading, MonoTime now) {
  return reading.usable() ? json(to_seconds(reading.age(now))) : json(nullptr);
}

json alarms_json(AlarmSet alarms) {
  json list = json::array();
  for (std::size_t i = 0; i < kAlarmCount; ++i) {
    const auto alarm = static_cast<Alarm>(i);
    if (alarms.has(alarm)) list.push_back({{"code", to_string(alarm)}, {"text", sentence(alarm)}});
  }
  return list;
}

json cuts_json(ReasonSet cuts) {
  json list = json::array();
  for (std::size_t i = 0; i < kReasonCount; ++i) {
    if (cuts.has(static_cast<Reason>(i))) list.push_back(to_string(static_cast<Reason>(i)));
  }
  return list;
}

json command_json(const CommandRecord& command, MonoTime now) {
  if (command.sequence == 0) return nullptr;
  json out{{"sequence", command.sequence}, {"kind", to_string(command.kind)}, {"status", to_string(command.status)}};
  if (command.kind != CommandKind::sleep) out["target_w"] = command.target.value();
  if (command.sent_at != MonoTime{}) out["sent_s_ago"] = to_seconds(now - command.sent_at);
  return out;
}

json learned_json(const LearnedValue& learned) {
  if (learned.samples == 0) return nullptr;
  return {{"value", learned.value}, {"spread", learned.spread}, {"samples", learned.samples}};
}

/// null: the firmware's own numbers count.
json learned_json(const LearnedMiner& learned) {
  json out{{"dead_time_s", learned_json(learned.dead_time_s)},
           {"ramp_up_w_per_s", learned_json(learned.ramp_up_w_per_s)},
           {"ramp_down_w_per_s", learned_json(learned.ramp_down_w_per_s)},
           {"wake_s", learned_json(learned.wake_s)},
           {"report_gain", learned_json(learned.report_gain)}};
  out["draw_gain"] = learned.samples > 0 ? json{{"value", learned.draw_gain}, {"samples", learned.samples}} : json();
  out["sleep_w"] = learned.sleep_w >= 0.0 ? json(learned.sleep_w) : json();
  return out;
}

json decided_json(const MinerDecision& decision) {
  json out{{"wanted", to_string(decision.wanted)},          {"sequence", decision.sequence},
           {"expected_w", decision.expected_power.value()}, {"reason", to_string(decision.reason)},
           {"sentence", sentence(decision.reason)},         {"cuts", cuts_json(decision.cuts)},
           {"alarms", alarms_json(decision.alarms)},        {"learned", learned_json(decision.learned)}};
  const bool runs = decision.wanted == CommandKind::target || decision.wanted == CommandKind::wake;
  out["target_w"] = runs ? json(decision.target.value()) : json(nullptr);
  out["worth_buying_w"] = decision.worth_buying.value();
  out["worth_keeping_w"] = decision.worth_keeping.value();
  return out;
}

}  // namespace

json device_json(const runtime::DeviceReport& device, MonoTime now) {
  json out{{"name", device.name}, {"up", device.up}, {"trouble", device.trouble}};
  out["identity"] = {{"manufacturer", device.identity.manufacturer},
                     {"model", device.identity.model},
                     {"version", device.identity.version},
                     {"serial", device.identity.serial}};
  out["values"] = json::array();
  if (!device.last) return out;
  out["age_s"] = to_seconds(now - device.last->at);
  for (const ports::Measured& measured : device.last->values) {
    out["values"].push_back({{"name", to_string(measured.what)},
                             {"value", measured.value ? json(*measured.value) : json(nullptr)},
                             {"unit", unit(measured.what)},
                             {"source", measured.source},
                             {"raw", measured.raw},
                             {"note", measured.note}});
  }
  return out;
}

json miner_json(const runtime::MinerReport& miner, const std::string& name, MonoTime now) {
  const MinerObservation& seen = miner.seen;
  json out{{"name", name},
           {"link", to_string(seen.link)},
           {"identity", to_string(seen.identity)},
           {"state", to_string(seen.state)},
           {"reported_w", number(seen.reported_power)},
           {"reported_age_s", age_s(seen.reported_power, now)},
           {"readback_w", number(seen.target_readback)},
           {"hashrate_ths", number(seen.hashrate)},
           {"temperature_c", number(seen.temperature)},
           {"tuning", seen.tuning},
           {"reboots", seen.reboots},
           {"command", command_json(seen.command, now)},
           {"trouble", miner.trouble},
           {"command_trouble", miner.command_trouble},
           {"note", miner.note},
           {"firmware", miner.identity.firmware},
           {"model", miner.identity.model},
           {"mac", miner.identity.mac},
           {"serial", miner.identity.serial}};
  out["pool_alive"] = seen.pool_alive.usable() ? json(seen.pool_alive.value) : json(nullptr);
  out["envelope"] = {{"kind", to_string(seen.envelope.kind)}};
  if (seen.envelope.known()) {
    out["envelope"]["min_w"] = seen.envelope.min.value();
    out["envelope"]["max_w"] = seen.envelope.max.value();
    out["envelope"]["levels_w"] = json::array();
    for (const Watts level : seen.envelope.levels) out["envelope"]["levels_w"].push_back(level.value());
  }
  return out;
}

namespace {

json heat_json(const runtime::HeatReport& heat, MonoTime now) {
  constexpr double kWarming = 10.0;  // kelvin that the air which carries the heat warms by
  return {{"name", heat.name},
          {"temperature_c", number(heat.temperature)},
          {"temperature_age_s", age_s(heat.temperature, now)},
          {"need", tariff::to_string(heat.word.need)},
          {"value_per_kwh", number(heat.word.value)},
          {"too_warm", heat.word.room_too_warm},
          {"guard_blind", heat.word.guard_blind},
          {"frozen", heat.word.frozen},
          {"heating_w", heat.heating.value()},
          {"heating_btu_per_h", tariff::btu_per_hour(heat.heating)},
          {"airflow_m3_per_h_10k", tariff::airflow_m3_per_hour(heat.heating, kWarming)},
          {"airflow_cfm_10k", tariff::airflow_cfm(heat.heating, kWarming)}};
}

}  // namespace

json status_json(const runtime::TickView& view, const std::string& history_degraded) {
  const Snapshot& snapshot = *view.snapshot;
  const Decision& decision = *view.decision;
  const MonoTime now = snapshot.now;
  json out{{"site", view.crew->site.name},
           {"unix_ms", unix_ms(snapshot.wall)},
           {"dry_run", view.crew->site.control.dry_run},
           {"grid_w", number(snapshot.grid.power)},
           {"grid_age_s", age_s(snapshot.grid.power, now)},
           {"pv_w", number(snapshot.pv.power)},
           {"battery_w", number(snapshot.battery.power)},
           {"soc_pct", number(snapshot.battery.soc)},
           {"estimate_valid", decision.estimate_valid},
           {"house_load_w", decision.estimate_valid ? json(decision.house_load.value()) : json(nullptr)},
           {"surplus_w", decision.estimate_valid ? json(decision.surplus.value()) : json(nullptr)},
           {"available_w", decision.estimate_valid ? json(decision.available.value()) : json(nullptr)},
           {"mining_w", decision.mining.value()},
           {"alarms", alarms_json(decision.alarms)},
           {"ticks", view.stats.ticks},
           {"late_ticks", view.stats.late_ticks},
           {"worst_step_us", to_seconds(view.stats.worst_step) * 1e6},
           {"history_degraded", history_degraded}};
  out["reserved_w"] = decision.estimate_valid ? json(decision.reserved.value()) : json(nullptr);
  out["hold_battery"] = decision.hold_battery;
  const PriceSlot* slot =
      snapshot.money.prices && snapshot.wall_sane ? snapshot.money.prices->at(snapshot.wall) : nullptr;
  out["decided_at_price_per_kwh"] = slot == nullptr ? json(nullptr) : json(slot->import_price.value());
  out["yield_to"] = json::array();
  for (std::size_t i = 0; i < snapshot.yield_to.size(); ++i) {
    const YieldObservation& load = snapshot.yield_to[i];
    out["yield_to"].push_back({{"name", view.crew->site.yield_to[i].device},
                               {"state", to_string(load.state)},
                               {"sentence", sentence(load.state)},
                               {"for_s", to_seconds(now - load.since)},
                               {"reserved_w", number(load.reserved)},
                               {"draws_w", number(load.power)}});
  }
  out["heat"] = json::array();
  for (const runtime::HeatReport& heat : view.heat) out["heat"].push_back(heat_json(heat, now));
  out["devices"] = json::array();
  for (const auto& device : view.devices) {
    out["devices"].push_back({{"name", device->name}, {"up", device->up}, {"trouble", device->trouble}});
  }
  out["miners"] = json::array();
  for (std::size_t i = 0; i < view.miners.size(); ++i) {
    json miner = miner_json(*view.miners[i], view.crew->workers[i]->name(), now);
    miner.update(decided_json(decision.miners[i]));
    miner["parked"] = snapshot.intents[i].park;
    out["miners"].push_back(std::move(miner));
  }
  return out;
}

json worth_json(const runtime::TickView& view) {
  const Snapshot& snapshot = *view.snapshot;
  json out{{"hash_price_per_ths_day", number(snapshot.money.hash_price)}, {"miners", json::array()}};
  const PriceSlot* slot =
      snapshot.money.prices && snapshot.wall_sane ? snapshot.money.prices->at(snapshot.wall) : nullptr;
  out["import_price_per_kwh"] = slot == nullptr ? json(nullptr) : json(slot->import_price.value());
  for (std::size_t i = 0; i < view.miners.size(); ++i) {
    const MinerMoney& money = snapshot.miner_money[i];
    const MinerSite& site = view.crew->site.miners[i];
    const Envelope& envelope = snapshot.miners[i].envelope;
    json miner{{"name", site.name},
               {"curve", json::array()},
               {"curve_source", runtime::to_string(view.curve_sources[i])},
               {"heat_value_per_kwh", number(money.heat_value)}};
    for (const WorkingPoint& point : *money.curve)
      miner["curve"].push_back({point.power.value(), point.hashrate.value()});
    if (envelope.known()) {
      const Watts most = site.max_power > Watts(0.0) ? min(envelope.max, site.max_power) : envelope.max;
      miner["min_w"] = max(envelope.min, site.min_power).value();
      miner["max_w"] = most.value();
    }
    out["miners"].push_back(std::move(miner));
  }
  return out;
}

json why_json(const std::vector<runtime::DecisionEntry>& entries) {
  json list = json::array();
  for (const runtime::DecisionEntry& entry : entries) {
    const bool runs = entry.wanted == CommandKind::target || entry.wanted == CommandKind::wake;
    list.push_back({{"unix_ms", unix_ms(entry.wall)},
                    {"miner", entry.miner},
                    {"wanted", to_string(entry.wanted)},
                    {"target_w", runs ? json(entry.target.value()) : json(nullptr)},
                    {"reason", to_string(entry.reason)},
                    {"sentence", sentence(entry.reason)},
                    {"cuts", cuts_json(entry.cuts)},
                    {"grid_w", number(entry.grid)},
                    {"available_w", entry.estimate_valid ? json(entry.available.value()) : json(nullptr)},
                    {"reserved_w", entry.estimate_valid ? json(entry.reserved.value()) : json(nullptr)},
                    {"reserved_for", entry.reserved_for}});
  }
  return list;
}

}  // namespace sluice::cmd
