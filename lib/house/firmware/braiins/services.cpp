#include "house/firmware/braiins/services.hpp"

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "bos_v1.grpc.pb.h"
#include "bos_version.grpc.pb.h"
#include "house/firmware/braiins/braiins_miner.hpp"
#include "house/firmware/part_load.hpp"
#include "house/firmware/rfc3339.hpp"

namespace sluice::house {
namespace {

namespace v1 = ::braiins::bos::v1;
using grpc::ServerContext;
using grpc::Status;
using grpc::StatusCode;

constexpr int kBoards = 3;
constexpr std::uint32_t kChips = 126;
constexpr std::uint32_t kFans = 4;
constexpr Duration kStatusPoll = std::chrono::milliseconds(50);

bool sleeping(MinerState state) { return state == MinerState::asleep || state == MinerState::stopping; }
std::uint64_t whole(Watts watts) { return static_cast<std::uint64_t>(std::llround(positive(watts).value())); }
double gigahashes(TeraHashes rate) { return rate.value() * 1e3; }
std::uint64_t seconds(Duration duration) { return static_cast<std::uint64_t>(std::max(0.0, to_seconds(duration))); }

Status status_of(const Error& error) {
  switch (error.kind) {
    case ErrorKind::invalid:
      return {StatusCode::INVALID_ARGUMENT, error.text};
    case ErrorKind::unauthorized:
      return {StatusCode::UNAUTHENTICATED, error.text};
    case ErrorKind::unsupported:
      return {StatusCode::UNIMPLEMENTED, error.text};
    default:
      return {StatusCode::FAILED_PRECONDITION, error.text};
  }
}

/// What stands before every call: the delay of a slow miner, the token, the age of the API.
struct Gate {
  BraiinsMiner& miner;

  Status open() const {
    const Duration delay = miner.faults().delay;
    if (delay > Duration{} && !miner.wait(delay)) return {StatusCode::UNAVAILABLE, "shutting down"};
    return Status::OK;
  }

  template <class Body>
  Status call(ServerContext* context, Body body) const {
    if (Status opened = open(); !opened.ok()) return opened;
    const auto& metadata = context->client_metadata();
    const auto token = metadata.find("authorization");
    if (token == metadata.end() || !miner.authorized({token->second.data(), token->second.size()})) {
      return {StatusCode::UNAUTHENTICATED, "Unauthenticated"};
    }
    return body();
  }

  template <class Body>
  Status call_since(int major, int minor, ServerContext* context, Body body) const {
    if (!miner.at_least(major, minor)) return {StatusCode::UNIMPLEMENTED, ""};
    return call(context, body);
  }
};

v1::MinerStatus miner_status(const BraiinsMiner& miner, const MinerView& view) {
  if (miner.stopped()) return v1::MINER_STATUS_NOT_STARTED;
  switch (view.state) {
    case MinerState::asleep:
      return v1::MINER_STATUS_PAUSED;
    case MinerState::fault:
      return v1::MINER_STATUS_SUSPENDED;
    case MinerState::unknown:
      return v1::MINER_STATUS_UNSPECIFIED;
    default:
      return v1::MINER_STATUS_NORMAL;  // on the way to sleep too: a pause is reported when it is complete
  }
}

v1::TunerState tuner_state(const BraiinsMiner& miner, const MinerView& view) {
  if (miner.options().continuous_tuner && miner.at_least(1, 9)) return v1::TUNER_STATE_CONTINUOUS;
  return view.tuning ? v1::TUNER_STATE_TUNING : v1::TUNER_STATE_STABLE;
}

void fill_rates(v1::WorkSolverStats& stats, const MinerView& view, int share) {
  const double rate = gigahashes(view.hashrate) / share;
  v1::RealHashrate& real = *stats.mutable_real_hashrate();
  for (v1::GigaHashrate* window :
       {real.mutable_last_5s(), real.mutable_last_15s(), real.mutable_last_30s(), real.mutable_last_1m(),
        real.mutable_last_5m(), real.mutable_last_15m(), real.mutable_last_30m(), real.mutable_last_1h(),
        real.mutable_last_24h(), real.mutable_since_restart()}) {
    window->set_gigahash_per_second(rate);
  }
  stats.mutable_nominal_hashrate()->set_gigahash_per_second(gigahashes(view.nominal_hashrate) / share);
  stats.mutable_error_hashrate();
  stats.set_best_share_str("0");
}

void fill_pool(v1::PoolStats& stats, const MinerView& view) {
  stats.set_accepted_shares(seconds(view.uptime) / 10);
  stats.set_last_difficulty(65536);
  stats.set_generated_work(seconds(view.uptime));
  stats.set_best_share_str("0");
}

void fill_profile(v1::PowerTargetProfile& profile, const BraiinsMiner& miner, Watts target, TeraHashes rate) {
  // Models that tune for ever say no date.
  if (!miner.options().continuous_tuner) {
    profile.mutable_created()->set_seconds(unix_ms(miner.wall_now()) / 1000 - 86400);
  }
  profile.mutable_target()->set_watt(whole(target));
  profile.mutable_measured_hashrate()->set_gigahash_per_second(gigahashes(rate));
  profile.mutable_estimated_power_consumption()->set_watt(whole(target));
}

void fill_sensor(v1::TemperatureSensor& sensor, const MinerView& view) {
  sensor.set_id(0);
  sensor.set_location(v1::SENSOR_LOCATION_CHIP);
  sensor.mutable_temperature()->set_degree_c(view.temperature.value());
}

class Version final : public ::braiins::bos::ApiVersionService::Service {
 public:
  explicit Version(BraiinsMiner& miner) : gate_{miner} {}
  Status GetApiVersion(ServerContext*, const ::braiins::bos::ApiVersionRequest*,
                       ::braiins::bos::ApiVersion* reply) override {
    const BraiinsApiVersion& version = gate_.miner.options().api_version;
    reply->set_major(static_cast<std::uint64_t>(version.major));
    reply->set_minor(static_cast<std::uint64_t>(version.minor));
    reply->set_patch(static_cast<std::uint64_t>(version.patch));
    return gate_.open();
  }

