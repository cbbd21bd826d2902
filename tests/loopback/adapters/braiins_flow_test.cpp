/// What the Braiins adapter says in which order, against a scripted miner: tokens, modes, targets, pause, old firmware.
/// The clock stands still unless a test moves it; deadlines count in real time.

#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <thread>

#include "bos_v1.grpc.pb.h"
#include "bos_version.grpc.pb.h"
#include "fakes.hpp"
#include "plugin/plugin_miner.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using grpc::ServerContext;
using grpc::Status;
using grpc::StatusCode;
namespace bos = ::braiins::bos;
namespace v1 = ::braiins::bos::v1;

/// Just enough of Braiins OS to be driven. Fields are set while no call runs.
struct ScriptedBraiins final : bos::ApiVersionService::Service,
                               v1::AuthenticationService::Service,
                               v1::MinerService::Service,
                               v1::ConfigurationService::Service {
  std::string pre;
  std::string token = "token-1";
  bool token_in_metadata = false, takes_tokens = true;
  v1::MinerStatus status = v1::MINER_STATUS_NORMAL;
  std::uint64_t bosminer_uptime_s = 4000;
  Status stats_status;
  std::atomic<bool> stalls = false;  ///< until the other side gives up
  bool scales = false, manual = false, can_pause = true;
  std::uint64_t configured_w = 1500;
  std::optional<std::uint64_t> clamps_to_w, keeps_w;
  Status target_status;
  std::vector<std::string> calls;

  Status enter(const ServerContext& context, std::string call) {
    calls.push_back(std::move(call));
    const auto found = context.client_metadata().find("authorization");
    if (!takes_tokens || found == context.client_metadata().end() || found->second != token) {
      calls.back() += " (unauthenticated)";
      return {StatusCode::UNAUTHENTICATED, "no session"};
    }
    return {};
  }
  long count(const std::string& start) const {
    return std::ranges::count_if(calls, [&](const std::string& call) { return call.starts_with(start); });
  }

  Status GetApiVersion(ServerContext*, const bos::ApiVersionRequest*, bos::ApiVersion* version) override {
    version->set_major(1);
    version->set_pre(pre);
    if (pre.empty()) version->set_minor(11);
    return {};
  }
  Status Login(ServerContext* context, const v1::LoginRequest* request, v1::LoginResponse* response) override {
    calls.push_back("Login " + request->username() + "/" + request->password());
    if (request->password() != "swordfish") return {StatusCode::UNAUTHENTICATED, "Bad credentials"};
    if (token_in_metadata) {
      context->AddInitialMetadata("authorization", token);
    } else {
      response->set_token(token);
    }
    return {};
  }
  Status GetMinerDetails(ServerContext* context, const v1::GetMinerDetailsRequest*,
                         v1::GetMinerDetailsResponse* details) override {
    details->set_status(status);
    details->set_bosminer_uptime_s(bosminer_uptime_s);
    details->set_system_uptime_s(100'000);
    details->set_mac_address("aa:bb:cc:00:11:22");
    return enter(*context, "GetMinerDetails");
  }
  Status GetMinerStats(ServerContext* context, const v1::GetMinerStatsRequest*,
                       v1::GetMinerStatsResponse* stats) override {
    while (stalls && !context->IsCancelled()) std::this_thread::yield();
    stats->mutable_power_stats()->mutable_approximated_consumption()->set_watt(configured_w);
    const Status entered = enter(*context, "GetMinerStats");
    return entered.ok() ? stats_status : entered;
  }
  Status GetConstraints(ServerContext* context, const v1::GetConstraintsRequest*,
                        v1::GetConstraintsResponse* constraints) override {
    auto& power = *constraints->mutable_tuner_constraints()->mutable_power_target();
    power.mutable_min()->set_watt(900);
    power.mutable_default_()->set_watt(2760);
    power.mutable_max()->set_watt(3500);
    return enter(*context, "GetConstraints");
  }
  Status GetMinerConfiguration(ServerContext* context, const v1::GetMinerConfigurationRequest*,
                               v1::GetMinerConfigurationResponse* configuration) override {
    configuration->mutable_tuner()->mutable_power_target()->set_watt(keeps_w.value_or(configured_w));
    configuration->mutable_dps()->set_enabled(scales);
    return enter(*context, "GetMinerConfiguration");
  }
};

struct ScriptedPerformance final : v1::PerformanceService::Service {
  explicit ScriptedPerformance(ScriptedBraiins& me) : me_(me) {}
  Status GetActivePerformanceMode(ServerContext* context, const v1::GetPerformanceModeRequest*,
                                  v1::PerformanceMode* mode) override {
    if (me_.manual) {
      mode->mutable_manual_mode();
    } else {
      mode->mutable_tuner_mode()->mutable_power_target();
    }
    return me_.enter(*context, "GetActivePerformanceMode");
  }
  Status SetPerformanceMode(ServerContext* context, const v1::SetPerformanceModeRequest* request,
                            v1::PerformanceMode*) override {
    me_.manual = false;
    me_.configured_w = request->mode().tuner_mode().power_target().power_target().watt();
    return me_.enter(*context, "SetPerformanceMode action " + std::to_string(request->save_action()));
  }
  Status SetPowerTarget(ServerContext* context, const v1::SetPowerTargetRequest* request,
                        v1::SetPowerTargetResponse* response) override {
    const Status entered = me_.enter(*context, "SetPowerTarget " + std::to_string(request->power_target().watt()) +
                                                   " action " + std::to_string(request->save_action()));
    if (!entered.ok()) return entered;
    if (!me_.target_status.ok()) return me_.target_status;
    me_.configured_w = me_.clamps_to_w.value_or(request->power_target().watt());
    response->mutable_power_target()->set_watt(me_.configured_w);
    return {};
  }

 private:
  ScriptedBraiins& me_;
};

struct ScriptedActions final : v1::ActionsService::Service {
  explicit ScriptedActions(ScriptedBraiins& me) : me_(me) {}
  Status PauseMining(ServerContext* context, const v1::PauseMiningRequest*, v1::PauseMiningResponse*) override {
    return act(*context, "PauseMining", me_.can_pause, v1::MINER_STATUS_PAUSED);
  }
  Status ResumeMining(ServerContext* context, const v1::ResumeMiningRequest*, v1::ResumeMiningResponse*) override {
    return act(*context, "ResumeMining", me_.can_pause, v1::MINER_STATUS_NORMAL);
  }
  Status Stop(ServerContext* context, const v1::StopRequest*, v1::StopResponse*) override {
    me_.bosminer_uptime_s = 0;
    return act(*context, "Stop", true, v1::MINER_STATUS_NOT_STARTED);
  }
  Status Start(ServerContext* context, const v1::StartRequest*, v1::StartResponse*) override {
    me_.bosminer_uptime_s = 1;
    return act(*context, "Start", true, v1::MINER_STATUS_NORMAL);
  }

 private:
  Status act(const ServerContext& context, const char* call, bool known, v1::MinerStatus then) {
    const Status entered = me_.enter(context, call);
    if (!entered.ok()) return entered;
    if (!known) return {StatusCode::UNIMPLEMENTED, ""};
    me_.status = then;
    return {};
  }
  ScriptedBraiins& me_;
};

std::size_t threads() {
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator("/proc/self/task"), std::filesystem::directory_iterator()));
}

