#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "base/time.hpp"
#include "model/decision.hpp"
#include "model/memory.hpp"
#include "model/snapshot.hpp"

namespace sluice::ports {

enum class EventLevel : std::uint8_t { info, warning, alarm };

/// Something that happened once and is worth keeping: an alarm raised or cleared, a start, a stop, a lost device.
struct Event {
  WallTime wall{};
  EventLevel level = EventLevel::info;
  std::string code;      ///< stable: `grid_meter_lost`, `miner_started`, …
  std::string subject;   ///< device or miner name; empty for the site
  std::string text;      ///< one sentence
  bool cleared = false;  ///< ends the condition of the same code and subject
};

/// History. Calls queue and return at once; when the disk cannot follow, history is dropped and said so, control goes
/// on.
class Recorder {
 public:
  virtual ~Recorder() = default;
  virtual void record(std::shared_ptr<const Snapshot> snapshot, std::shared_ptr<const Decision> decision) = 0;
  virtual void record(Event event) = 0;
  /// Empty while history is written; otherwise why it is not: "read-only file system".
  virtual std::string degraded() const = 0;
};

/// The small state apart from history. `save` is durable when it returns.
class StateStore {
 public:
  virtual ~StateStore() = default;
  virtual Result<PersistentState> load() = 0;
  virtual Result<void> save(const PersistentState& state) = 0;
};

/// Tells the owner: a program or a web hook. Queues and returns at once.
class Notifier {
 public:
  virtual ~Notifier() = default;
  virtual void notify(const Event& event) = 0;
};

}  // namespace sluice::ports
