#pragma once
/// Polls the devices of one connection, each at its interval, one after the other. A device that fails is simply not
/// refreshed: its last readings grow old, and whoever uses them sees their age.

#include <array>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "model/measurement.hpp"
#include "model/reading.hpp"
#include "ports/clock.hpp"
#include "ports/device.hpp"
#include "runtime/announcer.hpp"
#include "runtime/battery_hold.hpp"
#include "runtime/power_order.hpp"

namespace sluice::runtime {

enum class DeviceRole : std::uint8_t { grid, pv, battery, hybrid };

/// One device as its poller last saw it. Immutable once published.
struct DeviceReport {
  std::string name;
  std::vector<DeviceRole> roles;
  bool tried = false;   ///< it has answered or failed at least once
  bool known = false;   ///< it has answered at least once, so `offered` is true
  bool up = false;      ///< the last poll succeeded
  std::string trouble;  ///< why the last poll failed; empty while it is up
  ports::DeviceIdentity identity;
  std::shared_ptr<const ports::DevicePoll> last;  ///< the last answer as it came, for people; null before it
  std::array<Reading<double>, kMeasurementCount> values{};
  std::array<bool, kMeasurementCount> offered{};  ///< the template has it, whether or not it is available now

  bool has_role(DeviceRole role) const;
  const Reading<double>& operator[](Measurement what) const { return values[static_cast<std::size_t>(what)]; }
  /// Also true before the first poll, when nobody knows yet: what may come is waited for.
  bool may_offer(Measurement what) const { return !known || offered[static_cast<std::size_t>(what)]; }
};

struct PolledDevice {
  std::vector<DeviceRole> roles;
  Duration interval{std::chrono::seconds(1)};  ///< lengthened to what the device bears
  std::unique_ptr<ports::Device> device;
  std::optional<HoldPlan> hold = std::nullopt;  ///< its battery is told to hold, or is to be released
};

class DevicePoller {
 public:
  /// `on_grid` is called from the poller's thread after each fresh reading of a device that measures the grid. All
  /// references must outlive the poller.
  DevicePoller(std::vector<PolledDevice> devices, const ports::Clock& clock, Announcer& announcer,
               std::function<void()> on_grid);

  std::size_t size() const { return entries_.size(); }
  /// Never null. Thread-safe.
  std::shared_ptr<const DeviceReport> report(std::size_t index) const;

  /// What the last decision wants of the batteries behind these devices, as `BatteryHold::want`. Thread-safe.
  void want_hold(bool hold, const Reading<Watts>& battery);
  /// One of them would not be held if that were wanted. Thread-safe.
  bool hold_unavailable() const;
  /// None of them is held. Thread-safe.
  bool all_free() const;
  /// As `BatteryHold::leave`, for all of them. Thread-safe.
  bool leave_batteries(bool leaving);

  /// What the last decision wants of the switch `device`, as `PowerOrder::want`; nothing where it is another poller's.
  /// Thread-safe.
  void want_power(const std::string& device, SwitchOrder order);
  /// As `PowerOrder::leave_on`, for the switch `device`. Thread-safe.
  bool leave_on(const std::string& device, bool leaving);
  /// It says that it is on; nothing when it is not here. Thread-safe.
  std::optional<bool> is_on(const std::string& device) const;

  /// Tells batteries and switches what there is to tell, and polls the device that is most overdue, if any is due.
  /// Returns when the next one is.
  MonoTime run_once();
  /// `run_once` until `stop`.
  void run();
  /// Ends a running poll and makes `run` return. From any thread.
  void stop();

 private:
  struct Entry {
    PolledDevice what;
    MonoTime due{};
    Duration back_off{};
    std::shared_ptr<const DeviceReport> report;  ///< guarded by mutex_
    std::unique_ptr<BatteryHold> hold;           ///< null for most
    std::unique_ptr<PowerOrder> power;           ///< of a switch
  };
  PowerOrder* power_of(const std::string& device) const;
  void poll(Entry& entry);
  void come_now();
  void publish(Entry& entry, std::shared_ptr<const DeviceReport> report);

  const ports::Clock& clock_;
  Announcer& announcer_;
  std::function<void()> on_grid_;
  std::vector<Entry> entries_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;  ///< guarded by mutex_
  bool asked_ = false;     ///< a device is to be told something; guarded by mutex_
};

}  // namespace sluice::runtime
