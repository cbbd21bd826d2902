#include "store/history_writer.hpp"

#include <algorithm>
#include <utility>

namespace sluice::store {
namespace {

constexpr Duration kFirstRetry = std::chrono::minutes(1);
constexpr Duration kLongestRetry = std::chrono::minutes(10);
constexpr std::int64_t kBlockMs = std::chrono::duration_cast<std::chrono::milliseconds>(kBlockSpan).count();

std::size_t records_in(const SampleBlock& block) { return block.samples.times_s.size(); }
std::size_t records_in(const DecisionChange&) { return 1; }
std::size_t records_in(const StoredEvent&) { return 1; }

/// Leaves the newest `keep`; returns how many records went.
template <class T>
std::size_t drop_oldest(std::vector<T>& items, std::size_t keep) {
  if (items.size() <= keep) return 0;
  const auto kept = items.end() - static_cast<std::ptrdiff_t>(keep);
  std::size_t lost = 0;
  for (auto item = items.begin(); item != kept; ++item) lost += records_in(*item);
  items.erase(items.begin(), kept);
  return lost;
}

}  // namespace

HistoryWriter::HistoryWriter(std::string path, HistoryLimits limits, const ports::Clock& clock, Log& log)
    : path_(std::move(path)), limits_(limits), clock_(clock), log_(log) {}

bool HistoryWriter::belongs_to_open_block(const Sample& sample) const {
  const SampleBlock& block = *open_block_;
  return sample.unix_ms / kBlockMs == block.start_unix_ms / kBlockMs &&
         sample.unix_ms / 1000 >= block.samples.times_s.back() && sample.clock_sane == block.clock_sane &&
         sample.at - open_since_ < kBlockSpan && *sample.miners == *block.miners;
}

void HistoryWriter::accept(const Sample& sample) {
  energy_.add(sample);
  if (open_block_ && !belongs_to_open_block(sample)) close_block();
  if (!open_block_) {
    open_block_ = SampleBlock{sample.unix_ms, sample.clock_sane, sample.miners, {}};
    open_since_ = sample.at;
    open_block_->samples.columns.resize(sample.values.size());
    for (std::uint32_t key = 0; key < sample.values.size(); ++key) open_block_->samples.columns[key].key = key;
  }
  Block& samples = open_block_->samples;
  const std::int64_t second = sample.unix_ms / 1000;
  // Two ticks within one second: the later one is the truth of that second.
  const bool replace = !samples.times_s.empty() && samples.times_s.back() == second;
  if (!replace) samples.times_s.push_back(second);
  for (std::size_t i = 0; i < sample.values.size(); ++i) {
    std::vector<std::int32_t>& values = samples.columns[i].values;
    if (replace) values.pop_back();
    values.push_back(sample.values[i]);
  }
}

void HistoryWriter::accept(DecisionChange change) { batch_.decisions.push_back(std::move(change)); }

void HistoryWriter::accept(StoredEvent event) { batch_.events.push_back(std::move(event)); }

void HistoryWriter::close_block() {
  batch_.blocks.push_back(std::move(*open_block_));
  open_block_.reset();
  for (const auto& [key, amount] : energy_.take()) {
    EnergyAmount& waiting = batch_.energy[key];
    waiting.energy_wh += amount.energy_wh;
    waiting.covered_s += amount.covered_s;
  }
}

void HistoryWriter::write_due() {
  drop_what_is_too_much();
  const bool due = !file_ || !batch_.blocks.empty() || !batch_.events.empty();
  if (!refused_ && due && clock_.now() >= retry_at_) attempt();
}

void HistoryWriter::finish() {
  if (open_block_) close_block();
  if (!refused_ && !batch_.empty()) attempt();
  if (!batch_.empty() && !refused_) log_.warning("store", "the last minutes of history are lost: {}", degraded_);
  file_.reset();
}

void HistoryWriter::drop_what_is_too_much() {
  if (refused_) batch_ = {};
  lost_ += drop_oldest(batch_.blocks, limits_.blocks_waiting);
  lost_ += drop_oldest(batch_.decisions, limits_.decisions_waiting);
  lost_ += drop_oldest(batch_.events, limits_.events_waiting);
}

void HistoryWriter::attempt() {
  auto written = write_batch();
  if (!written && written.error().kind == ErrorKind::protocol) {
    written = begin_anew(written.error().text).and_then([this] { return write_batch(); });
  }
  if (written) {
    succeeded();
  } else {
    failed(written.error());
  }
}

Result<void> HistoryWriter::begin_anew(const std::string& damage) {
  file_.reset();
  return set_aside(path_, damage, clock_.wall_now(), log_);
}

Result<void> HistoryWriter::write_batch() {
  if (!file_) {
    auto opened = HistoryFile::open(path_, clock_.wall_now(), log_);
    if (!opened) return tl::unexpected(opened.error());
    file_ = std::move(*opened);
  }
  if (batch_.empty()) return {};
  if (auto written = file_->write(batch_); !written) return written;
  const bool grown = !batch_.blocks.empty();
  batch_ = {};
  return grown ? file_->trim(limits_.max_bytes) : Result<void>{};
}

void HistoryWriter::succeeded() {
  retry_at_ = MonoTime::min();
  retry_after_ = Duration::zero();
  if (!degraded_.empty()) log_.info("store", "history is written again");
  degraded_.clear();
  if (lost_ == lost_said_) return;
  log_.warning("store", "{} records of history were lost while the disk could not follow", lost_ - lost_said_);
  lost_said_ = lost_;
}

void HistoryWriter::failed(const Error& error) {
  file_.reset();
  refused_ = error.kind == ErrorKind::unsupported;
  retry_after_ = std::clamp(2 * retry_after_, kFirstRetry, kLongestRetry);
  retry_at_ = clock_.now() + retry_after_;
  const std::string why = error.text.starts_with(path_) ? error.text : path_ + ": " + error.text;
  if (degraded_.empty()) log_.warning("store", "history is not written, control goes on: {}", why);
  degraded_ = why;
}

}  // namespace sluice::store