class BraiinsFlow : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::vector<plugin::SearchPath> paths{{SLUICE_BINARY_DIR "/lib/sluice/adapters", true}};
    const plugin::Catalogue catalogue = plugin::discover(paths);
    const auto entry = catalogue.find("braiins");
    ASSERT_TRUE(entry) << entry.error().text;
    library_ = plugin::Library::load(**entry).value();
  }
  void serve() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &bound_);
    builder.RegisterService(static_cast<bos::ApiVersionService::Service*>(&miner_));
    builder.RegisterService(static_cast<v1::AuthenticationService::Service*>(&miner_));
    builder.RegisterService(static_cast<v1::MinerService::Service*>(&miner_));
    builder.RegisterService(static_cast<v1::ConfigurationService::Service*>(&miner_));
    builder.RegisterService(&performance_);
    builder.RegisterService(&actions_);
    server_ = builder.BuildAndStart();
    ASSERT_TRUE(server_);
  }
  void make(std::map<std::string, std::string> options = {}, const std::string& password = "swordfish") {
    if (!server_) serve();
    plugin::MinerSetup setup;
    setup.name = "attic";
    setup.host = "127.0.0.1";
    setup.port = static_cast<std::uint16_t>(bound_);
    setup.options = std::move(options);
    if (!password.empty()) setup.password = [password]() -> Result<std::string> { return password; };
    port_ = plugin::open_miner(library_, setup, {clock_, log_, network_}).value();
  }
  void open(std::map<std::string, std::string> options = {}) {
    make(std::move(options));
    const auto identity = port_->identify(soon());
    ASSERT_TRUE(identity) << identity.error().text;
    miner_.calls.clear();
  }
  MonoTime soon() const { return clock_.now() + 10s; }
  long warnings(const std::string& about) const {
    return std::ranges::count_if(log_.lines, [&](const std::string& line) { return line.find(about) != line.npos; });
  }

  ScriptedBraiins miner_;
  ScriptedPerformance performance_{miner_};
  ScriptedActions actions_{miner_};
  int bound_ = 0;
  std::unique_ptr<grpc::Server> server_;
  testing::ManualClock clock_;
  testing::RecordingLog log_;
  testing::ScriptedNetwork network_;
  std::shared_ptr<const plugin::Library> library_;
  std::unique_ptr<ports::Miner> port_;
};