 private:
  Gate gate_;
};

class Authentication final : public v1::AuthenticationService::Service {
 public:
  explicit Authentication(BraiinsMiner& miner) : gate_{miner} {}
  Status Login(ServerContext* context, const v1::LoginRequest* request, v1::LoginResponse* reply) override {
    if (Status opened = gate_.open(); !opened.ok()) return opened;
    const auto token = gate_.miner.login(request->username(), request->password());
    if (!token) return {StatusCode::UNAUTHENTICATED, "Bad credentials"};
    context->AddInitialMetadata("authorization", *token);
    if (gate_.miner.at_least(1, 1)) {
      reply->set_token(*token);
      reply->set_timeout_s(static_cast<std::uint32_t>(seconds(gate_.miner.options().token_lifetime)));
    }
    return Status::OK;
  }

 private:
  Gate gate_;
};

class Actions final : public v1::ActionsService::Service {
 public:
  explicit Actions(BraiinsMiner& miner) : gate_{miner}, miner_(miner) {}
  Status Start(ServerContext* context, const v1::StartRequest*, v1::StartResponse* reply) override {
    return act(context, [this] { return miner_.start(); }, [&](bool already) { reply->set_already_running(already); });
  }
  Status Stop(ServerContext* context, const v1::StopRequest*, v1::StopResponse* reply) override {
    return act(context, [this] { return miner_.stop(); }, [&](bool already) { reply->set_already_stopped(already); });
  }
  Status PauseMining(ServerContext* context, const v1::PauseMiningRequest*, v1::PauseMiningResponse* reply) override {
    return act(context, [this] { return miner_.pause(); }, [&](bool already) { reply->set_already_paused(already); });
  }
  Status ResumeMining(ServerContext* context, const v1::ResumeMiningRequest*,
                      v1::ResumeMiningResponse* reply) override {
    return act(context, [this] { return miner_.resume(); }, [&](bool already) { reply->set_already_mining(already); });
  }
  Status Restart(ServerContext* context, const v1::RestartRequest*, v1::RestartResponse* reply) override {
    return act(
        context, [this] { return miner_.restart(); }, [&](bool running) { reply->set_already_running(running); });
  }
  Status Reboot(ServerContext* context, const v1::RebootRequest*, v1::RebootResponse*) override {
    return gate_.call(context, [&] {
      const auto done = miner_.reboot();
      return done ? Status::OK : status_of(done.error());
    });
  }
  Status SetLocateDeviceStatus(ServerContext* context, const v1::SetLocateDeviceStatusRequest* request,
                               v1::LocateDeviceStatusResponse* reply) override {
    return gate_.call(context, [&] {
      const auto done = miner_.set_locate(request->enable());
      reply->set_enabled(miner_.locate());
      return done ? Status::OK : status_of(done.error());
    });
  }
  Status GetLocateDeviceStatus(ServerContext* context, const v1::GetLocateDeviceStatusRequest*,
                               v1::LocateDeviceStatusResponse* reply) override {
    return gate_.call(context, [&] {
      reply->set_enabled(miner_.locate());
      return Status::OK;
    });
  }

