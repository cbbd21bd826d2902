#pragma once
/// What is kept free for other flexible loads: a wallbox, a boiler, evcc. They wait for minutes of export before they
/// begin, and a loop that follows by the second would eat what they wait for (docs/guide/other-loads.md).

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "model/site.hpp"
#include "model/snapshot.hpp"
#include "runtime/device_poller.hpp"

namespace sluice::runtime {

/// Remembers between ticks what each load last said. Used by one thread.
class Yielding {
 public:
  /// What to put into the snapshot, in the order of `loads`. `devices` holds the reports they are read from. `offered`:
  /// since the last call the surplus has covered everything that was reserved.
  StaticVector<YieldObservation, kMaxYields> look(std::span<const YieldSite> loads,
                                                  std::span<const std::shared_ptr<const DeviceReport>> devices,
                                                  bool offered, MonoTime now);

 private:
  struct Load {
    std::string device;
    YieldObservation seen;
    MonoTime heard_at{};  ///< when its last word was true; before the first: when it was asked for first
    Duration in_vain{};   ///< offered and not taken
  };
  Load& remembered(const YieldSite& site, MonoTime now);
  static void hear(Load& load, const YieldSite& site, const DeviceReport& report, bool offered, Duration passed,
                   MonoTime now);

  std::vector<Load> loads_;
  MonoTime last_{};
};

}  // namespace sluice::runtime
