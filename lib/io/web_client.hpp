#pragma once
/// The one client for what lies beyond the house: price feeds, the value of mining, the owner's web hook. On
/// cpp-httplib, because that speaks TLS; the LAN has its own client (docs/adr/0008-own-http-client.md).

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>

#include "ports/web.hpp"

namespace sluice::io {

class WebClient final : public ports::Web {
 public:
  /// `ca_file`: PEM of the authorities to trust; empty = the system's.
  explicit WebClient(std::string user_agent, std::string ca_file = "");
  ~WebClient() override;
  Result<ports::WebReply> fetch(const ports::WebRequest& request) override;
  void cancel() override;

 private:
  class Exchange;

  const std::string user_agent_, ca_file_;
  std::mutex mutex_;  ///< guards what follows
  std::shared_ptr<Exchange> running_;
  bool cancelled_ = false;
};

/// `Sluice/0.1.0`: what servers are told, so that their owners know whom they serve.
std::string user_agent(const std::string& version);

}  // namespace sluice::io
