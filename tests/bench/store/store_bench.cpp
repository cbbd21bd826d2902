/// One simulated day at one sample a second (grid, PV and battery with noise, three miners that follow the sun) through
/// the real writer; prints what reaches the disk. Exit code 1 when more than --limit-bytes were written.

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>

#include "store/history_writer.hpp"

namespace sluice::store {
namespace {

constexpr std::int64_t kMidnightUnixMs = 1'782'000'000'000;
constexpr int kSecondsOfADay = 86'400;
constexpr std::size_t kMiners = 3;
constexpr std::uint64_t kSeed = 7;

class DayClock final : public ports::Clock {
 public:
  MonoTime now() const override { return MonoTime(elapsed_); }
  WallTime wall_now() const override { return from_unix_ms(kMidnightUnixMs) + elapsed_; }
  bool wall_sane() const override { return true; }
  void wait_until(std::unique_lock<std::mutex>&, std::condition_variable&, MonoTime) const override {}
  void advance(Duration by) { elapsed_ += by; }

 private:
  Duration elapsed_{};
};

/// Sun with clouds, a household, and miners that hold a target and change it every few seconds while the sun moves.
class Day {
 public:
  Snapshot snapshot(const DayClock& clock, int second) {
    const double phase = std::sin(M_PI * (second - 21'600) / 43'200.0);
    if (second % 20 == 0) cloud_ = std::clamp(cloud_ + 0.1 * gauss_(random_), 0.2, 1.0);
    const double pv = phase > 0 ? std::max(0.0, 8000 * phase * cloud_ + 6 * gauss_(random_)) : 0.0;
    if (second % 300 == 0) load_ = std::clamp(load_ + 120 * gauss_(random_), 150.0, 2500.0);
    const double house = load_ + 4 * gauss_(random_);
    surplus_ = pv - house;
    const double battery = std::clamp(-0.2 * surplus_, -1500.0, 1500.0) + 3 * gauss_(random_);
    soc_ = std::clamp(soc_ - battery / 3600.0 / 100.0, 5.0, 100.0);
    const double mining = follow(second);
    Snapshot s;
    s.now = clock.now();
    s.wall = clock.wall_now();
    s.wall_sane = true;
    s.local_day = unix_ms(s.wall) / 86'400'000;
    s.grid.power = Reading<Watts>::good(Watts(house + mining - pv - battery + 5 * gauss_(random_)), s.now);
    s.pv.power = Reading<Watts>::good(Watts(pv), s.now);
    s.battery.power = Reading<Watts>::good(Watts(battery), s.now);
    s.battery.soc = Reading<Percent>::good(Percent(soc_), s.now);
    for (std::size_t i = 0; i < kMiners; ++i) {
      s.miners.push_back({});
      // Polled each five seconds with one percent of noise.
      if (second % 5 == 0) reported_[i] = target_[i] * (1 + 0.01 * gauss_(random_));
      s.miners.back().reported_power = Reading<Watts>::good(Watts(reported_[i]), s.now);
    }
    return s;
  }

  Decision decision(const Snapshot& snapshot) const {
    Decision d;
    d.now = snapshot.now;
    d.wall = snapshot.wall;
    d.estimate_valid = true;
    d.house_load = Watts(load_);
    d.surplus = Watts(surplus_);
    for (std::size_t i = 0; i < kMiners; ++i) {
      d.miners.push_back({});
      MinerDecision& miner = d.miners.back();
      miner.wanted = target_[i] > 0 ? CommandKind::target : CommandKind::sleep;
      miner.target = Watts(target_[i]);
      miner.sequence = sequence_[i];
      miner.reason = target_[i] > 0 ? Reason::following_surplus : Reason::waiting_for_surplus;
      miner.expected_power = Watts(drawn_[i]);
    }
    return d;
  }

 private:
  double follow(int second) {
    double rest = 0.8 * surplus_;
    double mining = 0;
    for (std::size_t i = 0; i < kMiners; ++i) {
      const double wanted = rest >= 900 ? std::min(rest, 3250.0) : 0.0;
      // The first trims every ten seconds, the others hold for five minutes.
      if (second % (i == 0 ? 10 : 300) == 0 && std::fabs(wanted - target_[i]) > 25) {
        target_[i] = wanted;
        ++sequence_[i];
      }
      drawn_[i] += std::clamp(target_[i] - drawn_[i], -300.0, 60.0);
      rest -= drawn_[i];
      mining += drawn_[i];
    }
    return mining;
  }

  std::mt19937_64 random_{kSeed};
  std::normal_distribution<double> gauss_;
  double cloud_ = 0.9, load_ = 400, soc_ = 50, surplus_ = 0;
  double target_[kMiners] = {}, drawn_[kMiners] = {}, reported_[kMiners] = {};
  std::uint64_t sequence_[kMiners] = {};
};

/// Bytes this process caused to be sent to the storage layer, as the kernel counts them; 0 on a memory file system.
std::uint64_t kernel_write_bytes() {
  std::ifstream io("/proc/self/io");
  for (std::string key; io >> key;) {
    std::uint64_t value = 0;
    io >> value;
    if (key == "write_bytes:") return value;
  }
  return 0;
}

/// Bytes handed to write(2): what every layer below gets at least.
std::uint64_t written_bytes() {
  std::ifstream io("/proc/self/io");
  for (std::string key; io >> key;) {
    std::uint64_t value = 0;
    io >> value;
    if (key == "wchar:") return value;
  }
  return 0;
}

/// A real day gives the kernel time to write back between commits; without this it would merge neighbouring commits.
void write_back(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  ::fdatasync(file);
  ::close(file);
}

int run(const std::string& folder, std::uint64_t limit_bytes) {
  const std::string path = folder + "/history.db";
  DayClock clock;
  NullLog log;
  Day day;
  DecisionDiff diff;
  const auto miners = std::make_shared<const MinerNames>(MinerNames{"s19", "s19k", "s21"});
  const std::uint64_t kernel_before = kernel_write_bytes();
  const std::uint64_t written_before = written_bytes();
  std::size_t changes = 0;
  const auto began = std::chrono::steady_clock::now();
  {
    HistoryWriter writer(path, {}, clock, log);
    for (int second = 0; second < kSecondsOfADay; ++second) {
      const Snapshot snapshot = day.snapshot(clock, second);
      const Decision decision = day.decision(snapshot);
      for (DecisionChange& change : diff.changes(decision, *miners)) {
        writer.accept(std::move(change));
        ++changes;
      }
      writer.accept(make_sample(snapshot, decision, miners));
      if (second % 20 == 0) writer.write_due();
      if (second % 300 == 0) {
        write_back(path);
        write_back(path + "-wal");
      }
      clock.advance(std::chrono::seconds(1));
    }
    writer.finish();
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  const std::uint64_t written = written_bytes() - written_before;
  const std::uint64_t kernel = kernel_write_bytes() - kernel_before;
  std::printf("one day, 1 s, %zu miners, %zu decision changes, seed %llu\n", kMiners, changes,
              static_cast<unsigned long long>(kSeed));
  std::printf("written to files   %9llu bytes/day (log and checkpoints)\n", static_cast<unsigned long long>(written));
  std::printf("kernel write_bytes %9llu bytes/day (whole pages; without the file system's own journal)\n",
              static_cast<unsigned long long>(kernel));
  std::printf("stored             %9llu bytes/day\n",
              static_cast<unsigned long long>(std::filesystem::file_size(path)));
  std::printf("time               %9.2f s for the day\n", took.count());
  return std::max(written, kernel) > limit_bytes ? 1 : 0;
}

}  // namespace
}  // namespace sluice::store

int main(int argc, char** argv) {
  const bool limited = argc == 3 && std::strcmp(argv[1], "--limit-bytes") == 0;
  const std::uint64_t limit = limited ? std::strtoull(argv[2], nullptr, 10) : 20'000'000;
  std::string folder = (std::filesystem::temp_directory_path() / "sluice-bench-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) return 2;
  const int result = sluice::store::run(folder, limit);
  std::filesystem::remove_all(folder);
  return result;
}