 private:
  template <class Action, class Fill>
  Status act(ServerContext* context, Action action, Fill fill) {
    return gate_.call(context, [&] {
      const Result<bool> already = action();
      if (!already) return status_of(already.error());
      fill(*already);
      return Status::OK;
    });
  }
  Gate gate_;
  BraiinsMiner& miner_;
};

class Performance final : public v1::PerformanceService::Service {
 public:
  explicit Performance(BraiinsMiner& miner) : gate_{miner}, miner_(miner) {}

  Status GetTunerState(ServerContext* context, const v1::GetTunerStateRequest*,
                       v1::GetTunerStateResponse* reply) override {
    return gate_.call(context, [&] {
      const MinerView view = miner_.view();
      reply->set_overall_tuner_state(tuner_state(miner_, view));
      v1::PowerTargetModeState& mode = *reply->mutable_power_target_mode_state();
      fill_profile(*mode.mutable_profile(), miner_, view.target, view.nominal_hashrate);
      mode.mutable_current_target()->set_watt(whole(view.target));
      return Status::OK;
    });
  }

  Status ListTargetProfiles(ServerContext* context, const v1::ListTargetProfilesRequest*,
                            v1::ListTargetProfilesResponse* reply) override {
    return gate_.call(context, [&] {
      const MinerView view = miner_.view();
      for (const MinerLevel& level : view.levels) {
        fill_profile(*reply->add_power_target_profiles(), miner_, level.power, level.hashrate);
      }
      if (view.levels.empty()) {
        fill_profile(*reply->add_power_target_profiles(), miner_, view.target, view.nominal_hashrate);
      }
      return Status::OK;
    });
  }

  Status GetMinerEfficiencyProfile(ServerContext* context, const v1::GetMinerEfficiencyProfileRequest*,
                                   v1::GetMinerEfficiencyProfileResponse* reply) override {
    return gate_.call_since(1, 11, context, [&] {
      if (miner_.stopped()) return Status(StatusCode::FAILED_PRECONDITION, "BOSminer is not running");
      constexpr int kPoints = 8;
      const MinerView view = miner_.view();
      for (int i = 0; i < kPoints; ++i) {
        const double part = static_cast<double>(i) / (kPoints - 1);
        const Watts power = view.min_target + (view.max_target - view.min_target) * part;
        v1::MinerEfficiencyPoint& point = *reply->add_points();
        point.set_quality(1);
        point.mutable_power_target()->set_watt(whole(power));
        point.mutable_consumption()->set_watt(whole(power));
        point.set_fan_speed(60);
        point.mutable_hashrate()->set_terahash_per_second(part_load_hashrate(view, power).value());
      }
      return Status::OK;
    });
  }

  Status SetDefaultPowerTarget(ServerContext* context, const v1::SetDefaultPowerTargetRequest* request,
                               v1::SetPowerTargetResponse* reply) override {
    return gate_.call(context, [&] {
      return answer(miner_.set_target(BraiinsMiner::default_target(miner_.view()), save(request)), reply);
    });
  }
  Status SetPowerTarget(ServerContext* context, const v1::SetPowerTargetRequest* request,
                        v1::SetPowerTargetResponse* reply) override {
    return gate_.call(context,
                      [&] { return answer(miner_.set_target(watts(request->power_target()), save(request)), reply); });
  }
  Status IncrementPowerTarget(ServerContext* context, const v1::IncrementPowerTargetRequest* request,
                              v1::SetPowerTargetResponse* reply) override {
    return gate_.call(context, [&] {
      return answer(miner_.change_target(watts(request->power_target_increment()), save(request)), reply);
    });
  }
  Status DecrementPowerTarget(ServerContext* context, const v1::DecrementPowerTargetRequest* request,
                              v1::SetPowerTargetResponse* reply) override {
    return gate_.call(context, [&] {
      return answer(miner_.change_target(-watts(request->power_target_decrement()), save(request)), reply);
    });
  }
  Status SetRelativePowerTarget(ServerContext* context, const v1::SetRelativeTargetRequest* request,
                                v1::SetPowerTargetResponse* reply) override {
    return gate_.call_since(1, 8, context, [&] {
      const auto reference = reference_target(request->reference());
      if (!reference) return Status(StatusCode::INVALID_ARGUMENT, "reference is not specified");
      return answer(miner_.set_target(*reference * (request->percentage() / 100.0), save(request)), reply);
    });
  }

