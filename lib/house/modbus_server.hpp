#pragma once
/// A Modbus TCP server with several units behind one address, and the bad days of a real one.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/result.hpp"
#include "base/time.hpp"

namespace sluice::house {

struct ModbusFaults {
  Duration delay{};                 ///< real time before every answer
  bool refuse_connections = false;  ///< the port is closed, open connections end
  bool silent = false;              ///< accepts, never answers
  bool garbage = false;             ///< answers bytes that are no reply
};

/// Words by wire address.
using RegisterTable = std::map<std::uint16_t, std::uint16_t>;

/// What a unit shows at this moment.
struct UnitReply {
  RegisterTable holding, input;
  bool silent = false;  ///< this unit alone does not answer
};

/// All are called from the server's thread. No value: there is no such unit (exception 11).
using UnitSource = std::function<std::optional<UnitReply>(int unit)>;
/// Holding registers that a client writes; the exception code to answer with, 0 = done.
using UnitWriter = std::function<int(int unit, std::uint16_t address, std::span<const std::uint16_t> words)>;
using ModbusFaultSource = std::function<ModbusFaults()>;

class ModbusServer {
 public:
  virtual ~ModbusServer() = default;  ///< stops
  virtual std::uint16_t port() const = 0;
};

/// Serves function codes 3 and 4 at once, with `writer` also 6 and 16. Fails with `io` when the port is taken. Port 0:
/// any free one.
Result<std::unique_ptr<ModbusServer>> make_modbus_server(const std::string& address, std::uint16_t port,
                                                         UnitSource units, ModbusFaultSource faults,
                                                         UnitWriter writer = {});

}  // namespace sluice::house