/// First of all, while no gRPC server has lived in this process: the library must go to rest with the last adapter.
TEST_F(BraiinsFlow, NoThreadIsLeftAfterTheLastOneIsClosed) {
  const std::size_t before = threads();
  plugin::MinerSetup setup;
  setup.name = "attic";
  setup.host = "127.0.0.1";
  setup.port = 1;  // nobody listens there
  for (int i = 0; i < 3; ++i) {
    port_ = plugin::open_miner(library_, setup, {clock_, log_, network_}).value();
    const auto identity = port_->identify(soon());
    ASSERT_FALSE(identity);
    EXPECT_EQ(identity.error().kind, ErrorKind::refused) << identity.error().text;
    EXPECT_GT(threads(), before) << "the library works with threads, or this test shows nothing";
    port_.reset();
  }
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  while (threads() > before && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_LE(threads(), before);
}

TEST_F(BraiinsFlow, LogsInOnceWithTheConfiguredUser) {
  open();
  EXPECT_TRUE(port_->poll(soon()));
  EXPECT_TRUE(port_->poll(soon()));
  EXPECT_EQ(miner_.count("Login"), 0) << "the session of identify goes on";
  make();
  miner_.calls.clear();
  EXPECT_TRUE(port_->identify(soon()));
  EXPECT_EQ(miner_.calls.front(), "Login root/swordfish");
}

TEST_F(BraiinsFlow, TakesATokenFromTheMetadataOfOlderFirmware) {
  miner_.pre = "beta.2";
  miner_.token_in_metadata = true;
  open();
  EXPECT_TRUE(port_->apply_target(Watts(1200), soon()));
}

TEST_F(BraiinsFlow, ATokenThatCannotBeSentIsAnErrorAndNoCrash) {
  miner_.token = "line\nbreak";
  make();
  const auto identity = port_->identify(soon());
  ASSERT_FALSE(identity);
  EXPECT_EQ(identity.error().kind, ErrorKind::protocol);
}

TEST_F(BraiinsFlow, ALostSessionIsRenewedOnceAndTheCommandStillGoesOut) {
  open();
  miner_.token = "token-2";
  const auto applied = port_->apply_target(Watts(1200), soon());
  ASSERT_TRUE(applied) << applied.error().text;
  EXPECT_TRUE(applied->verified);
  EXPECT_EQ(miner_.count("Login"), 1);
  EXPECT_EQ(miner_.count("SetPowerTarget 1200"), 1);
}

TEST_F(BraiinsFlow, ATokenThatIsNeverTakenIsNotRenewedForEver) {
  open();
  miner_.takes_tokens = false;
  const auto poll = port_->poll(soon());
  ASSERT_FALSE(poll);
  EXPECT_EQ(poll.error().kind, ErrorKind::unauthorized);
  EXPECT_EQ(miner_.count("Login"), 1);
}

TEST_F(BraiinsFlow, AWrongPasswordIsTriedOnceAMinute) {
  make({}, "marlin");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(port_->identify(soon()).error().kind, ErrorKind::unauthorized);
  EXPECT_EQ(miner_.count("Login"), 1);
  clock_.advance(61s);
  EXPECT_FALSE(port_->identify(soon()));
  EXPECT_EQ(miner_.count("Login"), 2);
}

TEST_F(BraiinsFlow, WithoutAPasswordTheEmptyOneIsTried) {
  make({}, "");
  EXPECT_FALSE(port_->identify(soon()));
  EXPECT_EQ(miner_.calls.front(), "Login root/");
}

TEST_F(BraiinsFlow, OldFirmwareIsRefusedBeforeAnyLogin) {
  miner_.pre = "beta.1";
  make();
  const auto identity = port_->identify(soon());
  ASSERT_FALSE(identity);
  EXPECT_EQ(identity.error().kind, ErrorKind::unsupported);
  EXPECT_NE(identity.error().text.find("beta.1"), std::string::npos) << identity.error().text;
  EXPECT_TRUE(miner_.calls.empty());
}

TEST_F(BraiinsFlow, SavesAndAppliesWholeWattsWithinTheRating) {
  open();
  EXPECT_EQ(port_->abilities()->envelope.max, Watts(2760));
  ASSERT_TRUE(port_->apply_target(Watts(1234.9), soon()));
  ASSERT_TRUE(port_->apply_target(Watts(9000), soon()));
  EXPECT_EQ(miner_.count("SetPowerTarget 1234 action 2"), 1);
  EXPECT_EQ(miner_.count("SetPowerTarget 2760 action 2"), 1);
}

TEST_F(BraiinsFlow, OverclockingOpensTheRestOfTheRange) {
  open({{"overclock", "true"}, {"step_w", "50"}});
  EXPECT_EQ(port_->abilities()->envelope.max, Watts(3500));
  EXPECT_EQ(port_->abilities()->envelope.step, Watts(50));
}

TEST_F(BraiinsFlow, WhatTheFirmwareMakesOfATargetIsWhatCounts) {
  open();
  miner_.clamps_to_w = 1000;
  const auto clamped = port_->apply_target(Watts(1200), soon());
  ASSERT_TRUE(clamped);
  EXPECT_EQ(clamped->target, Watts(1000));
  EXPECT_TRUE(clamped->verified);
  miner_.clamps_to_w.reset();
  miner_.keeps_w = 1000;
  const auto ignored = port_->apply_target(Watts(1200), soon());
  ASSERT_TRUE(ignored);
  EXPECT_FALSE(ignored->verified) << "the configuration says otherwise";
}

TEST_F(BraiinsFlow, ARefusalCarriesTheFirmwaresOwnWords) {
  open();
  miner_.target_status = Status(StatusCode::INVALID_ARGUMENT, "power target is locked by contract");
  const auto applied = port_->apply_target(Watts(1200), soon());
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().kind, ErrorKind::rejected);
  EXPECT_NE(applied.error().text.find("locked by contract"), std::string::npos) << applied.error().text;
}

