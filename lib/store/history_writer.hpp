#pragma once
/// Turns samples into batches and batches into commits, rarely enough for an SD card, and carries on when the disk does
/// not. No thread of its own: `history.hpp` gives it one.

#include <cstdint>
#include <optional>
#include <string>

#include "ports/clock.hpp"
#include "store/history_file.hpp"

namespace sluice::store {

/// Samples are written in blocks that end with the quarters of the hour: a power cut costs at most one.
inline constexpr Duration kBlockSpan = std::chrono::minutes(15);

struct HistoryLimits {
  std::uint64_t max_bytes = 2ULL << 30;    ///< of data kept, see `HistoryFile::trim`
  std::size_t blocks_waiting = 8;          ///< kept in memory while the disk fails: two hours
  std::size_t decisions_waiting = 20'000;  ///< the oldest are dropped, and counted
  std::size_t events_waiting = 1'000;
};

/// One thread at a time.
class HistoryWriter {
 public:
  /// `clock` and `log` must outlive the writer.
  HistoryWriter(std::string path, HistoryLimits limits, const ports::Clock& clock, Log& log);

  void accept(const Sample& sample);
  void accept(DecisionChange change);
  void accept(StoredEvent event);
  /// Counts records that were lost before they came here.
  void count_lost(std::uint64_t records) { lost_ += records; }

  /// Writes what is due: events at once, closed blocks with everything that gathered beside them. After a failure it
  /// tries again a minute later, then after 2, 4, 8 and each 10 minutes.
  void write_due();
  /// Closes the open block and writes everything, with one attempt.
  void finish();

  /// Empty while history is written; otherwise why it is not.
  const std::string& degraded() const { return degraded_; }
  /// Records dropped because the disk could not follow.
  std::uint64_t lost() const { return lost_; }

 private:
  bool belongs_to_open_block(const Sample& sample) const;
  void close_block();
  void drop_what_is_too_much();
  void attempt();
  Result<void> write_batch();
  Result<void> begin_anew(const std::string& damage);
  void succeeded();
  void failed(const Error& error);

  std::string path_;
  HistoryLimits limits_;
  const ports::Clock& clock_;
  Log& log_;

  std::optional<SampleBlock> open_block_;
  MonoTime open_since_{};
  EnergyIntegrator energy_;
  HistoryBatch batch_;

  std::optional<HistoryFile> file_;
  bool refused_ = false;  ///< the file is of a newer version: not ours to touch
  std::string degraded_;
  MonoTime retry_at_{};
  Duration retry_after_{};
  std::uint64_t lost_ = 0;
  std::uint64_t lost_said_ = 0;
};

}  // namespace sluice::store
