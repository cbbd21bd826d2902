#include "house/house.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <utility>

#include "devices/encode.hpp"

namespace sluice::house {
namespace {

using std::chrono::seconds;

constexpr double kReadbackNoise = 0.01;  // of a miner's own watts
constexpr Watts kNoSun{20.0};
constexpr double kGridHertz = 50.0, kGridVolts = 230.0;

// Of the GX's settings, by Victron's register list and not by the daemon's template, which is what it checks.
constexpr std::uint16_t kMaxInverterPower10W = 2704, kMaxInverterPowerW = 2720;
constexpr int kIllegalAddress = 2, kIllegalValue = 3;

sim::HousePlantSpec plant_spec_of(const Scenario& scenario) {
  sim::HousePlantSpec spec = scenario.house;
  for (const auto& miner : scenario.miners) spec.miners.push_back(miner.setup);
  return spec;
}

bool hashes_or_wakes(MinerState state) { return state == MinerState::running || state == MinerState::waking; }

bool has_role(const devices::Template& device, std::string_view role) {
  return std::ranges::find(device.roles, role) != device.roles.end();
}

// Everything that a device of the library may want to show; each template takes what it offers.
std::map<Measurement, double> measurements(const MeterFace& meter, const InverterFace& inverter, Watts load) {
  const double grid_w = meter.power.value(), phase_w = grid_w / 3.0;
  std::map<Measurement, double> values = {
      {Measurement::grid_w, grid_w},
      {Measurement::grid_l1_w, phase_w},
      {Measurement::grid_l2_w, phase_w},
      {Measurement::grid_l3_w, phase_w},
      {Measurement::grid_import_wh, meter.imported.value()},
      {Measurement::grid_export_wh, meter.exported.value()},
      {Measurement::grid_hz, meter.islanded ? 0.0 : kGridHertz},
      {Measurement::grid_v, meter.islanded ? 0.0 : kGridVolts},
      {Measurement::grid_connection, inverter.islanded ? 1.0 : 0.0},
      {Measurement::pv_w, inverter.power.value()},
      {Measurement::pv_curtailed, inverter.throttled ? 1.0 : 0.0},
      {Measurement::pv_wh, inverter.produced.value()},
      {Measurement::inverter_ac_w, (inverter.power + inverter.storage.power).value()},
      {Measurement::inverter_rating_w, inverter.rating.value()},
      {Measurement::house_w, load.value()},
  };
  if (inverter.has_storage) {
    values[Measurement::battery_w] = inverter.storage.power.value();
    values[Measurement::soc_pct] = inverter.storage.soc.value();
    values[Measurement::battery_capacity_wh] = inverter.storage.capacity.value();
    values[Measurement::battery_charge_limit_w] = inverter.storage.max_power.value();
    values[Measurement::battery_discharge_limit_w] = inverter.storage.max_power.value();
  }
  return values;
}

}  // namespace

/// One miner as its firmware sees it.
class House::Door final : public MinerDoor {
 public:
  Door(House& house, std::size_t index) : house_(house), index_(index) {}

  MinerFace face() const override {
    const bool wrong = house_.trouble(index_).wrong_identity;
    MinerFace face;
    face.model =
        house_.scenario_.miners[index_].setup.spec.name == "luxos-profile" ? "Antminer S19K Pro" : "Antminer S19";
    face.mac = fmt::format("02:51:1c:e0:{}:{:02x}", wrong ? "ff" : "00", index_ + 1);
    face.serial = fmt::format("{}{:04}", wrong ? "OTHER" : "HOUSE", index_ + 1);
    face.hostname = house_.scenario_.miners[index_].name;
    return face;
  }
  MinerView view() const override {
    const std::lock_guard lock(house_.mutex_);
    house_.catch_up();
    return house_.view(index_);
  }
  MinerFaults faults() const override { return house_.trouble(index_).faults; }
  void set_target(Watts target) override {
    with_plant([target](sim::MinerPlant& plant) { plant.set_target(target); });
  }
  void sleep() override {
    if (faults().ignore_sleep) return;
    with_plant([](sim::MinerPlant& plant) { plant.sleep(); });
  }
  void wake() override {
    with_plant([](sim::MinerPlant& plant) { plant.wake(); });
  }
  void reboot() override { house_.reboot_miner(index_); }

