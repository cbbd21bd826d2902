// A gRPC client against the emulated Braiins OS: what the published API and its users say, the bytes of the wire
// included.
#include "house/firmware/braiins/braiins.hpp"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "bos_v1.grpc.pb.h"
#include "bos_version.grpc.pb.h"
#include "fake_door.hpp"
#include "tcp_client.hpp"

namespace sluice::house {
namespace {

using namespace std::chrono_literals;
namespace v1 = ::braiins::bos::v1;
using grpc::StatusCode;
using nlohmann::json;

class BraiinsTest : public ::testing::Test {
 protected:
  BraiinsTest() {
    options_.port = options_.cgminer_port = 0;
    door_.name({"Antminer S19j Pro", "02:00:00:00:10:03", "HOUSE0003", "house-braiins"});
    door_.change([](MinerView& view) {
      view.target = Watts(2431.0);
      view.reported_power = Watts(2472.0);
      view.min_target = Watts(900.0);
      view.max_target = Watts(3250.0);
      view.hashrate = view.nominal_hashrate = TeraHashes(88.0);
      view.max_hashrate = TeraHashes(104.0);
    });
  }

  void start() {
    auto server = make_braiins_server(door_, clock_, options_);
    ASSERT_TRUE(server) << server.error().text;
    server_ = std::move(*server);
    connect();
  }
  void connect() {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 20);
    arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 20);
    arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 50);
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    channel_ = grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(server_->port()),
                                         grpc::InsecureChannelCredentials(), arguments);
    performance_ = v1::PerformanceService::NewStub(channel_);
    actions_ = v1::ActionsService::NewStub(channel_);
    miner_ = v1::MinerService::NewStub(channel_);
    configuration_ = v1::ConfigurationService::NewStub(channel_);
  }
  std::unique_ptr<grpc::ClientContext> context(Duration limit = 5s) const {
    auto context = std::make_unique<grpc::ClientContext>();
    context->set_deadline(std::chrono::system_clock::now() + limit);
    if (!token_.empty()) context->AddMetadata("authorization", token_);
    return context;
  }
  grpc::Status login(const std::string& password = "root", v1::LoginResponse* response = nullptr) {
    v1::LoginRequest request;
    request.set_username("root");
    request.set_password(password);
    v1::LoginResponse reply;
    auto call = context();
    const grpc::Status status = v1::AuthenticationService::NewStub(channel_)->Login(call.get(), request, &reply);
    if (status.ok()) {
      const auto& metadata = call->GetServerInitialMetadata();
      const auto found = metadata.find("authorization");
      token_ = found == metadata.end() ? "" : std::string(found->second.data(), found->second.size());
    }
    if (response != nullptr) *response = reply;
    return status;
  }

  /// Calls a unary method of any stub. A refusal comes as its status.
  template <class Reply, class Stub, class Request>
  std::pair<grpc::Status, Reply> call(Stub& stub,
                                      grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Reply*),
                                      const Request& request, Duration limit = 5s) {
    Reply reply;
    auto open = context(limit);
    const grpc::Status status = (stub.*method)(open.get(), request, &reply);
    return {status, reply};
  }
  auto set_target(std::uint64_t watt, v1::SaveAction action = v1::SAVE_ACTION_SAVE_AND_APPLY) {
    v1::SetPowerTargetRequest request;
    request.set_save_action(action);
    request.mutable_power_target()->set_watt(watt);
    return call(*performance_, &v1::PerformanceService::Stub::SetPowerTarget, request);
  }
  auto details(Duration limit = 5s) {
    return call(*miner_, &v1::MinerService::Stub::GetMinerDetails, v1::GetMinerDetailsRequest(), limit);
  }
  auto stats() { return call(*miner_, &v1::MinerService::Stub::GetMinerStats, v1::GetMinerStatsRequest()); }
  auto pause() { return call(*actions_, &v1::ActionsService::Stub::PauseMining, v1::PauseMiningRequest()); }
  auto resume() { return call(*actions_, &v1::ActionsService::Stub::ResumeMining, v1::ResumeMiningRequest()); }
  v1::GetMinerConfigurationResponse configuration() {
    return call(*configuration_, &v1::ConfigurationService::Stub::GetMinerConfiguration,
                v1::GetMinerConfigurationRequest())
        .second;
  }
  v1::GetTunerStateResponse tuner() {
    return call(*performance_, &v1::PerformanceService::Stub::GetTunerState, v1::GetTunerStateRequest()).second;
  }
  json cgminer(const std::string& command) {
    return json::parse(talk(server_->cgminer_port(), json{{"command", command}}.dump()).received, nullptr, false);
  }

  /// Sends bytes and returns the bytes of the first answer: a client that knows no generated class.
  std::pair<grpc::Status, std::string> raw(const std::string& path, const std::string& payload) {
    grpc::GenericStub stub(channel_);
    grpc::CompletionQueue queue;
    auto open = context();
    const auto stream = stub.PrepareCall(open.get(), path, &queue);
    const auto step = [&queue](auto begin) {
      begin();
      void* tag = nullptr;
      bool ok = false;
      return queue.Next(&tag, &ok) && ok;
    };
    const grpc::Slice slice(payload);
    const grpc::ByteBuffer message(&slice, 1);
    grpc::ByteBuffer answer;
    grpc::Status status;
    std::string bytes;
    step([&] { stream->StartCall(nullptr); });
    step([&] { stream->Write(message, nullptr); });
    step([&] { stream->WritesDone(nullptr); });
    if (step([&] { stream->Read(&answer, nullptr); })) {
      std::vector<grpc::Slice> slices;
      answer.Dump(&slices);
      for (const grpc::Slice& part : slices) bytes.append(reinterpret_cast<const char*>(part.begin()), part.size());
    }
    step([&] { stream->Finish(&status, nullptr); });
    return {status, bytes};
  }

  FakeDoor door_;
  ManualClock clock_;
  BraiinsOptions options_;
  std::unique_ptr<MinerServer> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::PerformanceService::Stub> performance_;
  std::unique_ptr<v1::ActionsService::Stub> actions_;
  std::unique_ptr<v1::MinerService::Stub> miner_;
  std::unique_ptr<v1::ConfigurationService::Stub> configuration_;
  std::string token_;
};

