#include "house/scenario.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string_view>
#include <utility>

namespace sluice::house {
namespace {

// 18 kWp over day_b: at 11:00 the sun feeds all three miners, and each cloud takes some of it away.
constexpr std::string_view kDemo = R"(name: demo
trace: day_b
start: "11:00"
seconds: 2400
pv_scale: 2.3
pv_rating_w: 18400
miners:
  - {name: s21, plant: luxos-target, start: running, target_w: 2000}
  - {name: s19j, plant: vnish-throttle, start: running, target_w: 3250}
  - {name: s19, plant: braiins-fast, start: running, target_w: 2300}
)";

constexpr std::string_view kConstantSun = R"(name: constant-sun
trace: constant
constant_pv_w: 6000
constant_load_w: 400
start: "11:00"
seconds: 1200
miners:
  - {name: s19k, plant: luxos-profile, start: running, target_w: 1400}
  - {name: s19j, plant: vnish-throttle, start: running, target_w: 1400}
  - {name: s19, plant: braiins-fast, start: running, target_w: 1400}
)";

constexpr std::string_view kBattery = R"(name: battery
trace: day_b
start: "09:00"
seconds: 3600
battery: {soc_pct: 60}
miners:
  - {name: s19k, plant: luxos-profile, start: running, target_w: 1400}
  - {name: s19, plant: braiins-fast, start: asleep}
)";

// A day of a three-tier tariff in forty minutes: night, morning, noon, evening with a spike that nobody announces,
// night.
constexpr std::string_view kTimeOfUse = R"(name: tou
trace: constant
constant_pv_w: 0
constant_load_w: 400
start: "11:00"
seconds: 2400
prices:
  - {at_s: 0, per_kwh: 0.039}
  - {at_s: 480, per_kwh: 0.157}
  - {at_s: 900, per_kwh: 0.098}
  - {at_s: 1380, per_kwh: 0.391}
  - {at_s: 1740, per_kwh: 0.039}
spikes:
  - {at_s: 1080, for_s: 180, per_kwh: 9}
miners:
  - {name: s21, plant: luxos-target, start: asleep}
  - {name: s19j, plant: vnish-throttle, start: asleep}
)";

constexpr std::pair<std::string_view, std::string_view> kBuiltins[] = {
    {"demo", kDemo}, {"constant-sun", kConstantSun}, {"battery", kBattery}, {"tou", kTimeOfUse}};

constexpr double kNominalBias = 0.05;  // set point and report of a nominal miner are within ±5 %

/// Ends the reading of a file; caught in `load_scenario` only.
struct Mistake {
  YAML::Mark where;
  std::string field, text;
};

/// The entries of one mapping. What is not asked for by the end is a mistake.
class Fields {
 public:
  Fields(const YAML::Node& node, std::string path) : node_(node), path_(std::move(path)) {
    if (!node.IsMap()) throw Mistake{node.Mark(), path_, "a mapping is wanted"};
    for (const auto& entry : node) {
      const auto key = entry.first.as<std::string>();
      if (!left_.insert(key).second) throw Mistake{entry.first.Mark(), full(key), "is there twice"};
    }
  }
  void end() const {
    for (const auto& entry : node_) {
      const auto key = entry.first.as<std::string>();
      if (left_.contains(key)) throw Mistake{entry.first.Mark(), full(key), "is no known field"};
    }
  }
  bool has(const std::string& key) const { return left_.contains(key); }
  YAML::Node take(const std::string& key) {
    left_.erase(key);
    return node_[key];
  }
  std::string text(const std::string& key, std::string value) {
    if (!has(key)) return value;
    const YAML::Node node = take(key);
    if (!node.IsScalar()) throw Mistake{node.Mark(), full(key), "a text is wanted"};
    return node.Scalar();
  }
  double number(const std::string& key, double value, double low, double high) {
    if (!has(key)) return value;
    const YAML::Node node = take(key);
    const std::string text = node.IsScalar() ? node.Scalar() : "";
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || stop != text.data() + text.size() || value < low || value > high) {
      throw Mistake{node.Mark(), full(key), fmt::format("a number from {} to {} is wanted", low, high)};
    }
    return value;
  }
  bool flag(const std::string& key, bool value) {
    if (!has(key)) return value;
    const YAML::Node node = take(key);
    if (!node.IsScalar() || (node.Scalar() != "true" && node.Scalar() != "false")) {
      throw Mistake{node.Mark(), full(key), "true or false is wanted"};
    }
    return node.Scalar() == "true";
  }
  std::string full(const std::string& key) const { return path_.empty() ? key : path_ + "." + key; }
  YAML::Mark mark() const { return node_.Mark(); }

 private:
  YAML::Node node_;
  std::string path_;
  std::set<std::string> left_;
};

