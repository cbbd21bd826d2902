#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/result.hpp"
#include "base/time.hpp"

namespace sluice::ports {

enum class RegisterTable : std::uint8_t { holding = 3, input = 4 };  ///< the value is the Modbus function code

/// One Modbus TCP connection. Used by one thread at a time; only `cancel` may come from another.
/// A Modbus exception answer is `ErrorKind::rejected` with the exception's code and name in the text and in
/// `last_exception`.
class ModbusConnection {
 public:
  virtual ~ModbusConnection() = default;
  /// Connects if not connected. Errors: refused, timeout, unreachable.
  virtual Result<void> connect(Duration timeout) = 0;
  virtual bool connected() const = 0;
  /// How many times `connect` has made a connection: tells a device that what it knew of the other side is old.
  virtual std::uint64_t generation() const = 0;
  virtual void close() = 0;
  /// Reads `out.size()` registers (1…125) from wire address `address` of unit `unit`.
  virtual Result<void> read(std::uint8_t unit, RegisterTable table, std::uint16_t address, std::span<std::uint16_t> out,
                            Duration timeout) = 0;
  /// Writes holding registers: function 6 for one, 16 for several.
  virtual Result<void> write(std::uint8_t unit, std::uint16_t address, std::span<const std::uint16_t> values,
                             Duration timeout) = 0;
  /// Code of the last exception answer (1…11), 0 if the last call did not end in one.
  virtual int last_exception() const = 0;
  /// Ends a running call within 100 ms; it returns `cancelled`.
  virtual void cancel() = 0;
};

class ModbusFactory {
 public:
  virtual ~ModbusFactory() = default;
  virtual std::unique_ptr<ModbusConnection> make(const std::string& host, std::uint16_t port) = 0;
};

}  // namespace sluice::ports
