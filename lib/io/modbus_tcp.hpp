#pragma once
/// Modbus TCP over libmodbus.

#include <memory>

#include "ports/modbus.hpp"

namespace sluice::io {

/// Makes connections that share one name cache. Thread-safe.
///
/// Of a connection: every call has one deadline for all of its answer, in real time. Whatever is not a clean answer or
/// a Modbus exception (silence, garbage, an answer to another request) closes it, because what arrives next could be
/// taken for the answer to the next question; the caller connects again. Numeric hosts never touch the name service.
class ModbusTcpFactory final : public ports::ModbusFactory {
 public:
  ModbusTcpFactory();
  ~ModbusTcpFactory() override;
  std::unique_ptr<ports::ModbusConnection> make(const std::string& host, std::uint16_t port) override;

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

}  // namespace sluice::io