 private:
  template <class Command>
  void with_plant(Command command) {
    const std::lock_guard lock(house_.mutex_);
    house_.catch_up();
    if (!house_.troubles_[index_].faults.drop_commands) command(house_.plant_.miner(index_));
  }
  House& house_;
  std::size_t index_;
};

House::House(Scenario scenario, sim::Trace day, const ports::Clock& clock, MonoTime origin,
             std::vector<ServedDevice> served)
    : scenario_(std::move(scenario)),
      clock_(clock),
      origin_(origin),
      served_(std::move(served)),
      plant_(plant_spec_of(scenario_), std::move(day)),
      troubles_(scenario_.miners.size()),
      noise_(scenario_.house.seed + 1) {
  for (std::size_t i = 0; i < scenario_.miners.size(); ++i) doors_.push_back(std::make_unique<Door>(*this, i));
  thread_ = std::thread([this] { run(); });
}

House::~House() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stop_condition_.notify_all();
  thread_.join();
}

void House::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    catch_up();
    clock_.wait_until(lock, stop_condition_, clock_.now() + plant_.step_length());
  }
}

void House::catch_up() {
  const Duration due = clock_.now() - origin_;
  // Second by second, so that each second's end is remembered whatever was slept through.
  while (due - followed_ >= plant_.step_length()) {
    const Duration to_second = seconds(1) - plant_.elapsed() % seconds(1);
    const Duration whole = (due - followed_) / plant_.step_length() * plant_.step_length();
    const Duration dt = std::min(to_second, whole);
    plant_.advance(dt);
    followed_ += dt;
    remember_seconds();
  }
}

void House::remember_seconds() {
  while (miner_w_.size() < plant_.history().size()) {
    std::vector<float> watts;
    std::vector<bool> awake;
    for (std::size_t i = 0; i < plant_.miner_count(); ++i) {
      watts.push_back(static_cast<float>(plant_.miner(i).power().value()));
      awake.push_back(hashes_or_wakes(plant_.miner(i).state()));
    }
    miner_w_.push_back(std::move(watts));
    miner_awake_.push_back(std::move(awake));
  }
}

MinerDoor& House::door(std::size_t index) { return *doors_[index]; }

Result<std::size_t> House::miner_index(std::string_view name) const {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < scenario_.miners.size(); ++i) {
    if (scenario_.miners[i].name == name) return i;
    names.push_back(scenario_.miners[i].name);
  }
  return fail(ErrorKind::not_found, "no miner \"{}\"; there are {}", name, fmt::join(names, ", "));
}

MinerView House::view(std::size_t miner) {
  const sim::MinerPlant& plant = plant_.miner(miner);
  const sim::PlantSpec& spec = plant.spec();
  const MinerTrouble& trouble = troubles_[miner];
  MinerView view;
  view.state = plant.state();
  view.power = plant.power();
  view.reported_power = plant.reported_power() * trouble.report_gain * (1.0 + kReadbackNoise * noise_.normal());
  view.target = plant.target();
  view.min_target = spec.envelope.min;
  view.max_target = spec.envelope.max;
  view.target_step = spec.envelope.step;
  for (const Watts level : spec.envelope.levels) view.levels.push_back({level, spec.hashrate(level)});
  view.hashrate = trouble.hashrate_gone ? TeraHashes(0.0) : plant.hashrate();
  view.nominal_hashrate = spec.hashrate(plant.target());
  view.max_hashrate = spec.max_hashrate;
  view.temperature = Celsius(30.0 + 40.0 * (plant.power() / spec.envelope.max));
  view.uptime = plant.uptime();
  view.booted = plant.booted();
  view.pool_alive = !trouble.pool_dead;
  // Only a firmware that tunes anew for every target is slow enough to say so.
  const bool tunes = spec.dynamics.retarget_up > Duration{};
  view.tuning = tunes && plant.state() == MinerState::running && abs(plant.power() - plant.settled_power()) > Watts(5);
  return view;
}