  Status SetDPS(ServerContext* context, const v1::SetDPSRequest* request, v1::SetDPSResponse* reply) override {
    return gate_.call(context, [&] {
      BraiinsDps dps = miner_.dps();
      if (request->has_enable()) dps.enabled = request->enable();
      if (request->has_enable_shutdown()) dps.shutdown_enabled = request->enable_shutdown();
      if (request->has_shutdown_duration()) dps.shutdown_hours = request->shutdown_duration().hours();
      if (request->has_mode()) dps.mode = request->mode();
      if (request->has_on_start_target_percent()) dps.on_start_target_percent = request->on_start_target_percent();
      if (request->target().has_power_target()) {
        dps.power_step = watts(request->target().power_target().power_step());
        dps.min_target = watts(request->target().power_target().min_power_target());
      }
      if (const auto done = miner_.set_dps(dps, save(request)); !done) return status_of(done.error());
      const BraiinsDps now = miner_.dps();
      reply->set_enabled(now.enabled);
      reply->set_shutdown_enabled(now.shutdown_enabled);
      reply->mutable_shutdown_duration()->set_hours(now.shutdown_hours);
      reply->mutable_power_target()->mutable_power_step()->set_watt(whole(now.power_step));
      reply->mutable_power_target()->mutable_min_power_target()->set_watt(whole(now.min_target));
      reply->set_mode(static_cast<v1::DPSMode>(now.mode));
      reply->set_on_start_target_percent(now.on_start_target_percent);
      return Status::OK;
    });
  }

  Status SetPerformanceMode(ServerContext* context, const v1::SetPerformanceModeRequest* request,
                            v1::PerformanceMode* reply) override {
    return gate_.call(context, [&] {
      // Only the mode that this miner has: a power target.
      const v1::TunerPerformanceMode& mode = request->mode().tuner_mode();
      if (!mode.has_power_target()) return Status(StatusCode::INVALID_ARGUMENT, "only tuner_mode.power_target");
      const auto set = miner_.set_target(watts(mode.power_target().power_target()), save(request));
      if (!set) return status_of(set.error());
      fill_mode(*reply, *set);
      return Status::OK;
    });
  }
  Status GetActivePerformanceMode(ServerContext* context, const v1::GetPerformanceModeRequest*,
                                  v1::PerformanceMode* reply) override {
    return gate_.call(context, [&] {
      fill_mode(*reply, miner_.target());
      return Status::OK;
    });
  }

  Status SetQuickRamping(ServerContext* context, const v1::SetQuickRampingRequest* request,
                         v1::QuickRampingResponse* reply) override {
    return gate_.call_since(1, 7, context,
                            [&] { return ramp({request->up_s(), request->down_s()}, save(request), reply); });
  }
  Status SetDefaultQuickRamping(ServerContext* context, const v1::SetDefaultQuickRampingRequest* request,
                                v1::QuickRampingResponse* reply) override {
    return gate_.call_since(1, 7, context, [&] { return ramp(BraiinsRamping{}, save(request), reply); });
  }

 private:
  static Watts watts(const v1::Power& power) { return Watts(static_cast<double>(power.watt())); }
  template <class Request>
  static BraiinsSave save(const Request* request) {
    const int action = request->save_action();
    return action >= 1 && action <= 3 ? static_cast<BraiinsSave>(action) : BraiinsSave::unspecified;
  }

  static Status answer(const Result<Watts>& set, v1::SetPowerTargetResponse* reply) {
    if (!set) return status_of(set.error());
    reply->mutable_power_target()->set_watt(whole(*set));
    return Status::OK;
  }

