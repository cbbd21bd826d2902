#include <fmt/format.h>
#include <grpc/support/time.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>

#include <atomic>
#include <mutex>
#include <thread>
#include <utility>

#include "house/firmware/braiins/braiins.hpp"
#include "house/firmware/braiins/braiins_miner.hpp"
#include "house/firmware/braiins/cgminer.hpp"
#include "house/firmware/braiins/services.hpp"
#include "house/firmware/tcp_front.hpp"

namespace sluice::house {
namespace {

constexpr Duration kTick = std::chrono::milliseconds(50);
constexpr int kShutdownMs = 200;

/// Takes the place of the gRPC server while the miner is told to be silent or to send garbage: the front does both.
class NoProtocol final : public TcpProtocol {
 public:
  std::size_t request_size(std::string_view received, bool) const override { return received.size(); }
  TcpAnswer answer(std::string_view) override { return {}; }
};

/// What listens on the gRPC port. A library server can neither refuse nor fall silent, so it is replaced.
enum class Listening { nobody, grpc, mute };

Listening wanted(const MinerFaults& faults, const MinerView& view) {
  if (faults.refuse_connections || !view.booted) return Listening::nobody;
  return faults.silent || faults.garbage ? Listening::mute : Listening::grpc;
}

class BraiinsServer final : public MinerServer {
 public:
  BraiinsServer(MinerDoor& door, const ports::Clock& clock, const BraiinsOptions& options, ReservedPort reservation)
      : door_(door),
        miner_(door, clock, options),
        services_(miner_),
        cgminer_(miner_, clock),
        reservation_(std::move(reservation)) {
    static std::once_flag reflection;  // every server that is built from now on
    std::call_once(reflection, [] { grpc::reflection::InitProtoReflectionServerBuilderPlugin(); });
  }
  ~BraiinsServer() override { stop(); }

  Result<void> start() {
    const BraiinsOptions& options = miner_.options();
    auto front = TcpFront::start(door_, cgminer_, options.address, options.cgminer_port);
    if (!front) return tl::unexpected(front.error());
    cgminer_front_ = std::move(*front);
    cgminer_port_ = cgminer_front_->port();
    change_to(wanted(door_.faults(), door_.view()));
    if (listening_ == Listening::nobody && door_.view().booted && !door_.faults().refuse_connections) {
      return fail(ErrorKind::io, "cannot listen on {}:{}", options.address, port());
    }
    thread_ = std::thread([this] { run(); });
    return {};
  }

  void stop() override {
    stopping_.store(true);
    miner_.leave();
    if (thread_.joinable()) thread_.join();
    change_to(Listening::nobody);
    cgminer_front_.reset();
  }
  std::uint16_t port() const override { return reservation_.port(); }
  std::uint16_t cgminer_port() const override { return cgminer_port_; }

 private:
  void run() {
    while (!stopping_.load()) {
      miner_.tick();
      change_to(wanted(door_.faults(), door_.view()));
      miner_.wait(kTick);
    }
  }

  void change_to(Listening wish) {
    if (wish == listening_) return;
    close();
    if (wish == Listening::grpc) open_grpc();
    if (wish == Listening::mute) open_mute();
  }

  void close() {
    mute_.reset();
    if (grpc_) {
      miner_.leave();
      grpc_->Shutdown(gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(kShutdownMs, GPR_TIMESPAN)));
      grpc_.reset();
      miner_.stay();
    }
    listening_ = Listening::nobody;
  }

  void open_grpc() {
    grpc::ServerBuilder builder;
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
    builder.SetSyncServerOption(grpc::ServerBuilder::MIN_POLLERS, 1);
    builder.SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, 2);
    int bound = 0;
    builder.AddListeningPort(fmt::format("{}:{}", miner_.options().address, port()), grpc::InsecureServerCredentials(),
                             &bound);
    services_.register_with(builder);
    grpc_ = builder.BuildAndStart();
    if (grpc_ && bound == 0) grpc_.reset();
    if (grpc_) listening_ = Listening::grpc;  // otherwise tried again at the next tick
  }

  void open_mute() {
    auto front = TcpFront::start(door_, no_protocol_, miner_.options().address, port());
    if (!front) return;
    mute_ = std::move(*front);
    listening_ = Listening::mute;
  }

  MinerDoor& door_;
  BraiinsMiner miner_;
  BraiinsServices services_;
  BraiinsCgminer cgminer_;
  NoProtocol no_protocol_;
  ReservedPort reservation_;
  std::unique_ptr<TcpFront> cgminer_front_, mute_;
  std::unique_ptr<grpc::Server> grpc_;
  Listening listening_ = Listening::nobody;
  std::uint16_t cgminer_port_ = 0;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<MinerServer>> make_braiins_server(MinerDoor& door, const ports::Clock& clock,
                                                         const BraiinsOptions& options) {
  auto reservation = ReservedPort::take(options.address, options.port);
  if (!reservation) return tl::unexpected(reservation.error());
  auto server = std::make_unique<BraiinsServer>(door, clock, options, std::move(*reservation));
  if (auto started = server->start(); !started) return tl::unexpected(started.error());
  return server;
}

}  // namespace sluice::house
