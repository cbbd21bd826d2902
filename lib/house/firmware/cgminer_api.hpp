#pragma once
/// The CGMiner-style API that all three firmwares have on TCP 4028: one JSON object a connection, one reply, close.
/// `{"command":"summary"}`, `{"command":"summary+power"}`, `{"command":"profileset","parameter":"AbCd1234,290MHz"}`.

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/time.hpp"
#include "house/firmware/tcp_front.hpp"
#include "ports/clock.hpp"

namespace sluice::house {

/// Bytes of the first JSON object in `text`, from its beginning; 0 while it is not closed. Braces inside strings do not
/// count.
std::size_t json_object_size(std::string_view text);

/// Splits the joined commands, fills STATUS, and leaves what a command does to the firmware.
class CgminerProtocol : public TcpProtocol {
 public:
  /// `description` goes into every STATUS, where clients look for the firmware's name.
  CgminerProtocol(const ports::Clock& clock, std::string description, bool trailing_nul = false)
      : clock_(clock), description_(std::move(description)), trailing_nul_(trailing_nul) {}
  std::size_t request_size(std::string_view received, bool at_end) const final;
  TcpAnswer answer(std::string_view request) final;

 protected:
  /// One command, one complete reply. A null reply closes the connection without a word.
  virtual nlohmann::json run(const std::string& command, const std::string& parameter) = 0;
  /// `{"STATUS":[…],"id":1}` of success; the caller adds the data under its upper-case key.
  nlohmann::json success(int code, const std::string& message) const;
  nlohmann::json error(int code, const std::string& message) const;
  nlohmann::json unknown_command() const;

 private:
  nlohmann::json status(char letter, int code, const std::string& message) const;

  const ports::Clock& clock_;
  std::string description_;
  bool trailing_nul_;
};

}  // namespace sluice::house
