#include "braiins/link.hpp"

#include <grpc/support/time.h>
#include <grpcpp/create_channel.h>

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

namespace sluice::braiins {
namespace {

using adapter::Error;
using adapter::Time;
using namespace std::chrono_literals;

constexpr auto kLockoutPause = 60s;
constexpr const char* kWrongPassword = "Braiins OS does not accept the user name or password";
constexpr const char* kTokenKey = "authorization";
constexpr std::size_t kTokenLimit = 4096;

std::shared_ptr<grpc::Channel> open_channel(const std::string& target) {
  grpc::ChannelArguments arguments;
  // A miner is on the LAN: no proxy of the environment, no look-up of settings in the DNS.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  // What is repeated, and when, is decided here.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  // Otherwise a new channel would inherit the back-off of the one it takes the place of.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments);
}

bool any_of(std::string_view text, std::initializer_list<std::string_view> parts) {
  return std::ranges::any_of(parts, [text](auto part) { return text.find(part) != std::string_view::npos; });
}

/// UNAVAILABLE is every failure below gRPC; only its words tell which. Words not known mean a closed connection.
sluice_status below_grpc(std::string_view text) {
  if (any_of(text, {"DNS resolution failed", "No route to host", "etwork is unreachable", "Host is down"})) {
    return SLUICE_UNREACHABLE;
  }
  if (any_of(text, {"http1.x", "HTTP/1", "HTTP2", "http2", "HTTP/2", "SETTINGS", "parsing"})) return SLUICE_PROTOCOL;
  return SLUICE_REFUSED;
}

sluice_status status_from(const grpc::Status& status) {
  switch (status.error_code()) {
    case grpc::StatusCode::UNAUTHENTICATED:
      return SLUICE_UNAUTHORIZED;
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return SLUICE_TIMEOUT;
    case grpc::StatusCode::UNAVAILABLE:
      return below_grpc(status.error_message());
    case grpc::StatusCode::CANCELLED:  // by the miner: ours are thrown before this is asked
      return SLUICE_REFUSED;
    case grpc::StatusCode::UNIMPLEMENTED:
      return SLUICE_UNSUPPORTED;
    case grpc::StatusCode::INTERNAL:
    case grpc::StatusCode::DATA_LOSS:
      return SLUICE_PROTOCOL;
    default:
      return SLUICE_REJECTED;
  }
}

std::string_view what_happened(sluice_status status) {
  switch (status) {
    case SLUICE_UNAUTHORIZED:
      return "Braiins OS does not let us in for ";
    case SLUICE_TIMEOUT:
      return "Braiins OS did not answer in time to ";
    case SLUICE_REFUSED:
      return "Braiins OS takes no connection or closed it during ";
    case SLUICE_UNREACHABLE:
      return "Braiins OS cannot be reached for ";
    case SLUICE_UNSUPPORTED:
      return "this Braiins OS does not have ";
    case SLUICE_PROTOCOL:
      return "no understandable answer to ";
    default:
      return "Braiins OS refused ";
  }
}

/// Below this the connection itself is in doubt and the next call begins with a new one.
bool breaks_channel(grpc::StatusCode code) {
  return code == grpc::StatusCode::UNAVAILABLE || code == grpc::StatusCode::DEADLINE_EXCEEDED ||
         code == grpc::StatusCode::INTERNAL;
}

std::string token_in(const grpc::ClientContext& context) {
  const auto& metadata = context.GetServerInitialMetadata();
  const auto found = metadata.find(kTokenKey);
  return found == metadata.end() ? std::string() : std::string(found->second.data(), found->second.size());
}

}  // namespace

std::string target_of(std::string_view host, std::uint16_t port) {
  const std::string name(host);
  return (name.find(':') == std::string::npos ? name : "[" + name + "]") + ":" + std::to_string(port);
}

bool is_token(std::string_view token) {
  return !token.empty() && token.size() <= kTokenLimit &&
         std::ranges::all_of(token, [](char c) { return c > ' ' && c <= '~'; });
}

adapter::Error error_from(const grpc::Status& status, std::string_view method) {
  const sluice_status meaning = status_from(status);
  std::string text = std::string(what_happened(meaning)) + std::string(method);
  if (!status.error_message().empty()) text += ": " + status.error_message();
  return Error(meaning, text);
}

/// The channel, and a stub of every service on it.
struct Link::Channel {
  explicit Channel(const std::string& target)
      : channel(open_channel(target)), stubs(channel, channel, channel, channel, channel, channel, channel, channel) {}