MeterFace House::true_meter() const {
  const auto& meter = plant_.meter();
  return {meter.power(), meter.imported(), meter.exported(), plant_.state().grid_lost};
}

MeterFace House::meter_face() const {
  if (meter_fault_ == MeterFault::frozen) return frozen_meter_;
  MeterFace face = true_meter();
  const auto& past = plant_.history();
  if (meter_fault_ == MeterFault::stale && !past.empty()) {
    const auto age = static_cast<std::size_t>(stale_age_ / seconds(1));
    const auto& then = past[past.size() > age ? past.size() - 1 - age : 0];
    face.power = then.state.grid;
    face.imported = then.score.imported;
    face.exported = then.score.exported;
  }
  if (meter_fault_ == MeterFault::sign_flipped) {
    face.power = -face.power;
    std::swap(face.imported, face.exported);
  }
  return face;
}

InverterFace House::inverter_face() const {
  return inverter_fault_ == MeterFault::frozen ? frozen_inverter_ : true_inverter();
}

InverterFace House::true_inverter() const {
  const auto& state = plant_.state();
  InverterFace face;
  face.power = state.pv;
  face.rating = plant_.spec().pv.rating;
  face.produced = plant_.pv_energy();
  face.throttled = state.pv_throttled;
  face.asleep = state.potential < kNoSun;
  face.islanded = state.grid_lost;
  if (const auto& battery = plant_.spec().battery) {
    face.has_storage = true;
    face.storage = {state.battery, state.soc, battery->spec.capacity, battery->spec.max_power};
  }
  return face;
}

std::optional<UnitReply> House::modbus_unit(int unit) {
  const std::lock_guard lock(mutex_);
  catch_up();
  UnitReply reply = served_.empty() ? own_unit(unit) : served_unit(unit);
  if (reply.holding.empty() && reply.input.empty()) return std::nullopt;
  const MeterFault fault = shows_grid(unit) ? meter_fault_ : inverter_fault_;
  reply.silent = fault == MeterFault::silent;
  if (fault == MeterFault::garbage) make_garbage(reply);
  return reply;
}

bool House::shows_grid(int unit) const {
  if (served_.empty()) return unit == kMeterUnit;
  return std::ranges::any_of(served_, [unit](const ServedDevice& served) {
    return served.unit.value_or(served.device.unit) == unit && has_role(served.device, "grid");
  });
}

void House::make_garbage(UnitReply& reply) {
  for (auto* table : {&reply.holding, &reply.input}) {
    for (auto& entry : *table) entry.second = static_cast<std::uint16_t>(noise_.next() & 0xFFFFU);
  }
}

UnitReply House::served_unit(int unit) {
  const auto values = measurements(meter_face(), inverter_face(), plant_.state().load);
  UnitReply reply;
  for (const auto& served : served_) {
    devices::EncodeOptions options;
    options.unit = served.unit;
    const auto image = devices::encode(served.device, values, options);
    const auto tables = image.find(static_cast<std::uint8_t>(unit));
    if (tables == image.end()) continue;
    if (is_gx(unit)) {
      const auto limit = static_cast<std::int32_t>(discharge_limit_ ? discharge_limit_->value() : -1.0);
      const auto tens = static_cast<std::int16_t>(discharge_limit_ ? limit / 10 : -1);
      reply.holding[kMaxInverterPower10W] = static_cast<std::uint16_t>(tens);
      reply.holding[kMaxInverterPowerW] = static_cast<std::uint16_t>(static_cast<std::uint32_t>(limit) >> 16U);
      reply.holding[kMaxInverterPowerW + 1] = static_cast<std::uint16_t>(static_cast<std::uint32_t>(limit) & 0xFFFFU);
    }
    for (const auto& [table, words] : tables->second) {
      (table == devices::Table::holding ? reply.holding : reply.input).insert(words.begin(), words.end());
    }
  }
  return reply;
}