TEST_F(BraiinsFlow, ManualModeIsLeftAloneUnlessTheOwnerSaysOtherwise) {
  miner_.manual = true;
  open();
  for (const auto& applied : {port_->apply_target(Watts(1200), soon()), port_->wake(Watts(1200), soon())}) {
    ASSERT_FALSE(applied);
    EXPECT_EQ(applied.error().kind, ErrorKind::rejected);
    EXPECT_NE(applied.error().text.find("force_tuner"), std::string::npos) << applied.error().text;
  }
  EXPECT_FALSE(port_->last_sent_at());
  EXPECT_EQ(miner_.count("Set"), 0);
  EXPECT_TRUE(port_->sleep(soon())) << "a stop needs no tuner";
  open({{"force_tuner", "true"}});
  const auto forced = port_->apply_target(Watts(1200), soon());
  ASSERT_TRUE(forced) << forced.error().text;
  EXPECT_TRUE(forced->verified);
  EXPECT_EQ(miner_.count("SetPerformanceMode action 2"), 1);
}

TEST_F(BraiinsFlow, FirmwareWithoutPauseIsStoppedAndStarted) {
  open();
  miner_.can_pause = false;
  const auto slept = port_->sleep(soon());
  ASSERT_TRUE(slept) << slept.error().text;
  EXPECT_TRUE(slept->verified);
  EXPECT_EQ(miner_.count("Stop"), 1);
  EXPECT_EQ(port_->poll(soon())->state, MinerState::asleep);
  miner_.calls.clear();
  const auto woken = port_->wake(Watts(1200), soon());
  ASSERT_TRUE(woken) << woken.error().text;
  EXPECT_TRUE(woken->verified);
  EXPECT_EQ(miner_.count("Start"), 1);
  EXPECT_EQ(miner_.count("ResumeMining"), 0) << "a process that does not run cannot resume";
}

