#include "plugin/plugin_miner.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "model/worth.hpp"
#include "plugin/host.hpp"
#include "sluice/adapter.hpp"

namespace sluice::plugin {
namespace {

using adapter::as_string;
using adapter::as_text;

class PluginMiner final : public ports::Miner {
 public:
  PluginMiner(std::shared_ptr<const Library> library, const MinerSetup& setup, const Services& services)
      : library_(std::move(library)), host_(setup, services) {}
  ~PluginMiner() override {
    if (instance_ != nullptr) library_->table().close(instance_);
  }

  Result<void> open(const MinerSetup& setup, const std::map<std::string, std::string>& options);
  Result<ports::MinerIdentity> identify(MonoTime deadline) override { return identify(deadline, 0); }
  Result<ports::MinerIdentity> identify_for_stop(MonoTime deadline) override {
    return identify(deadline, SLUICE_CALL_STOP_NEXT);
  }
  Result<ports::MinerAbilities> abilities() override;
  Result<ports::MinerPoll> poll(MonoTime deadline) override;
  Result<ports::MinerApplied> apply_target(Watts target, MonoTime deadline) override;
  Result<ports::MinerApplied> sleep(MonoTime deadline) override;
  Result<ports::MinerApplied> wake(Watts target, MonoTime deadline) override;
  std::optional<MonoTime> last_sent_at() const override { return host_.last_sent(); }
  void tell_sent(std::function<void(MonoTime)> listener) override { host_.tell_sent(std::move(listener)); }
  void cancel() override {
    host_.cancel();
    library_->table().cancel(instance_);
  }

 private:
  Result<ports::MinerIdentity> identify(MonoTime deadline, std::uint32_t flags);
  template <class Out, class Function>
  Result<Out> call(const char* what, MonoTime deadline, Function&& function, std::uint32_t flags = 0);
  template <class Function>
  Result<ports::MinerApplied> command(const char* what, MonoTime deadline, Function&& function);