TEST_F(BraiinsTest, TellsItsVersionToAnybody) {
  start();
  grpc::ClientContext open;
  ::braiins::bos::ApiVersion version;
  ASSERT_TRUE(::braiins::bos::ApiVersionService::NewStub(channel_)->GetApiVersion(&open, {}, &version).ok());
  EXPECT_EQ(version.major(), 1u);
  EXPECT_EQ(version.minor(), 11u);
}

TEST_F(BraiinsTest, SpeaksTheBytesOfTheDocuments) {
  start();
  // Login(root, root) and SetPowerTarget(SAVE_AND_APPLY, 1500 W), as composed by hand from the field numbers.
  const std::string login_bytes("\x0a\x04root\x12\x04root", 12);
  const auto [status, reply] = raw("/braiins.bos.v1.AuthenticationService/Login", login_bytes);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_GT(reply.size(), 2u);
  EXPECT_EQ(reply[0], '\x0a') << "field 1, the token";
  token_ = reply.substr(2, static_cast<unsigned char>(reply[1]));
  EXPECT_EQ(reply.substr(2 + token_.size()), "\x10\x90\x1c") << "field 2: 3600 s";
  const std::string target_bytes("\x08\x02\x12\x03\x08\xdc\x0b", 7);
  const auto [set, answer] = raw("/braiins.bos.v1.PerformanceService/SetPowerTarget", target_bytes);
  ASSERT_TRUE(set.ok()) << set.error_message();
  EXPECT_EQ(answer, std::string("\x0a\x03\x08\xdc\x0b", 5));
  EXPECT_EQ(door_.view().target, Watts(1500.0));
}

TEST_F(BraiinsTest, ReflectsItsServices) {
  start();
  const std::string list_services("\x3a\x01*", 3);
  const auto [status, reply] = raw("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", list_services);
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_NE(reply.find("braiins.bos.v1.PerformanceService"), std::string::npos);
  EXPECT_NE(reply.find("braiins.bos.ApiVersionService"), std::string::npos);
}

