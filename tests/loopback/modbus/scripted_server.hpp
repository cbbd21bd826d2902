#pragma once
/// A Modbus TCP server on 127.0.0.1 whose every answer is up to the test: right, wrong, slow, torn or missing.

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "devices/register.hpp"

namespace sluice::test {

using Bytes = std::vector<std::uint8_t>;

struct Request {
  std::uint16_t transaction = 0;
  std::uint8_t unit = 0, function = 0;
  std::uint16_t address = 0, count = 0;
};

struct Answer {
  Bytes bytes;           ///< sent as they are; empty = silence
  bool hang_up = false;  ///< close after sending
  bool drip = false;     ///< one byte every 50 ms
};

Answer registers_answer(const Request& request, const std::vector<std::uint16_t>& registers);
Answer exception_answer(const Request& request, std::uint8_t code);
/// Answers from an image; exception 2 for what it does not hold, 11 for a unit that it does not have.
Answer image_answer(const Request& request, const devices::RegisterImage& image);

class ScriptedServer {
 public:
  using Script = std::function<Answer(const Request&)>;
  explicit ScriptedServer(Script script);
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  std::uint16_t port() const { return port_; }
  void set_script(Script script);
  int connections() const { return connections_; }
  int requests() const { return requests_; }
  std::vector<Request> seen();

 private:
  void serve();
  void serve_client(int client);
  bool wait_readable(int fd, int limit_ms) const;

  std::uint16_t port_ = 0;
  int listener_ = -1, stop_ = -1;
  std::atomic<int> connections_{0}, requests_{0};
  std::mutex mutex_;  // guards script_ and seen_
  Script script_;
  std::vector<Request> seen_;
  std::thread thread_;
};

}  // namespace sluice::test