TEST_F(BraiinsFlow, WakesWithItsTargetSetBefore) {
  open();
  ASSERT_TRUE(port_->sleep(soon()));
  ASSERT_TRUE(port_->wake(Watts(1200), soon()));
  const auto target = std::ranges::find(miner_.calls, "SetPowerTarget 1200 action 2");
  EXPECT_LT(target, std::ranges::find(miner_.calls, "ResumeMining"));
  EXPECT_NE(target, miner_.calls.end());
}

TEST_F(BraiinsFlow, ATargetThatIsRefusedWhileAsleepDoesNotKeepItAsleep) {
  open();
  ASSERT_TRUE(port_->sleep(soon()));
  miner_.target_status = Status(StatusCode::FAILED_PRECONDITION, "paused");
  const auto woken = port_->wake(Watts(1200), soon());
  ASSERT_TRUE(woken) << woken.error().text;
  EXPECT_EQ(miner_.status, v1::MINER_STATUS_NORMAL);
}

TEST_F(BraiinsFlow, APauseThatIsIgnoredIsSeenForWhatItIs) {
  open();
  ASSERT_TRUE(port_->sleep(soon()));
  miner_.status = v1::MINER_STATUS_NORMAL;
  EXPECT_EQ(port_->poll(soon())->state, MinerState::stopping);
  clock_.advance(31s);
  EXPECT_EQ(port_->poll(soon())->state, MinerState::running);
}

TEST_F(BraiinsFlow, AMinerBusyWithItselfStillTellsItsState) {
  open();
  miner_.stats_status = Status(StatusCode::FAILED_PRECONDITION, "BOSminer is not running");
  const auto poll = port_->poll(soon());
  ASSERT_TRUE(poll) << poll.error().text;
  EXPECT_EQ(poll->state, MinerState::running);
  EXPECT_FALSE(poll->power);
}

TEST_F(BraiinsFlow, ATimeOutSaysWhatWasAskedAndTheNextCallBeginsAfresh) {
  open();
  miner_.stalls = true;
  const auto poll = port_->poll(clock_.now() + 200ms);
  ASSERT_FALSE(poll);
  EXPECT_EQ(poll.error().kind, ErrorKind::timeout);
  EXPECT_NE(poll.error().text.find("GetMinerStats"), std::string::npos) << poll.error().text;
  miner_.stalls = false;
  EXPECT_TRUE(port_->poll(soon()));
}

TEST_F(BraiinsFlow, SaysOnceThatTheFirmwareScalesByTemperature) {
  miner_.scales = true;
  open();
  for (int i = 0; i < 7; ++i) ASSERT_TRUE(port_->poll(soon()));
  EXPECT_EQ(warnings("dynamic performance scaling"), 1);
}

TEST_F(BraiinsFlow, ACommandThatFindsNobodyWasNotSent) {
  open();
  server_->Shutdown(std::chrono::system_clock::time_point{});
  server_.reset();
  // The connection that is being closed may still take a call; from the first refusal on nobody is there.
  auto slept = port_->sleep(soon());
  for (int i = 0; i < 20 && !slept && slept.error().kind != ErrorKind::refused; ++i) slept = port_->sleep(soon());
  if (!slept && port_->last_sent_at()) slept = port_->sleep(soon());
  ASSERT_FALSE(slept);
  EXPECT_EQ(slept.error().kind, ErrorKind::refused) << slept.error().text;
  EXPECT_FALSE(port_->last_sent_at());
}

}  // namespace
}  // namespace sluice