bool House::is_gx(int unit) const {
  return std::ranges::any_of(served_, [unit](const ServedDevice& served) {
    return served.device.id == "victron-gx" && served.unit.value_or(served.device.unit) == unit;
  });
}

int House::modbus_write(int unit, std::uint16_t address, std::span<const std::uint16_t> words) {
  const std::lock_guard lock(mutex_);
  catch_up();
  if (!is_gx(unit)) return kIllegalAddress;
  double limit_w = 0.0;
  if (address == kMaxInverterPower10W && words.size() == 1) {
    const auto tens = static_cast<std::int16_t>(words[0]);
    limit_w = tens < 0 ? tens : 10.0 * tens;
  } else if (address == kMaxInverterPowerW && words.size() == 2) {
    limit_w = static_cast<std::int32_t>(std::uint32_t{words[0]} << 16U | words[1]);
  } else {
    return kIllegalAddress;
  }
  if (limit_w < -1.0) return kIllegalValue;
  ++limit_writes_;
  discharge_limit_.reset();
  if (limit_w >= 0.0) discharge_limit_ = Watts(limit_w);
  if (const auto& battery = plant_.spec().battery)
    plant_.limit_discharge(discharge_limit_.value_or(battery->spec.max_power));
  return 0;
}

UnitReply House::own_unit(int unit) const {
  UnitRegisters registers;
  if (unit == kInverterUnit) registers = inverter_registers(inverter_face());
  if (unit == kMeterUnit) registers = meter_registers(meter_face());
  UnitReply reply;
  for (std::size_t i = 0; i < registers.words.size(); ++i) {
    reply.holding[static_cast<std::uint16_t>(registers.base + i)] = registers.words[i];
  }
  reply.input = reply.holding;
  return reply;
}

ModbusFaults House::modbus_faults() const {
  const std::lock_guard lock(mutex_);
  return modbus_faults_;
}

PriceOutlook House::prices() const {
  PriceOutlook told;
  const Duration elapsed = clock_.now() - origin_;
  const WallTime begun = clock_.wall_now() - elapsed;
  const double now_s = to_seconds(elapsed), day_s = 86'400.0;
  std::vector<double> edges;
  for (const PriceStep& step : scenario_.prices) edges.push_back(step.at_s);
  for (const PriceSpike& spike : scenario_.spikes) {
    if (spike.at_s > now_s) continue;
    edges.push_back(spike.at_s);
    edges.push_back(spike.at_s + spike.for_s);
  }
  std::sort(edges.begin(), edges.end());
  edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
  for (std::size_t i = 0; i < edges.size(); ++i) {
    PriceSlot slot;
    slot.begin = begun + from_seconds(edges[i]);
    slot.end = begun + from_seconds(i + 1 < edges.size() ? edges[i + 1] : edges[i] + day_s);
    slot.kind = PriceKind::published;
    for (const PriceStep& step : scenario_.prices) {
      if (step.at_s <= edges[i]) slot.import_price = PricePerKwh(step.per_kwh);
    }
    for (const PriceSpike& spike : scenario_.spikes) {
      const bool holds = spike.at_s <= now_s && spike.at_s <= edges[i] && edges[i] < spike.at_s + spike.for_s;
      if (holds) slot.import_price = PricePerKwh(spike.per_kwh), slot.event = true;
    }
    told.slots.push_back(slot);
  }
  return told;
}

HouseTruth House::truth() {
  const std::lock_guard lock(mutex_);
  catch_up();
  HouseTruth truth;
  truth.elapsed = plant_.elapsed();
  truth.second_of_day =
      (scenario_.house.start_second + static_cast<std::size_t>(plant_.elapsed() / seconds(1))) % 86'400;
  truth.state = plant_.state();
  truth.meter = plant_.meter().power();
  truth.discharge_limit = discharge_limit_;
  truth.limit_writes = limit_writes_;
  truth.score = plant_.score();
  for (std::size_t i = 0; i < plant_.miner_count(); ++i) {
    const auto& plant = plant_.miner(i);
    truth.miners.push_back({scenario_.miners[i].name, plant.state(), plant.booted(), plant.power(),
                            plant.reported_power() * troubles_[i].report_gain, plant.target(), plant.settled_power(),
                            plant.commands(), plant.starts(), plant.reboots(), plant.hashrate()});
  }
  return truth;
}