  std::shared_ptr<grpc::Channel> channel;
  std::tuple<bos::ApiVersionService::Stub, v1::AuthenticationService::Stub, v1::ActionsService::Stub,
             v1::PerformanceService::Stub, v1::ConfigurationService::Stub, v1::MinerService::Stub,
             v1::CoolingService::Stub, v1::PoolService::Stub>
      stubs;
};

Link::Link(const adapter::Host& host, Peer peer)
    : host_(host), peer_(std::move(peer)), channel_(std::make_unique<Channel>(target_of(peer_.host, peer_.port))) {}

Link::~Link() = default;

template <class Stub>
Stub& Link::stub() {
  return std::get<Stub>(channel_->stubs);
}
template bos::ApiVersionService::Stub& Link::stub();
template v1::ActionsService::Stub& Link::stub();
template v1::PerformanceService::Stub& Link::stub();
template v1::ConfigurationService::Stub& Link::stub();
template v1::MinerService::Stub& Link::stub();
template v1::CoolingService::Stub& Link::stub();
template v1::PoolService::Stub& Link::stub();

void Link::cancel() noexcept {
  const std::lock_guard lock(mutex_);
  if (running_ != nullptr) running_->TryCancel();
}

void Link::perform(const Kind& kind, const Call& call, Time deadline) {
  if (kind.with_token && token_.empty()) log_in(deadline);
  if (kind.moves) connect_first(deadline);
  grpc::Status status = once(kind, call, deadline);
  if (kind.with_token && status.error_code() == grpc::StatusCode::UNAUTHENTICATED) {
    token_.clear();
    log_in(deadline);
    status = once(kind, call, deadline);
  }
  if (!status.ok()) give_up(status, kind.name);
}

grpc::Status Link::once(const Kind& kind, const Call& call, Time deadline) {
  const Time left = deadline - host_.now();
  if (left <= Time::zero()) throw Error(SLUICE_TIMEOUT, std::string("no time was left for ") + kind.name);
  grpc::ClientContext context;
  // A length of time, not a moment: what is left on the host's clock is spent in real time.
  context.set_deadline(gpr_time_from_nanos(left.count(), GPR_TIMESPAN));
  if (kind.with_token) context.AddMetadata(kTokenKey, token_);

  struct Running {
    Running(Link& link, grpc::ClientContext& context) : link_(link) { set(&context); }
    ~Running() { set(nullptr); }
    void set(grpc::ClientContext* context) {
      const std::lock_guard lock(link_.mutex_);
      link_.running_ = context;
    }
    Link& link_;
  };
  const Running running(*this, context);
  // Registered first, asked second: a cancel is seen here or ends the call below, whenever it comes.
  throw_if_cancelled();
  if (kind.moves) host_.mark_sent();
  return call(context);
}

void Link::log_in(Time deadline) {
  if (host_.now() < locked_out_until_) throw Error(SLUICE_UNAUTHORIZED, kWrongPassword);
  v1::LoginRequest request;
  request.set_username(peer_.username);
  if (peer_.password != 0) request.set_password(host_.secret(peer_.password));
  v1::LoginResponse response;
  std::string token;
  const Call call = [&](grpc::ClientContext& context) {
    const grpc::Status status = stub<v1::AuthenticationService::Stub>().Login(&context, request, &response);
    // Before API 1.1.0 the token came in the metadata only.
    if (status.ok()) token = response.token().empty() ? token_in(context) : response.token();
    return status;
  };
  const grpc::Status status = once({"Login", false, false}, call, deadline);
  if (status.error_code() == grpc::StatusCode::UNAUTHENTICATED) {
    locked_out_until_ = host_.now() + kLockoutPause;
    throw Error(SLUICE_UNAUTHORIZED, kWrongPassword);
  }
  if (!status.ok()) give_up(status, "Login");
  if (!is_token(token)) throw Error(SLUICE_PROTOCOL, "Braiins OS answered Login with no usable token");
  token_ = std::move(token);
}

/// A command counts as sent when its call starts; therefore the connection must stand by then.
void Link::connect_first(Time deadline) {
  if (channel_->channel->GetState(false) == GRPC_CHANNEL_READY) return;
  ask_openly("GetApiVersion", &bos::ApiVersionService::Stub::GetApiVersion, deadline);
}

void Link::give_up(const grpc::Status& status, const char* name) {
  // The new one exists before the old one goes, so that the library does not shut down in between.
  if (breaks_channel(status.error_code())) channel_ = std::make_unique<Channel>(target_of(peer_.host, peer_.port));
  throw_if_cancelled();
  throw error_from(status, name);
}

}  // namespace sluice::braiins
