#include "plugin/host.hpp"

#include <algorithm>
#include <utility>

#include "sluice/adapter.hpp"

namespace sluice::plugin {
namespace {

using adapter::as_string;
using adapter::as_text;
using adapter::taken;

constexpr std::size_t kStateLimit = 4096;
constexpr std::size_t kReplyLimit = std::size_t{1} << 20;
constexpr std::size_t kLogLineLimit = 1000;

std::size_t limit(std::uint32_t wanted) { return wanted == 0 ? kReplyLimit : wanted; }

}  // namespace

std::int32_t status_from(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::timeout:
      return SLUICE_TIMEOUT;
    case ErrorKind::refused:
      return SLUICE_REFUSED;
    case ErrorKind::unreachable:
      return SLUICE_UNREACHABLE;
    case ErrorKind::protocol:
      return SLUICE_PROTOCOL;
    case ErrorKind::rejected:
      return SLUICE_REJECTED;
    case ErrorKind::unauthorized:
      return SLUICE_UNAUTHORIZED;
    case ErrorKind::unsupported:
      return SLUICE_UNSUPPORTED;
    case ErrorKind::not_found:
      return SLUICE_NOT_FOUND;
    case ErrorKind::invalid:
      return SLUICE_INVALID;
    case ErrorKind::cancelled:
      return SLUICE_CANCELLED;
    case ErrorKind::io:
      return SLUICE_IO;
    case ErrorKind::internal:
      return SLUICE_INTERNAL;
  }
  return SLUICE_INTERNAL;
}

ErrorKind kind_from(std::int32_t status) {
  switch (status) {
    case SLUICE_TIMEOUT:
      return ErrorKind::timeout;
    case SLUICE_REFUSED:
      return ErrorKind::refused;
    case SLUICE_UNREACHABLE:
      return ErrorKind::unreachable;
    case SLUICE_PROTOCOL:
      return ErrorKind::protocol;
    case SLUICE_REJECTED:
      return ErrorKind::rejected;
    case SLUICE_UNAUTHORIZED:
      return ErrorKind::unauthorized;
    case SLUICE_UNSUPPORTED:
      return ErrorKind::unsupported;
    case SLUICE_NOT_FOUND:
      return ErrorKind::not_found;
    case SLUICE_INVALID:
      return ErrorKind::invalid;
    case SLUICE_CANCELLED:
      return ErrorKind::cancelled;
    case SLUICE_IO:
      return ErrorKind::io;
    default:  // also what a newer adapter may say: an unknown status is a failure
      return ErrorKind::internal;
  }
}

/// The functions of the table. An exception (only memory can run out here) must not reach the adapter.
struct Host::Border {
  static Host& self(void* context) { return *static_cast<Host*>(context); }

  template <class Body>
  static std::int32_t guarded(Body&& body) noexcept {
    try {
      return body();
    } catch (...) {
      return SLUICE_INTERNAL;
    }
  }

  static std::int64_t mono_ns(void* context) noexcept { return self(context).clock_.now().time_since_epoch().count(); }
  static void log(void* context, std::int32_t level, sluice_text text) noexcept {
    guarded([&] {
      const std::string line = as_string(text).substr(0, kLogLineLimit);
      const int clamped = std::clamp(level, std::int32_t{SLUICE_LOG_DEBUG}, std::int32_t{SLUICE_LOG_ERROR});
      self(context).log_.write(static_cast<LogLevel>(clamped), self(context).component_, self(context).redacted(line));
      return 0;
    });
  }
  static std::int32_t wait_until(void* context, std::int64_t time_ns) noexcept {
    return guarded([&] { return self(context).wait(MonoTime(Duration(time_ns))); });
  }
  static std::int32_t tcp(void* context, const sluice_tcp_exchange* exchange, sluice_text* reply,
                          sluice_text* error) noexcept {
    return guarded([&] { return self(context).tcp(taken(exchange), *reply, *error); });
  }
  static std::int32_t http(void* context, const sluice_http_request* request, sluice_http_reply* reply,
                           sluice_text* error) noexcept {
    return guarded([&] { return self(context).http(taken(request), *reply, *error); });
  }
  static void mark_sent(void* context) noexcept { self(context).sent(); }
  static std::int32_t secret(void* context, std::uint64_t handle, sluice_text* value, sluice_text* error) noexcept {
    return guarded([&] { return self(context).lend_secret(handle, *value, *error); });
  }
  static sluice_text state_get(void* context) noexcept { return as_text(self(context).state_); }
  static void state_set(void* context, sluice_text state) noexcept {
    guarded([&] {
      self(context).change_state(as_string(state));
      return 0;
    });
  }
  static const void* get_extension(void*, sluice_text) noexcept { return nullptr; }
};