Result<WindowScore> House::window(double from_s, double to_s) {
  std::vector<float> surplus_w;
  std::vector<sim::OracleMiner> miners;
  WindowScore window;
  {
    const std::lock_guard lock(mutex_);
    catch_up();
    const auto& past = plant_.history();
    const auto from = static_cast<std::size_t>(std::max(0.0, from_s));
    const auto to = std::min(past.size(), static_cast<std::size_t>(std::max(0.0, to_s)));
    if (from >= to) {
      return fail(ErrorKind::invalid, "seconds {} to {} are not over yet: the house is at second {}", from_s, to_s,
                  past.size());
    }
    window.from_s = static_cast<double>(from);
    window.to_s = static_cast<double>(to);
    window.score = from == 0 ? past[to - 1].score : past[to - 1].score - past[from - 1].score;
    for (std::size_t i = from; i < to; ++i) surplus_w.push_back(static_cast<float>(past[i].state.surplus().value()));
    for (std::size_t i = 0; i < plant_.miner_count(); ++i) {
      const auto& setup = plant_.spec().miners[i];
      const std::size_t before = from == 0 ? 0 : from - 1;
      miners.push_back({setup.spec, setup.errors.setpoint_bias, miner_awake_[before][i],
                        Watts(static_cast<double>(miner_w_[before][i]))});
    }
  }
  window.oracle = sim::oracle(surplus_w, miners);
  return window;
}

std::vector<TruthSecond> House::history(std::size_t from_s) {
  const std::lock_guard lock(mutex_);
  catch_up();
  std::vector<TruthSecond> result;
  for (std::size_t i = from_s; i < plant_.history().size(); ++i) {
    result.push_back({plant_.history()[i].state, miner_w_[i]});
  }
  return result;
}

void House::set_meter_fault(MeterFault fault, Duration age) {
  const std::lock_guard lock(mutex_);
  catch_up();
  if (fault == MeterFault::frozen) frozen_meter_ = true_meter();
  meter_fault_ = fault;
  stale_age_ = age;
}

void House::set_inverter_fault(MeterFault fault) {
  const std::lock_guard lock(mutex_);
  catch_up();
  if (fault == MeterFault::frozen) frozen_inverter_ = true_inverter();
  inverter_fault_ = fault;
}

void House::set_modbus_faults(const ModbusFaults& faults) {
  const std::lock_guard lock(mutex_);
  modbus_faults_ = faults;
}

void House::set_grid_lost(bool lost) {
  const std::lock_guard lock(mutex_);
  catch_up();
  plant_.set_grid_lost(lost);
}

void House::set_trouble(std::size_t miner, const MinerTrouble& trouble) {
  const std::lock_guard lock(mutex_);
  troubles_[miner] = trouble;
}

MinerTrouble House::trouble(std::size_t miner) const {
  const std::lock_guard lock(mutex_);
  return troubles_[miner];
}

void House::reboot_miner(std::size_t miner) {
  const std::lock_guard lock(mutex_);
  catch_up();
  plant_.miner(miner).reboot();
}

void House::power_miner(std::size_t miner, bool on) {
  const std::lock_guard lock(mutex_);
  catch_up();
  plant_.miner(miner).set_power(on);
}

void House::command_miner(std::size_t miner, Watts target) {
  const std::lock_guard lock(mutex_);
  catch_up();
  plant_.miner(miner).set_target(target);
}

void House::clear_faults() {
  const std::lock_guard lock(mutex_);
  catch_up();
  meter_fault_ = inverter_fault_ = MeterFault::none;
  modbus_faults_ = {};
  plant_.set_grid_lost(false);
  std::ranges::fill(troubles_, MinerTrouble{});
}

}  // namespace sluice::house