  std::shared_ptr<const Library> library_;
  Host host_;
  sluice_instance* instance_ = nullptr;
};

bool all_finite(std::initializer_list<double> values) {
  return std::ranges::all_of(values, [](double value) { return std::isfinite(value); });
}

Result<Envelope> envelope_from(const sluice_abilities& from) {
  Envelope envelope;
  if (from.envelope_kind == SLUICE_ENVELOPE_UNKNOWN) return envelope;
  if (!all_finite({from.min_w, from.max_w, from.step_w}) || from.min_w <= 0 || from.max_w < from.min_w) {
    return fail(ErrorKind::protocol, "its adapter offers {:.0f} to {:.0f} W, which is no range", from.min_w,
                from.max_w);
  }
  envelope.min = Watts(from.min_w);
  envelope.max = Watts(from.max_w);
  if (from.envelope_kind == SLUICE_ENVELOPE_RANGE) {
    if (from.step_w <= 0) return fail(ErrorKind::protocol, "its adapter offers a step of {} W", from.step_w);
    envelope.kind = EnvelopeKind::range;
    envelope.step = Watts(from.step_w);
    return envelope;
  }
  envelope.kind = EnvelopeKind::levels;
  if (from.level_count > kMaxLevels) {
    return fail(ErrorKind::protocol, "its adapter offers more than {} levels", kMaxLevels);
  }
  bool in_order = true;
  adapter::each(from.levels, from.level_count, from.level_size, [&](const sluice_level& level) {
    const Watts watts(level.power_w);
    const bool ascends = envelope.levels.empty() || envelope.levels.back() < watts;
    in_order = in_order && watts.finite() && ascends && envelope.min <= watts && watts <= envelope.max;
    envelope.levels.push_back(watts);
  });
  if (!in_order) return fail(ErrorKind::protocol, "its adapter's levels do not ascend within their limits");
  if (envelope.levels.empty()) return fail(ErrorKind::protocol, "its adapter offers no level");
  return envelope;
}

/// Of more points than a curve holds, those that are spread over it: the first and the last are always among them. A
/// table that is none is not told: no miner is out of control for want of it.
WorkingCurve curve_from(const sluice_abilities& from) {
  std::vector<WorkingPoint> points;
  if (from.point_count > kMaxLevels) return {};
  adapter::each(from.points, from.point_count, from.point_size, [&](const sluice_working_point& point) {
    points.push_back({Watts(point.power_w), TeraHashes(point.hashrate_ths)});
  });
  WorkingCurve curve;
  const std::size_t kept = std::min(points.size(), kMaxWorkingPoints);
  for (std::size_t i = 0; i < kept; ++i) {
    curve.push_back(points[kept == points.size() ? i : i * (points.size() - 1) / (kept - 1)]);
  }
  return *curve_fault(curve) == '\0' ? curve : WorkingCurve{};
}

MinerState state_from(std::int32_t state) {
  switch (state) {
    case SLUICE_STATE_ASLEEP:
      return MinerState::asleep;
    case SLUICE_STATE_WAKING:
      return MinerState::waking;
    case SLUICE_STATE_RUNNING:
      return MinerState::running;
    case SLUICE_STATE_STOPPING:
      return MinerState::stopping;
    case SLUICE_STATE_FAULT:
      return MinerState::fault;
    default:
      return MinerState::unknown;
  }
}

template <class Quantity>
std::optional<Quantity> value_if(const sluice_poll& poll, std::uint64_t bit, double value) {
  if ((poll.valid & bit) == 0 || !std::isfinite(value)) return std::nullopt;
  return Quantity(value);
}

ports::MinerPoll poll_from(const sluice_poll& from) {
  ports::MinerPoll to;
  to.state = state_from(from.state);
  to.power = value_if<Watts>(from, SLUICE_POLL_POWER, from.power_w);
  to.power_measured = from.power_measured != 0;
  to.target = value_if<Watts>(from, SLUICE_POLL_TARGET, from.target_w);
  to.hashrate = value_if<TeraHashes>(from, SLUICE_POLL_HASHRATE, from.hashrate_ths);
  to.nominal_hashrate = value_if<TeraHashes>(from, SLUICE_POLL_NOMINAL_HASHRATE, from.nominal_hashrate_ths);
  to.temperature = value_if<Celsius>(from, SLUICE_POLL_TEMPERATURE, from.temperature_c);
  if ((from.valid & SLUICE_POLL_POOL_ALIVE) != 0) to.pool_alive = from.pool_alive != 0;
  if ((from.valid & SLUICE_POLL_UPTIME) != 0) to.uptime = std::chrono::milliseconds(from.uptime_ms);
  to.tuning = from.tuning != 0;
  to.note = as_string(from.note);
  return to;
}

Result<void> PluginMiner::open(const MinerSetup& setup, const std::map<std::string, std::string>& options) {
  const Manifest& manifest = library_->manifest();
  const std::string& username = setup.username.empty() ? manifest.default_username : setup.username;
  std::vector<sluice_option> table;
  for (const auto& [name, value] : options) table.push_back({as_text(name), as_text(value)});
  sluice_settings settings{};
  settings.size = sizeof settings;
  settings.port = setup.port;
  settings.name = as_text(setup.name);
  settings.host = as_text(setup.host);
  settings.username = as_text(username);
  settings.password = setup.password ? kPasswordHandle : 0;
  settings.options = table.data();
  settings.option_count = static_cast<std::uint32_t>(table.size());
  settings.option_size = sizeof(sluice_option);
  sluice_text text{};
  const std::int32_t status = library_->table().open(host_.table(), &settings, &instance_, &text);
  // A failed instance is closed by the destructor like any other.
  if (status != SLUICE_OK) return fail(kind_from(status), "{}", as_string(text));
  if (instance_ == nullptr) return fail(ErrorKind::internal, "adapter {} opened nothing", manifest.id);
  return {};
}

template <class Out, class Function>
Result<Out> PluginMiner::call(const char* what, MonoTime deadline, Function&& function, std::uint32_t flags) {
  host_.begin(deadline);
  sluice_call call{};
  call.size = sizeof call;
  call.flags = flags;
  call.deadline_ns = deadline.time_since_epoch().count();
  Out out{};
  out.size = sizeof out;
  const std::int32_t status = function(library_->table(), &call, &out);
  if (status == SLUICE_OK) return out;
  if (host_.cancelled()) return fail(ErrorKind::cancelled, "cancelled");
  const std::string text = host_.redacted(as_string(call.text));
  return fail(kind_from(status), "{}", text.empty() ? fmt::format("{} failed without a reason", what) : text);
}

Result<ports::MinerIdentity> PluginMiner::identify(MonoTime deadline, std::uint32_t flags) {
  return call<sluice_identity>(
             "identify", deadline,
             [this](auto& table, auto* c, auto* out) { return table.identify(instance_, c, out); }, flags)
      .map([](const sluice_identity& from) {
        return ports::MinerIdentity{as_string(from.firmware), as_string(from.model), as_string(from.mac),
                                    as_string(from.serial), as_string(from.hostname)};
      });
}

Result<ports::MinerAbilities> PluginMiner::abilities() {
  const auto from = call<sluice_abilities>(
      "abilities", host_.now(), [this](auto& table, auto* c, auto* out) { return table.abilities(instance_, c, out); });
  if (!from) return tl::unexpected(from.error());
  const auto envelope = envelope_from(*from);
  if (!envelope) return tl::unexpected(envelope.error());
  const auto time = [](std::int64_t ms) { return std::chrono::milliseconds(std::max<std::int64_t>(ms, 0)); };
  ports::MinerAbilities to;
  to.envelope = *envelope;
  to.can_sleep = from->can_sleep != 0;
  to.curve = curve_from(*from);
  to.dynamics.dead_time = time(from->dead_time_ms);
  to.dynamics.ramp_up = time(from->ramp_up_ms);
  to.dynamics.ramp_down = time(from->ramp_down_ms);
  to.dynamics.stop = time(from->stop_ms);
  to.dynamics.wake = time(from->wake_ms);
  to.dynamics.retarget_up = time(from->retarget_up_ms);
  to.dynamics.retarget_down = time(from->retarget_down_ms);
  to.dynamics.writes_per_day = std::max(from->writes_per_day, 0);
  to.dynamics.sleep_power = Watts(std::isfinite(from->sleep_power_w) ? from->sleep_power_w : 0.0);
  return to;
}

Result<ports::MinerPoll> PluginMiner::poll(MonoTime deadline) {
  return call<sluice_poll>("poll", deadline,
                           [this](auto& table, auto* c, auto* out) { return table.poll(instance_, c, out); })
      .map(poll_from);
}

template <class Function>
Result<ports::MinerApplied> PluginMiner::command(const char* what, MonoTime deadline, Function&& function) {
  host_.forget_sent();
  const auto applied = call<sluice_applied>(what, deadline, std::forward<Function>(function));
  if (!applied) return tl::unexpected(applied.error());
  if (!std::isfinite(applied->target_w)) return fail(ErrorKind::protocol, "its adapter accepted a target of no size");
  // A command that was already in force needs no byte: then it took effect now.
  return ports::MinerApplied{Watts(applied->target_w), applied->verified != 0, host_.last_sent().value_or(host_.now())};
}

Result<ports::MinerApplied> PluginMiner::apply_target(Watts target, MonoTime deadline) {
  if (!target.finite()) return fail(ErrorKind::invalid, "a target must be a finite number of watts");
  return command("apply_target", deadline, [this, target](auto& table, auto* c, auto* out) {
    return table.apply_target(instance_, c, target.value(), out);
  });
}

Result<ports::MinerApplied> PluginMiner::sleep(MonoTime deadline) {
  return command("sleep", deadline, [this](auto& table, auto* c, auto* out) { return table.sleep(instance_, c, out); });
}

Result<ports::MinerApplied> PluginMiner::wake(Watts target, MonoTime deadline) {
  if (!target.finite()) return fail(ErrorKind::invalid, "a target must be a finite number of watts");
  return command("wake", deadline, [this, target](auto& table, auto* c, auto* out) {
    return table.wake(instance_, c, target.value(), out);
  });
}

}  // namespace

Result<std::unique_ptr<ports::Miner>> open_miner(std::shared_ptr<const Library> library, const MinerSetup& setup,
                                                 const Services& services) {
  const auto options = checked_options(library->manifest(), setup.options);
  if (!options) return tl::unexpected(options.error());
  auto miner = std::make_unique<PluginMiner>(std::move(library), setup, services);
  if (auto opened = miner->open(setup, *options); !opened) return tl::unexpected(opened.error());
  return miner;
}

}  // namespace sluice::plugin