Host::Host(const MinerSetup& setup, const Services& services)
    : clock_(services.clock),
      log_(services.log),
      network_(services.network.make()),
      component_("miner " + setup.name),
      password_(setup.password),
      save_state_(setup.save_state),
      state_(setup.adapter_state) {
  table_.size = sizeof table_;
  table_.abi_major = SLUICE_ABI_MAJOR;
  table_.abi_minor = SLUICE_ABI_MINOR;
  table_.context = this;
  table_.mono_ns = &Border::mono_ns;
  table_.log = &Border::log;
  table_.wait_until = &Border::wait_until;
  table_.tcp = &Border::tcp;
  table_.http = &Border::http;
  table_.mark_sent = &Border::mark_sent;
  table_.secret = &Border::secret;
  table_.state_get = &Border::state_get;
  table_.state_set = &Border::state_set;
  table_.get_extension = &Border::get_extension;
}

void Host::begin(MonoTime deadline) {
  deadline_ = deadline;
  network_->begin();
}

std::string Host::redacted(std::string_view text) const {
  std::string clean(text);
  for (const auto& secret : lent_) {
    for (auto at = clean.find(secret); at != std::string::npos; at = clean.find(secret, at + 3)) {
      clean.replace(at, secret.size(), "***");
    }
  }
  return clean;
}

MonoTime Host::bounded(std::int64_t deadline_ns) const { return std::min(deadline_, MonoTime(Duration(deadline_ns))); }

std::int32_t Host::failed(const Error& why, sluice_text& error) {
  error_ = redacted(why.text);
  error = as_text(error_);
  return status_from(why.kind);
}

ports::NetworkPeer Host::peer_from(const sluice_peer* from) const {
  const sluice_peer peer = taken(from);
  return ports::NetworkPeer{as_string(peer.host), static_cast<std::uint16_t>(peer.port),
                            std::chrono::milliseconds(peer.min_spacing_ms),
                            std::chrono::milliseconds(peer.refused_backoff_ms), peer.ignore_backoff != 0};
}

std::function<void()> Host::stamp(const sluice_peer* from) {
  if (taken(from).is_command == 0) return {};
  return [this] { sent(); };
}

void Host::sent() {
  last_sent_ = clock_.now();
  if (sent_listener_) sent_listener_(*last_sent_);
}

std::int32_t Host::tcp(const sluice_tcp_exchange& exchange, sluice_text& reply, sluice_text& error) {
  auto answer = network_->exchange(
      {peer_from(exchange.peer), as_string(exchange.send), limit(exchange.reply_limit), stamp(exchange.peer)},
      bounded(exchange.deadline_ns));
  if (!answer) return failed(answer.error(), error);
  tcp_reply_ = std::move(*answer);
  reply = as_text(tcp_reply_);
  return SLUICE_OK;
}

std::int32_t Host::http(const sluice_http_request& request, sluice_http_reply& reply, sluice_text& error) {
  ports::HttpRequest ask;
  ask.peer = peer_from(request.peer);
  ask.method = as_string(request.method);
  ask.path = as_string(request.path);
  adapter::each(request.headers, request.header_count, request.header_size, [&ask](const sluice_header& header) {
    ask.headers.emplace_back(as_string(header.name), as_string(header.value));
  });
  ask.body = as_string(request.body);
  ask.reply_limit = limit(request.reply_limit);
  ask.on_first_byte = stamp(request.peer);
  auto answer = network_->request(ask, bounded(request.deadline_ns));
  if (!answer) return failed(answer.error(), error);
  http_body_ = std::move(answer->body);
  sluice_http_reply full{};
  full.status = answer->status;
  full.body = as_text(http_body_);
  adapter::give(&reply, full);
  return SLUICE_OK;
}

std::int32_t Host::wait(MonoTime time) {
  if (!network_->wait_until(std::min(time, deadline_))) return SLUICE_CANCELLED;
  return time <= deadline_ ? SLUICE_OK : SLUICE_TIMEOUT;
}

std::int32_t Host::lend_secret(std::uint64_t handle, sluice_text& value, sluice_text& error) {
  if (handle != kPasswordHandle || !password_) return failed({ErrorKind::not_found, "no such secret"}, error);
  auto password = password_();
  if (!password) return failed(password.error(), error);
  secret_ = std::move(*password);
  if (!secret_.empty() && std::ranges::find(lent_, secret_) == lent_.end()) lent_.push_back(secret_);
  value = as_text(secret_);
  return SLUICE_OK;
}

void Host::change_state(std::string state) {
  if (state == state_) return;
  if (state.size() > kStateLimit) {
    log_.warning(component_, "its adapter wants to keep {} bytes, at most {} are kept: not saved", state.size(),
                 kStateLimit);
    return;
  }
  state_ = std::move(state);
  if (save_state_) save_state_(state_);
}

}  // namespace sluice::plugin