  std::optional<Watts> reference_target(v1::RelativeTargetReference reference) const {
    const MinerView view = miner_.view();
    switch (reference) {
      case v1::RELATIVE_TARGET_REFERENCE_NOMINAL:
        return BraiinsMiner::default_target(view);
      case v1::RELATIVE_TARGET_REFERENCE_MIN:
        return view.min_target;
      case v1::RELATIVE_TARGET_REFERENCE_MAX:
        return view.max_target;
      case v1::RELATIVE_TARGET_REFERENCE_CURRENT:
        return miner_.target();
      default:
        return std::nullopt;
    }
  }

  static void fill_mode(v1::PerformanceMode& mode, Watts target) {
    mode.mutable_tuner_mode()->mutable_power_target()->mutable_power_target()->set_watt(whole(target));
  }

  Status ramp(BraiinsRamping ramping, BraiinsSave save, v1::QuickRampingResponse* reply) {
    if (ramping.up_s < 1 || ramping.down_s < 1) return {StatusCode::INVALID_ARGUMENT, "a ramp takes 1 s at least"};
    if (const auto done = miner_.set_ramping(ramping, save); !done) return status_of(done.error());
    reply->set_up_s(miner_.ramping().up_s);
    reply->set_down_s(miner_.ramping().down_s);
    return Status::OK;
  }

  Gate gate_;
  BraiinsMiner& miner_;
};

class Configuration final : public v1::ConfigurationService::Service {
 public:
  explicit Configuration(BraiinsMiner& miner) : gate_{miner}, miner_(miner) {}

  Status GetMinerConfiguration(ServerContext* context, const v1::GetMinerConfigurationRequest*,
                               v1::GetMinerConfigurationResponse* reply) override {
    return gate_.call(context, [&] {
      v1::TunerConfiguration& tuner = *reply->mutable_tuner();
      tuner.set_enabled(true);
      tuner.set_tuner_mode(v1::TUNER_MODE_POWER_TARGET);
      tuner.mutable_power_target()->set_watt(whole(miner_.target()));
      const BraiinsDps dps = miner_.dps();
      v1::DPSConfiguration& scaling = *reply->mutable_dps();
      scaling.set_enabled(dps.enabled);
      scaling.mutable_power_step()->set_watt(whole(dps.power_step));
      scaling.mutable_min_power_target()->set_watt(whole(dps.min_target));
      scaling.set_shutdown_enabled(dps.shutdown_enabled);
      scaling.mutable_shutdown_duration()->set_hours(dps.shutdown_hours);
      scaling.set_mode(static_cast<v1::DPSMode>(dps.mode));
      scaling.set_on_start_target_percent(dps.on_start_target_percent);
      v1::HashboardPerformanceConfiguration& boards = *reply->mutable_hashboard_config();
      if (miner_.at_least(1, 7)) {
        boards.set_quick_ramping_time_up_s(miner_.ramping().up_s);
        boards.set_quick_ramping_time_down_s(miner_.ramping().down_s);
      }
      return Status::OK;
    });
  }

  Status GetConstraints(ServerContext* context, const v1::GetConstraintsRequest*,
                        v1::GetConstraintsResponse* reply) override {
    return gate_.call(context, [&] {
      const MinerView view = miner_.view();
      v1::TunerConstraints& tuner = *reply->mutable_tuner_constraints();
      fill_range(*tuner.mutable_power_target(), view.min_target, BraiinsMiner::default_target(view), view.max_target);
      tuner.mutable_hashrate_target()->mutable_max()->set_terahash_per_second(view.max_hashrate.value());
      tuner.mutable_enabled()->set_default_(true);
      tuner.set_default_mode(v1::TUNER_MODE_POWER_TARGET);
      v1::DPSConstraints& dps = *reply->mutable_dps_constraints();
      fill_range(*dps.mutable_power_step(), Watts(100.0), Watts(300.0), Watts(1000.0));
      fill_range(*dps.mutable_min_power_target(), view.min_target, view.min_target, view.max_target);
      dps.set_mode(v1::DPS_MODE_NORMAL);
      v1::HashboardConstraints& boards = *reply->mutable_hashboards_constraints();
      for (int board = 1; board <= kBoards; ++board) boards.add_hashboard_ids(std::to_string(board));
      if (miner_.at_least(1, 7)) {
        boards.mutable_quick_ramping_time_s()->set_default_(BraiinsRamping{}.up_s);
        boards.mutable_quick_ramping_time_s()->set_min(1);
        boards.mutable_quick_ramping_time_s()->set_max(600);
      }
      return Status::OK;
    });
  }

