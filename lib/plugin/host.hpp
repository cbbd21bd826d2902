#pragma once
/// The host's side of the C border for one instance: fills `sluice_host` and keeps what it hands out alive.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plugin/plugin_miner.hpp"
#include "sluice/adapter.h"

namespace sluice::plugin {

inline constexpr std::uint64_t kPasswordHandle = 1;

/// Used by the thread inside the instance; `cancel` from any other.
class Host {
 public:
  Host(const MinerSetup& setup, const Services& services);
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  const sluice_host* table() const { return &table_; }
  /// Brackets every call of the adapter: nothing borrowed from the host lasts longer than `deadline`.
  void begin(MonoTime deadline);
  void cancel() { network_->cancel(); }
  bool cancelled() const { return network_->cancelled(); }
  std::optional<MonoTime> last_sent() const { return last_sent_; }
  /// Called on the calling thread whenever a command's byte goes out.
  void tell_sent(std::function<void(MonoTime)> listener) { sent_listener_ = std::move(listener); }
  /// Forgets the sent time of the command before.
  void forget_sent() { last_sent_.reset(); }
  /// `text` without any secret that was lent.
  std::string redacted(std::string_view text) const;
  MonoTime now() const { return clock_.now(); }

 private:
  struct Border;  // the C functions
  std::int32_t tcp(const sluice_tcp_exchange& exchange, sluice_text& reply, sluice_text& error);
  std::int32_t http(const sluice_http_request& request, sluice_http_reply& reply, sluice_text& error);
  std::int32_t wait(MonoTime time);
  std::int32_t lend_secret(std::uint64_t handle, sluice_text& value, sluice_text& error);
  void change_state(std::string state);
  std::int32_t failed(const Error& why, sluice_text& error);
  MonoTime bounded(std::int64_t deadline_ns) const;
  ports::NetworkPeer peer_from(const sluice_peer* from) const;
  std::function<void()> stamp(const sluice_peer* from);
  void sent();

  const ports::Clock& clock_;
  Log& log_;
  std::unique_ptr<ports::Network> network_;
  std::string component_;
  std::function<Result<std::string>()> password_;
  std::function<void(const std::string&)> save_state_;
  std::string state_;
  MonoTime deadline_{};
  std::optional<MonoTime> last_sent_;
  std::function<void(MonoTime)> sent_listener_;
  std::string tcp_reply_, http_body_, error_, secret_;  // alive until the next host call of their kind
  std::vector<std::string> lent_;
  sluice_host table_{};
};

/// The kinds of this project and the statuses of the ABI name the same things.
std::int32_t status_from(ErrorKind kind);
ErrorKind kind_from(std::int32_t status);

}  // namespace sluice::plugin