TEST_F(BraiinsTest, TokensOpenEverythingElse) {
  start();
  EXPECT_EQ(details().first.error_code(), StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(set_target(1500).first.error_code(), StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(door_.view().target, Watts(2431.0));
  EXPECT_EQ(login("wrong").error_code(), StatusCode::UNAUTHENTICATED);
  v1::LoginResponse response;
  ASSERT_TRUE(login("root", &response).ok());
  EXPECT_EQ(response.token(), token_) << "the same in the body and in the initial metadata";
  EXPECT_EQ(response.timeout_s(), 3600u);
  clock_.advance(59min);
  EXPECT_TRUE(details().first.ok()) << "and this use renews it";
  clock_.advance(59min);
  EXPECT_TRUE(details().first.ok());
  clock_.advance(61min);
  EXPECT_EQ(details().first.error_code(), StatusCode::UNAUTHENTICATED);
  token_ = "Bearer " + token_;
  EXPECT_EQ(details().first.error_code(), StatusCode::UNAUTHENTICATED);
}

TEST_F(BraiinsTest, OldFirmwareSendsTheTokenInTheMetadataOnly) {
  options_.api_version = {1, 0, 0};
  start();
  v1::LoginResponse response;
  ASSERT_TRUE(login("root", &response).ok());
  EXPECT_EQ(response.token(), "");
  EXPECT_TRUE(details().first.ok());
}

TEST_F(BraiinsTest, TellsWhoItIs) {
  start();
  login();
  const auto reply = details().second;
  EXPECT_EQ(reply.mac_address(), "02:00:00:00:10:03");
  EXPECT_EQ(reply.serial_number(), "HOUSE0003");
  EXPECT_EQ(reply.miner_identity().miner_model(), "Antminer S19j Pro");
  EXPECT_EQ(reply.status(), v1::MINER_STATUS_NORMAL);
  EXPECT_EQ(reply.bosminer_uptime_s(), 7200u);
  EXPECT_DOUBLE_EQ(reply.sticker_hashrate().gigahash_per_second(), 104000.0);
}

TEST_F(BraiinsTest, StatsHaveTheEstimatedPower) {
  start();
  login();
  const auto reply = stats().second;
  EXPECT_EQ(reply.power_stats().approximated_consumption().watt(), 2472u);
  EXPECT_DOUBLE_EQ(reply.miner_stats().real_hashrate().last_5s().gigahash_per_second(), 88000.0);
  EXPECT_NEAR(reply.power_stats().efficiency().joule_per_terahash(), 28.1, 0.1);
  door_.change([](MinerView& view) { view.reported_power = Watts(0.0); });
  EXPECT_TRUE(stats().second.power_stats().has_approximated_consumption()) << "0 W is a reading";
}

TEST_F(BraiinsTest, TheConfiguredTargetIsNotTheOneInForce) {
  start();
  login();
  EXPECT_EQ(set_target(3031).second.power_target().watt(), 3031u);
  door_.change([](MinerView& view) { view.target = Watts(2431.0); });  // as thermal scaling would
  EXPECT_EQ(configuration().tuner().power_target().watt(), 3031u);
  EXPECT_EQ(tuner().power_target_mode_state().current_target().watt(), 2431u);
}

TEST_F(BraiinsTest, TargetsStayWithinTheConstraints) {
  start();
  login();
  const auto constraints =
      call(*configuration_, &v1::ConfigurationService::Stub::GetConstraints, v1::GetConstraintsRequest()).second;
  EXPECT_EQ(constraints.tuner_constraints().power_target().min().watt(), 900u);
  EXPECT_EQ(constraints.tuner_constraints().power_target().max().watt(), 3250u);
  for (const std::uint64_t watt : {0u, 899u, 3251u}) {
    EXPECT_EQ(set_target(watt).first.error_code(), StatusCode::INVALID_ARGUMENT) << watt;
  }
  EXPECT_EQ(set_target(1500, v1::SAVE_ACTION_UNSPECIFIED).first.error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(door_.view().target, Watts(2431.0));
  EXPECT_TRUE(set_target(900).first.ok());
  EXPECT_TRUE(set_target(3250).first.ok());
}

TEST_F(BraiinsTest, SaveActionsDiffer) {
  start();
  login();
  EXPECT_TRUE(set_target(1500, v1::SAVE_ACTION_SAVE).first.ok());
  EXPECT_EQ(configuration().tuner().power_target().watt(), 1500u);
  EXPECT_EQ(door_.view().target, Watts(2431.0)) << "the running miner stays as it is";
  EXPECT_TRUE(set_target(1600).first.ok());
  EXPECT_EQ(door_.view().target, Watts(1600.0));
  EXPECT_EQ(door_.sleeps(), 0);
  EXPECT_TRUE(set_target(1700, v1::SAVE_ACTION_SAVE_AND_FORCE_APPLY).first.ok());
  EXPECT_EQ(door_.sleeps(), 1) << "by a restart";
  EXPECT_TRUE(eventually([&] { return door_.view().target == Watts(1700.0); }));
  EXPECT_TRUE(eventually([&] { return door_.view().state == MinerState::running; }));
}

TEST_F(BraiinsTest, OldFirmwareReportsWhatItDoesNotDo) {
  options_.apply_needs_force = true;
  start();
  login();
  EXPECT_EQ(set_target(3000).second.power_target().watt(), 3000u);
  EXPECT_EQ(configuration().tuner().power_target().watt(), 3000u);
  EXPECT_EQ(door_.view().target, Watts(2431.0));
  EXPECT_TRUE(set_target(2000).first.ok());
  EXPECT_EQ(door_.view().target, Watts(2000.0)) << "lowering works";
}

TEST_F(BraiinsTest, RelativeTargets) {
  start();
  login();
  set_target(2000);
  v1::IncrementPowerTargetRequest more;
  more.set_save_action(v1::SAVE_ACTION_SAVE_AND_APPLY);
  more.mutable_power_target_increment()->set_watt(100);
  for (int i = 0; i < 2; ++i) call(*performance_, &v1::PerformanceService::Stub::IncrementPowerTarget, more);
  EXPECT_EQ(door_.view().target, Watts(2200.0)) << "a repeated increment counts twice";
  v1::DecrementPowerTargetRequest less;
  less.set_save_action(v1::SAVE_ACTION_SAVE_AND_APPLY);
  less.mutable_power_target_decrement()->set_watt(700);
  EXPECT_EQ(call(*performance_, &v1::PerformanceService::Stub::DecrementPowerTarget, less).second.power_target().watt(),
            1500u);
  v1::SetRelativeTargetRequest part;
  part.set_save_action(v1::SAVE_ACTION_SAVE_AND_APPLY);
  part.set_percentage(50.0);
  part.set_reference(v1::RELATIVE_TARGET_REFERENCE_MAX);
  EXPECT_TRUE(call(*performance_, &v1::PerformanceService::Stub::SetRelativePowerTarget, part).first.ok());
  EXPECT_EQ(door_.view().target, Watts(1625.0));
  part.set_percentage(std::numeric_limits<double>::quiet_NaN());
  EXPECT_EQ(call(*performance_, &v1::PerformanceService::Stub::SetRelativePowerTarget, part).first.error_code(),
            StatusCode::INVALID_ARGUMENT);
  v1::SetDefaultPowerTargetRequest standard;
  standard.set_save_action(v1::SAVE_ACTION_SAVE_AND_APPLY);
  EXPECT_TRUE(call(*performance_, &v1::PerformanceService::Stub::SetDefaultPowerTarget, standard).first.ok());
  EXPECT_EQ(door_.view().target, Watts(3250.0));
}

TEST_F(BraiinsTest, TheTunerSaysWhatItDoes) {
  start();
  login();
  EXPECT_EQ(tuner().overall_tuner_state(), v1::TUNER_STATE_STABLE);
  EXPECT_TRUE(tuner().power_target_mode_state().profile().has_created());
  door_.change([](MinerView& view) { view.tuning = true; });
  EXPECT_EQ(tuner().overall_tuner_state(), v1::TUNER_STATE_TUNING);
}

TEST_F(BraiinsTest, SomeTunersNeverSettle) {
  options_.continuous_tuner = true;
  start();
  login();
  EXPECT_EQ(tuner().overall_tuner_state(), v1::TUNER_STATE_CONTINUOUS);
  EXPECT_FALSE(tuner().power_target_mode_state().profile().has_created());
}

TEST_F(BraiinsTest, PausesAndResumesAsOftenAsAsked) {
  options_.stale_after_pause = 60s;
  start();
  login();
  auto paused = pause();
  ASSERT_TRUE(paused.first.ok());
  EXPECT_FALSE(paused.second.already_paused());
  EXPECT_EQ(door_.view().state, MinerState::asleep);
  EXPECT_TRUE(pause().second.already_paused()) << "a flag, no error";
  EXPECT_EQ(details().second.status(), v1::MINER_STATUS_PAUSED);
  EXPECT_EQ(stats().second.power_stats().approximated_consumption().watt(), 2472u) << "still what it was";
  clock_.advance(61s);
  EXPECT_EQ(stats().second.power_stats().approximated_consumption().watt(), 20u);
  EXPECT_FALSE(resume().second.already_mining());
  EXPECT_EQ(door_.view().state, MinerState::running);
  EXPECT_TRUE(resume().second.already_mining());
}

TEST_F(BraiinsTest, StopsAndStartsTheProcess) {
  start();
  login();
  const auto stop = [&] { return call(*actions_, &v1::ActionsService::Stub::Stop, v1::StopRequest()); };
  const auto begin = [&] { return call(*actions_, &v1::ActionsService::Stub::Start, v1::StartRequest()); };
  EXPECT_TRUE(begin().second.already_running());
  EXPECT_FALSE(stop().second.already_stopped());
  EXPECT_TRUE(stop().second.already_stopped());
  EXPECT_EQ(details().second.status(), v1::MINER_STATUS_NOT_STARTED);
  EXPECT_EQ(details().second.bosminer_uptime_s(), 0u);
  EXPECT_EQ(pause().first.error_code(), StatusCode::FAILED_PRECONDITION);
  EXPECT_TRUE(set_target(1500, v1::SAVE_ACTION_SAVE).first.ok());
  EXPECT_FALSE(begin().second.already_running());
  EXPECT_EQ(door_.view().state, MinerState::running);
  EXPECT_EQ(door_.view().target, Watts(1500.0)) << "what was saved comes into force";
}

TEST_F(BraiinsTest, StreamsItsStatus) {
  start();
  login();
  auto open = context();
  const auto stream = miner_->GetMinerStatus(open.get(), v1::GetMinerStatusRequest());
  v1::GetMinerStatusResponse status;
  ASSERT_TRUE(stream->Read(&status));
  EXPECT_EQ(status.status(), v1::MINER_STATUS_NORMAL);
  pause();
  ASSERT_TRUE(stream->Read(&status));
  EXPECT_EQ(status.status(), v1::MINER_STATUS_PAUSED);
  open->TryCancel();
  EXPECT_EQ(stream->Finish().error_code(), StatusCode::CANCELLED);
}

TEST_F(BraiinsTest, ScalingAndRampingAreRemembered) {
  start();
  login();
  v1::SetDPSRequest scaling;
  scaling.set_save_action(v1::SAVE_ACTION_SAVE_AND_APPLY);
  scaling.set_enable(true);
  EXPECT_TRUE(call(*performance_, &v1::PerformanceService::Stub::SetDPS, scaling).second.enabled());
  EXPECT_TRUE(configuration().dps().enabled());
  EXPECT_FALSE(configuration().dps().shutdown_enabled()) << "what was left out stays";
  v1::SetQuickRampingRequest ramping;
  ramping.set_save_action(v1::SAVE_ACTION_SAVE_AND_APPLY);
  ramping.set_up_s(5);
  ramping.set_down_s(2);
  EXPECT_EQ(call(*performance_, &v1::PerformanceService::Stub::SetQuickRamping, ramping).second.down_s(), 2u);
  EXPECT_EQ(configuration().hashboard_config().quick_ramping_time_up_s(), 5u);
}

TEST_F(BraiinsTest, YoungCallsAreUnknownToOldFirmware) {
  options_.api_version = {1, 6, 0};
  start();
  login();
  const auto code = [&](auto method, const auto& request) {
    return call(*performance_, method, request).first.error_code();
  };
  using Stub = v1::PerformanceService::Stub;
  EXPECT_EQ(code(&Stub::SetQuickRamping, v1::SetQuickRampingRequest()), StatusCode::UNIMPLEMENTED);
  EXPECT_EQ(code(&Stub::SetRelativePowerTarget, v1::SetRelativeTargetRequest()), StatusCode::UNIMPLEMENTED);
  EXPECT_EQ(code(&Stub::GetMinerEfficiencyProfile, v1::GetMinerEfficiencyProfileRequest()), StatusCode::UNIMPLEMENTED);
}

TEST_F(BraiinsTest, AnswersEveryReadOfAController) {
  start();
  login();
  EXPECT_EQ(call(*miner_, &v1::MinerService::Stub::GetHashboards, v1::GetHashboardsRequest()).second.hashboards_size(),
            3);
  EXPECT_EQ(call(*miner_, &v1::MinerService::Stub::GetErrors, v1::GetErrorsRequest()).second.errors_size(), 0);
  door_.change([](MinerView& view) { view.pool_alive = false; });
  EXPECT_EQ(call(*miner_, &v1::MinerService::Stub::GetErrors, v1::GetErrorsRequest()).second.errors_size(), 1);
  using Performance = v1::PerformanceService::Stub;
  const auto points =
      call(*performance_, &Performance::GetMinerEfficiencyProfile, v1::GetMinerEfficiencyProfileRequest()).second;
  ASSERT_EQ(points.points_size(), 8);
  EXPECT_EQ(points.points(0).power_target().watt(), 900u);
  EXPECT_EQ(points.points(7).power_target().watt(), 3250u);
  const auto profiles = call(*performance_, &Performance::ListTargetProfiles, v1::ListTargetProfilesRequest()).second;
  EXPECT_EQ(profiles.power_target_profiles_size(), 1);
  EXPECT_EQ(call(*performance_, &Performance::GetActivePerformanceMode, v1::GetPerformanceModeRequest())
                .second.tuner_mode()
                .power_target()
                .power_target()
                .watt(),
            2431u);
  const auto cooling = v1::CoolingService::NewStub(channel_);
  EXPECT_EQ(call(*cooling, &v1::CoolingService::Stub::GetCoolingState, v1::GetCoolingStateRequest()).second.fans_size(),
            4);
  const auto pools = v1::PoolService::NewStub(channel_);
  const auto groups = call(*pools, &v1::PoolService::Stub::GetPoolGroups, v1::GetPoolGroupsRequest()).second;
  ASSERT_EQ(groups.pool_groups_size(), 1);
  EXPECT_FALSE(groups.pool_groups(0).pools(0).alive());
}

TEST_F(BraiinsTest, RebootsAndForgetsItsTokens) {
  start();
  login();
  EXPECT_TRUE(call(*actions_, &v1::ActionsService::Stub::Reboot, v1::RebootRequest()).first.ok());
  ASSERT_TRUE(eventually([&] { return !door_.view().booted && !talk(server_->port(), "", 50).connected; }));
  EXPECT_TRUE(eventually([&] { return details(200ms).first.error_code() == StatusCode::UNAVAILABLE; }));
  door_.change([](MinerView& view) { view.booted = true; });
  ASSERT_TRUE(eventually([&] { return details(200ms).first.error_code() == StatusCode::UNAUTHENTICATED; }));
  EXPECT_TRUE(login().ok());
}

TEST_F(BraiinsTest, SpeaksCgminerWithoutAPassword) {
  start();
  const json version = cgminer("version");
  EXPECT_EQ(version["STATUS"][0]["Code"], 22);
  EXPECT_TRUE(version["VERSION"][0].contains("BOSer"));
  EXPECT_EQ(cgminer("devdetails")["DEVDETAILS"][0]["Model"], "Antminer S19j Pro");
  EXPECT_DOUBLE_EQ(cgminer("summary")["SUMMARY"][0]["MHS 5s"], 88e6);
  const json tuner_status = cgminer("tunerstatus")["TUNERSTATUS"][0];
  EXPECT_EQ(tuner_status["ApproximateMinerPowerConsumption"], 2472);
  EXPECT_EQ(tuner_status["PowerLimit"], 2431);
  for (const char* command : {"devs", "temps", "fans", "tempctrl", "pools"}) {
    EXPECT_EQ(cgminer(command)["STATUS"][0]["STATUS"], "S") << command;
  }
  EXPECT_EQ(cgminer("version+summary")["summary"][0]["SUMMARY"].size(), 1u);
  EXPECT_EQ(cgminer("pause")["PAUSE"][0], true);
  EXPECT_EQ(door_.view().state, MinerState::asleep);
  EXPECT_EQ(cgminer("resume")["STATUS"][0]["Code"], 205);
  EXPECT_EQ(door_.view().state, MinerState::running);
  EXPECT_EQ(cgminer("powertarget")["STATUS"][0]["STATUS"], "E") << "no such write here";
}

TEST_F(BraiinsTest, FaultsOfTheWire) {
  start();
  login();
  door_.break_with([](MinerFaults& faults) { faults.delay = 300ms; });
  EXPECT_EQ(details(100ms).first.error_code(), StatusCode::DEADLINE_EXCEEDED);
  EXPECT_TRUE(details().first.ok());
  door_.break_with([](MinerFaults& faults) { faults = {.refuse_connections = true}; });
  EXPECT_TRUE(eventually([&] { return !talk(server_->port(), "", 50).connected; }));
  EXPECT_TRUE(eventually([&] { return details(200ms).first.error_code() == StatusCode::UNAVAILABLE; }));
  door_.break_with([](MinerFaults& faults) { faults = {}; });
  EXPECT_TRUE(eventually([&] { return details(200ms).first.ok(); }));
  door_.break_with([](MinerFaults& faults) { faults = {.garbage = true}; });
  EXPECT_TRUE(eventually([&] { return talk(server_->port(), "hello", 200).received.find("~~") != std::string::npos; }));
  EXPECT_FALSE(details(200ms).first.ok());
  door_.break_with([](MinerFaults& faults) { faults = {.silent = true}; });
  EXPECT_TRUE(eventually([&] {
    const Exchange exchange = talk(server_->port(), "hello", 100);
    return exchange.connected && !exchange.closed && exchange.received.empty();
  }));
  EXPECT_FALSE(details(200ms).first.ok());
  EXPECT_FALSE(talk(server_->cgminer_port(), R"({"command":"summary"})", 100).closed);
  door_.break_with([](MinerFaults& faults) { faults = {}; });
  connect();
  EXPECT_TRUE(eventually([&] { return details(200ms).first.ok(); }));
}

TEST_F(BraiinsTest, FaultsOfTheMiner) {
  start();
  login();
  door_.break_with([](MinerFaults& faults) { faults.drop_commands = true; });
  EXPECT_EQ(set_target(1500).second.power_target().watt(), 1500u) << "acknowledged";
  EXPECT_EQ(configuration().tuner().power_target().watt(), 2431u) << "and not done";
  EXPECT_FALSE(pause().second.already_paused());
  EXPECT_EQ(door_.view().state, MinerState::running);
  door_.break_with([](MinerFaults& faults) { faults = {.reject_commands = true}; });
  EXPECT_EQ(set_target(1500).first.error_code(), StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(pause().first.error_code(), StatusCode::FAILED_PRECONDITION);
  EXPECT_TRUE(stats().first.ok()) << "reading still works";
  door_.break_with([](MinerFaults& faults) { faults = {.reject_password = true}; });
  EXPECT_EQ(login().error_code(), StatusCode::UNAUTHENTICATED);
  door_.break_with([](MinerFaults& faults) { faults = {.ignore_sleep = true}; });
  EXPECT_TRUE(pause().first.ok());
  EXPECT_EQ(door_.view().state, MinerState::running);
}

TEST_F(BraiinsTest, StopsAtOnceWithClientsConnected) {
  start();
  login();
  auto open = context();
  const auto stream = miner_->GetMinerStatus(open.get(), v1::GetMinerStatusRequest());
  v1::GetMinerStatusResponse status;
  ASSERT_TRUE(stream->Read(&status));
  door_.break_with([](MinerFaults& faults) { faults.delay = 60s; });
  std::thread slow([&] { details(10s); });
  const auto before = std::chrono::steady_clock::now();
  server_->stop();
  server_->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - before, 3s);
  EXPECT_FALSE(stream->Read(&status));
  slow.join();
}

TEST_F(BraiinsTest, SaysWhichPortIsTaken) {
  start();
  BraiinsOptions same = options_;
  same.port = server_->port();
  const auto second = make_braiins_server(door_, clock_, same);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::io);
  EXPECT_NE(second.error().text.find(std::to_string(same.port)), std::string::npos);
}

}  // namespace
}  // namespace sluice::house