 private:
  static void fill_range(v1::PowerConstraints& range, Watts min, Watts standard, Watts max) {
    range.mutable_default_()->set_watt(whole(standard));
    range.mutable_min()->set_watt(whole(min));
    range.mutable_max()->set_watt(whole(max));
  }
  Gate gate_;
  BraiinsMiner& miner_;
};

class Miner final : public v1::MinerService::Service {
 public:
  explicit Miner(BraiinsMiner& miner) : gate_{miner}, miner_(miner) {}

  Status GetMinerStatus(ServerContext* context, const v1::GetMinerStatusRequest*,
                        grpc::ServerWriter<v1::GetMinerStatusResponse>* writer) override {
    return gate_.call(context, [&] {
      std::optional<v1::MinerStatus> last;
      while (!context->IsCancelled()) {
        const v1::MinerStatus now = miner_status(miner_, miner_.view());
        v1::GetMinerStatusResponse reply;
        reply.set_status(now);
        if (now != last && !writer->Write(reply)) break;
        last = now;
        if (!miner_.wait(kStatusPoll)) return Status(StatusCode::UNAVAILABLE, "shutting down");
      }
      return Status::OK;
    });
  }

  Status GetMinerDetails(ServerContext* context, const v1::GetMinerDetailsRequest*,
                         v1::GetMinerDetailsResponse* reply) override {
    return gate_.call(context, [&] {
      const MinerFace face = miner_.face();
      const MinerView view = miner_.view();
      reply->set_uid("house-" + face.serial);
      reply->mutable_miner_identity()->set_brand(v1::MINER_BRAND_ANTMINER);
      reply->mutable_miner_identity()->set_name(face.model);
      reply->mutable_miner_identity()->set_miner_model(face.model);
      reply->set_platform(v1::PLATFORM_AM3_BBB);
      reply->set_bos_mode(v1::BOS_MODE_NAND);
      reply->mutable_bos_version()->set_current(miner_.options().bos_version);
      reply->mutable_bos_version()->set_major(miner_.options().bos_version);
      reply->mutable_bos_version()->set_bos_plus(true);
      reply->set_hostname(face.hostname);
      reply->set_mac_address(face.mac);
      reply->mutable_sticker_hashrate()->set_gigahash_per_second(gigahashes(view.max_hashrate));
      reply->set_bosminer_uptime_s(miner_.stopped() ? 0 : std::max<std::uint64_t>(seconds(view.uptime), 1));
      reply->set_system_uptime_s(seconds(view.uptime));
      reply->set_system_uptime(seconds(view.uptime));
      reply->set_status(miner_status(miner_, view));
      reply->set_kernel_version("5.4.0");
      reply->mutable_psu_info()->set_model_name("APW12");
      reply->set_control_board_soc_family(v1::CONTROL_BOARD_SOC_FAMILY_BBB);
      reply->set_serial_number(face.serial);
      return Status::OK;
    });
  }

  Status GetMinerStats(ServerContext* context, const v1::GetMinerStatsRequest*,
                       v1::GetMinerStatsResponse* reply) override {
    return gate_.call(context, [&] {
      const MinerView view = miner_.view();
      fill_pool(*reply->mutable_pool_stats(), view);
      fill_rates(*reply->mutable_miner_stats(), view, 1);
      v1::MinerPowerStats& power = *reply->mutable_power_stats();
      power.mutable_approximated_consumption()->set_watt(whole(view.reported_power));
      const double rate = view.hashrate.value();
      power.mutable_efficiency()->set_joule_per_terahash(rate > 0.0 ? view.reported_power.value() / rate : 0.0);
      return Status::OK;
    });
  }

  Status GetErrors(ServerContext* context, const v1::GetErrorsRequest*, v1::GetErrorsResponse* reply) override {
    return gate_.call_since(1, 2, context, [&] {
      const MinerView view = miner_.view();
      const auto add = [&](const char* message) -> v1::MinerError& {
        v1::MinerError& error = *reply->add_errors();
        error.set_timestamp(rfc3339(miner_.wall_now()));
        error.set_message(message);
        return error;
      };
      if (!view.pool_alive) add("All pools are dead");
      if (view.state == MinerState::fault) {
        v1::MinerError& error = add("Hashboard does not hash");
        v1::ErrorCode& code = *error.add_error_codes();
        code.set_code("H1");
        code.set_reason("Hashboard failure");
        error.add_components()->set_name("hashboard");
      }
      return Status::OK;
    });
  }

