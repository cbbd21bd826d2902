#pragma once
/// One meter, inverter or battery, behind whatever template and transport it needs.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "model/measurement.hpp"

namespace sluice::ports {

/// One measurement of one poll, with where it came from, so that `sluice probe` can show it and people can check it.
struct Measured {
  Measurement what{};
  std::optional<double> value;  ///< in the canonical unit and sign of `what`; absent = the device has no such value now
  std::string source;           ///< "input 52..53 f32", "model 203 W @40087"
  std::vector<std::uint16_t> raw;  ///< registers as read
  std::string note;                ///< why absent: "not implemented (0x8000)", "out of range", …
};

struct DevicePoll {
  MonoTime at{};                 ///< when it was true: middle of the exchange that brought the fastest-changing value
  std::vector<Measured> values;  ///< every measurement the template offers, present or not
};

struct DeviceIdentity {
  std::string manufacturer, model, version, serial;  ///< empty where the device does not tell
};

/// Used by one thread at a time (devices on one connection share that connection's thread).
class Device {
 public:
  virtual ~Device() = default;
  virtual const std::string& name() const = 0;
  /// Devices with the same key share one connection and so one thread: "192.168.1.20:502".
  virtual const std::string& connection_key() const = 0;
  /// Least time between two polls that the device bears.
  virtual Duration spacing() const = 0;
  /// Connects if needed, discovers if needed, reads everything once. Errors say what failed and where.
  virtual Result<DevicePoll> poll() = 0;
  /// What the device says of itself; empty before the first successful poll.
  virtual DeviceIdentity identity() const = 0;
  /// Tells the battery behind it not to discharge. Before anything is changed, `keep` is given what is needed to
  /// release it, and nothing is changed when that fails. Errors: unsupported; `keep`'s own; what failed and where.
  using Keep = std::function<Result<void>(const std::string& before)>;
  virtual Result<void> hold_battery(const Keep&) { return fail(ErrorKind::unsupported, "it cannot be told to hold"); }
  /// Puts it back as it was, by what `keep` was given; leaves alone what somebody else has changed since.
  virtual Result<void> release_battery(const std::string& /*before*/) { return {}; }
  /// A device that forgets is told again after this; 0 = it remembers.
  virtual Duration hold_repeat() const { return {}; }
  /// It is a switch that can be told to let power through or not.
  virtual bool can_switch() const { return false; }
  /// Tells it so; `switch_on` shows whether it obeyed. Errors: unsupported; what failed and where.
  virtual Result<void> switch_power(bool /*on*/) { return fail(ErrorKind::unsupported, "it is no switch"); }
  /// Ends a running call within 100 ms. From any thread.
  virtual void cancel() = 0;
};

}  // namespace sluice::ports