// "11:00" → seconds of the day.
std::size_t start_second(Fields& fields) {
  const std::string text = fields.text("start", "11:00");
  unsigned hour = 0, minute = 0;
  const char* const end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, hour);
  if (first.ec == std::errc{} && first.ptr != end && *first.ptr == ':') {
    const auto second = std::from_chars(first.ptr + 1, end, minute);
    if (second.ec == std::errc{} && second.ptr == end && hour < 24 && minute < 60) return hour * 3600 + minute * 60;
  }
  throw Mistake{fields.mark(), "start", "a time of day such as \"11:00\" is wanted, in quotes"};
}

std::string usual_firmware(std::string_view plant) {
  if (plant.starts_with("luxos")) return "luxos";
  if (plant.starts_with("braiins")) return "braiins";
  if (plant == "vnish-preset") return "vnish-1.2";
  return plant == "vnish-throttle" ? "vnish-1.3" : "none";
}

MinerScenario read_miner(const YAML::Node& node, const std::string& path, sim::Random& random) {
  Fields fields(node, path);
  MinerScenario miner;
  const std::string plant = fields.text("plant", "luxos-profile");
  auto spec = sim::plant_spec(plant);
  if (!spec) throw Mistake{node.Mark(), fields.full("plant"), spec.error().text};
  miner.setup.spec = std::move(*spec);
  miner.name = fields.text("name", plant);
  miner.firmware = fields.text("firmware", usual_firmware(plant));
  constexpr std::string_view kFirmwares[] = {"luxos", "vnish-1.2", "vnish-1.3", "braiins", "none"};
  if (std::ranges::find(kFirmwares, miner.firmware) == std::end(kFirmwares)) {
    throw Mistake{node.Mark(), fields.full("firmware"), "luxos, vnish-1.2, vnish-1.3, braiins or none is wanted"};
  }
  const std::string start = fields.text("start", "running");
  if (start != "running" && start != "asleep") {
    throw Mistake{node.Mark(), fields.full("start"), "running or asleep is wanted"};
  }
  miner.setup.start = start == "running" ? sim::StartState::running : sim::StartState::asleep;
  miner.setup.target = Watts(fields.number("target_w", 0.0, 0.0, 20'000.0));
  auto& errors = miner.setup.errors;
  const double setpoint_bias = random.uniform(-kNominalBias, kNominalBias);
  const double report_bias = random.uniform(-kNominalBias, kNominalBias);
  errors.setpoint_bias = fields.number("setpoint_bias", setpoint_bias, -0.5, 0.5);
  errors.report_bias = fields.number("report_bias", report_bias, -0.9, 1.0);
  errors.command_loss = fields.number("command_loss", 0.0, 0.0, 1.0);
  errors.mean_reboot_gap = from_seconds(fields.number("mean_reboot_gap_s", 0.0, 0.0, 1e7));
  errors.seed = random.next();
  fields.end();
  return miner;
}

sim::BatterySetup read_battery(const YAML::Node& node) {
  Fields fields(node, "battery");
  sim::BatterySetup battery;
  battery.soc = Percent(fields.number("soc_pct", 50.0, 0.0, 100.0));
  battery.spec.capacity = WattHours(fields.number("capacity_wh", 10'000.0, 100.0, 1e6));
  battery.spec.max_power = Watts(fields.number("max_power_w", 5'000.0, 100.0, 1e5));
  battery.spec.gain_per_s = fields.number("gain_per_s", 0.4, 0.01, 0.5);
  fields.end();
  return battery;
}

DeviceScenario read_device(const YAML::Node& node, const std::string& path) {
  Fields fields(node, path);
  DeviceScenario device;
  device.device = fields.text("template", "");
  if (device.device.empty())
    throw Mistake{node.Mark(), fields.full("template"), "the id of a device template is wanted"};
  if (fields.has("unit")) device.unit = static_cast<std::uint8_t>(fields.number("unit", 1.0, 1.0, 247.0));
  fields.end();
  return device;
}

/// The entries of a list of mappings, one `Fields` after the other.
template <class Read>
void each_of(Fields& fields, const std::string& key, Read read) {
  if (!fields.has(key)) return;
  const YAML::Node list = fields.take(key);
  if (!list.IsSequence()) throw Mistake{list.Mark(), key, "a list is wanted"};
  for (std::size_t i = 0; i < list.size(); ++i) {
    Fields entry(list[i], fmt::format("{}[{}]", key, i));
    read(entry);
    entry.end();
  }
}

void read_prices(Fields& fields, Scenario& scenario) {
  each_of(fields, "prices", [&](Fields& entry) {
    const double least_s = scenario.prices.empty() ? 0.0 : scenario.prices.back().at_s + 1.0;
    const double most_s = scenario.prices.empty() ? 0.0 : 864'000.0;
    scenario.prices.push_back(
        {entry.number("at_s", least_s, least_s, most_s), entry.number("per_kwh", 0.0, -100.0, 100.0)});
  });
  each_of(fields, "spikes", [&](Fields& entry) {
    scenario.spikes.push_back({entry.number("at_s", 0.0, 0.0, 864'000.0), entry.number("for_s", 60.0, 1.0, 86'400.0),
                               entry.number("per_kwh", 9.0, -100.0, 100.0)});
    if (scenario.prices.empty()) throw Mistake{entry.mark(), "spikes", "spikes of which prices? `prices` is missing"};
  });
}

sim::MeterSpec read_meter(const YAML::Node& node) {
  Fields fields(node, "meter");
  sim::MeterSpec meter;
  meter.sample = from_seconds(fields.number("sample_s", 1.0, 0.1, 60.0));
  meter.age = from_seconds(fields.number("age_s", 0.5, 0.0, 60.0));
  meter.noise = Watts(fields.number("noise_w", meter.noise.value(), 0.0, 500.0));
  meter.relative_noise = fields.number("relative_noise", meter.relative_noise, 0.0, 0.5);
  meter.dropouts_per_hour = fields.number("dropouts_per_hour", 0.0, 0.0, 3600.0);
  fields.end();
  return meter;
}

Scenario read_scenario(const YAML::Node& root, std::optional<std::uint64_t> seed) {
  Fields fields(root, "");
  Scenario scenario;
  auto& house = scenario.house;
  scenario.name = fields.text("name", "unnamed");
  scenario.trace = fields.text("trace", scenario.trace);
  scenario.constant_pv = Watts(fields.number("constant_pv_w", 6000.0, 0.0, 1e6));
  scenario.constant_load = Watts(fields.number("constant_load_w", 300.0, 0.0, 1e6));
  house.start_second = start_second(fields);
  scenario.seconds = static_cast<std::size_t>(fields.number("seconds", 2400.0, 1.0, 864'000.0));
  house.pv_scale = fields.number("pv_scale", 1.0, 0.0, 100.0);
  house.pv.rating = Watts(fields.number("pv_rating_w", 8000.0 * std::max(1.0, house.pv_scale), 0.0, 1e6));
  house.pv.zero_export = fields.flag("zero_export", false);
  house.breaker_limit = Watts(fields.number("breaker_w", 0.0, 0.0, 1e6));
  const auto written_seed = static_cast<std::uint64_t>(fields.number("seed", 1.0, 0.0, 9e15));
  house.seed = seed.value_or(written_seed);
  if (fields.has("battery")) house.battery = read_battery(fields.take("battery"));
  if (fields.has("meter")) house.meter = read_meter(fields.take("meter"));
  if (fields.has("devices")) {
    const YAML::Node devices = fields.take("devices");
    if (!devices.IsSequence()) throw Mistake{devices.Mark(), "devices", "a list is wanted"};
    for (std::size_t i = 0; i < devices.size(); ++i) {
      scenario.devices.push_back(read_device(devices[i], fmt::format("devices[{}]", i)));
    }
  }
  read_prices(fields, scenario);
  sim::Random random(house.seed);
  if (fields.has("miners")) {
    const YAML::Node miners = fields.take("miners");
    if (!miners.IsSequence()) throw Mistake{miners.Mark(), "miners", "a list is wanted"};
    for (std::size_t i = 0; i < miners.size(); ++i) {
      scenario.miners.push_back(read_miner(miners[i], fmt::format("miners[{}]", i), random));
    }
  }
  fields.end();
  return scenario;
}

std::optional<std::string> source_of(const std::string& name_or_file) {
  for (const auto& [name, text] : kBuiltins) {
    if (name == name_or_file) return std::string(text);
  }
  std::ifstream file(name_or_file);
  if (!file) return std::nullopt;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

std::vector<std::string> builtin_scenarios() {
  std::vector<std::string> names;
  for (const auto& entry : kBuiltins) names.emplace_back(entry.first);
  return names;
}

Result<Scenario> load_scenario(const std::string& name_or_file, std::optional<std::uint64_t> seed) {
  const auto text = source_of(name_or_file);
  if (!text) {
    return fail(ErrorKind::not_found, "{}: neither a readable file nor a built-in house ({})", name_or_file,
                fmt::join(builtin_scenarios(), ", "));
  }
  const auto at = [&](const YAML::Mark& mark, std::string_view what) {
    return fail(ErrorKind::invalid, "{}:{}:{}: {}", name_or_file, mark.line + 1, mark.column + 1, what);
  };
  try {
    return read_scenario(YAML::Load(*text), seed);
  } catch (const Mistake& mistake) {
    return at(mistake.where, mistake.field + ": " + mistake.text);
  } catch (const YAML::Exception& error) {
    return at(error.mark, error.msg);
  }
}

Result<sim::Trace> load_day(const Scenario& scenario, const std::string& data_dir) {
  const std::filesystem::path dir(data_dir);
  const auto& trace = scenario.trace;
  if (trace == "day_a") return sim::read_trace(dir / "day_1s_a.csv.gz");
  if (trace == "day_b") return sim::read_trace(dir / "day_1s_b.csv.gz");
  if (trace == "clear") return sim::generated_day(Watts(8000), sim::Sky::clear, scenario.house.seed);
  if (trace == "broken") return sim::generated_day(Watts(8000), sim::Sky::broken, scenario.house.seed);
  if (trace == "constant") return sim::constant_trace(scenario.constant_pv, scenario.constant_load);
  return sim::read_trace(trace);
}

}  // namespace sluice::house