  Status GetHashboards(ServerContext* context, const v1::GetHashboardsRequest*,
                       v1::GetHashboardsResponse* reply) override {
    return gate_.call(context, [&] {
      const MinerView view = miner_.view();
      for (int id = 1; id <= kBoards; ++id) {
        v1::Hashboard& board = *reply->add_hashboards();
        board.set_id(std::to_string(id));
        board.set_enabled(true);
        board.mutable_chips_count()->set_value(kChips);
        board.mutable_current_voltage()->set_volt(sleeping(view.state) ? 0.0 : 13.8);
        board.mutable_current_frequency()->set_hertz(sleeping(view.state) ? 0.0 : 545e6);
        fill_sensor(*board.mutable_highest_chip_temp(), view);
        board.mutable_board_temp()->set_degree_c(view.temperature.value() - 15.0);
        fill_rates(*board.mutable_stats(), view, kBoards);
        board.set_serial_number(fmt::format("{}-{}", miner_.face().serial, id));
      }
      return Status::OK;
    });
  }

 private:
  Gate gate_;
  BraiinsMiner& miner_;
};

class Cooling final : public v1::CoolingService::Service {
 public:
  explicit Cooling(BraiinsMiner& miner) : gate_{miner} {}
  Status GetCoolingState(ServerContext* context, const v1::GetCoolingStateRequest*,
                         v1::GetCoolingStateResponse* reply) override {
    return gate_.call(context, [&] {
      const MinerView view = gate_.miner.view();
      for (std::uint32_t fan = 0; fan < kFans; ++fan) {
        v1::FanState& state = *reply->add_fans();
        state.set_position(fan);
        state.set_rpm(sleeping(view.state) ? 0 : 4200);
        state.set_target_speed_ratio(sleeping(view.state) ? 0.0 : 0.6);
      }
      fill_sensor(*reply->mutable_highest_temperature(), view);
      return Status::OK;
    });
  }

 private:
  Gate gate_;
};

class Pools final : public v1::PoolService::Service {
 public:
  explicit Pools(BraiinsMiner& miner) : gate_{miner} {}
  Status GetPoolGroups(ServerContext* context, const v1::GetPoolGroupsRequest*,
                       v1::GetPoolGroupsResponse* reply) override {
    return gate_.call(context, [&] {
      const MinerView view = gate_.miner.view();
      v1::PoolGroup& group = *reply->add_pool_groups();
      group.set_name("default");
      group.mutable_quota()->set_value(1);
      v1::Pool& pool = *group.add_pools();
      pool.set_uid("pool-0");
      pool.set_url("stratum+tcp://pool.example:3333");
      pool.set_user("house.worker");
      pool.set_enabled(true);
      pool.set_alive(view.pool_alive);
      pool.set_active(view.pool_alive && !sleeping(view.state));
      fill_pool(*pool.mutable_stats(), view);
      return Status::OK;
    });
  }

 private:
  Gate gate_;
};

}  // namespace

struct BraiinsServices::All {
  explicit All(BraiinsMiner& miner)
      : version(miner),
        authentication(miner),
        actions(miner),
        performance(miner),
        configuration(miner),
        miner_service(miner),
        cooling(miner),
        pools(miner) {}
  Version version;
  Authentication authentication;
  Actions actions;
  Performance performance;
  Configuration configuration;
  Miner miner_service;
  Cooling cooling;
  Pools pools;
};

BraiinsServices::BraiinsServices(BraiinsMiner& miner) : all_(std::make_unique<All>(miner)) {}
BraiinsServices::~BraiinsServices() = default;

void BraiinsServices::register_with(grpc::ServerBuilder& builder) {
  builder.RegisterService(&all_->version);
  builder.RegisterService(&all_->authentication);
  builder.RegisterService(&all_->actions);
  builder.RegisterService(&all_->performance);
  builder.RegisterService(&all_->configuration);
  builder.RegisterService(&all_->miner_service);
  builder.RegisterService(&all_->cooling);
  builder.RegisterService(&all_->pools);
}

}  // namespace sluice::house
