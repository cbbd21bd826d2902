#pragma once
/// A small house second by second, for the tests of the ledger.

#include <algorithm>
#include <string>
#include <vector>

#include "ledger/accounts.hpp"

namespace sluice::ledger::testing {

using std::chrono::seconds;

inline constexpr std::int64_t kMidnightUnixS = 1'780'185'600;  // 2026-05-31T00:00:00Z
inline constexpr std::int64_t kDay = kMidnightUnixS / 86'400;

struct House {
  House() {
    site.miners.resize(1);
    site.miners[0].name = "s19";
    snapshot.now = MonoTime(seconds(1000));
    snapshot.wall_sane = true;
    set_wall(kMidnightUnixS);
    snapshot.miners.push_back({});
    decision.miners.push_back({});
    decision.estimate_valid = true;
    run(0, Watts(1200));
    snapshot.miners[0].envelope.kind = EnvelopeKind::range;
    snapshot.miners[0].envelope.min = Watts(900);
    snapshot.miners[0].envelope.max = Watts(3000);
    hashrate(Watts(1200) / Watts(20));  // 20 J/TH
    set_grid(Watts(0));
  }
  void set_wall(std::int64_t unix_s) {
    snapshot.wall = from_unix_ms(unix_s * 1000);
    snapshot.local_day = unix_s / 86'400;
  }
  void set_grid(Watts power) { grid = power; }
  void run(std::size_t miner, Watts power) {
    snapshot.miners[miner].state = MinerState::running;
    decision.miners[miner].expected_power = power;
  }
  void sleep(std::size_t miner, Watts power = Watts(0)) {
    snapshot.miners[miner].state = MinerState::asleep;
    decision.miners[miner].expected_power = power;
  }
  void hashrate(double value) { ths = value; }
  void price(double import, double export_, std::uint8_t period = 0) {
    auto outlook = std::make_shared<PriceOutlook>();
    PriceSlot slot;
    slot.begin = from_unix_ms(0);
    slot.end = from_unix_ms(4'000'000'000'000);
    slot.import_price = PricePerKwh(import);
    slot.export_price = PricePerKwh(export_);
    slot.period_id = period;
    outlook->slots.push_back(slot);
    snapshot.money.prices = outlook;
  }
  void hash_price(double per_ths_day) {
    snapshot.money.hash_price = Reading<PricePerThsDay>::good(PricePerThsDay(per_ths_day), snapshot.now);
  }
  /// Time goes on, and the readings are taken anew.
  void step(Duration dt = seconds(1)) {
    snapshot.now += dt;
    snapshot.wall += dt;
    if (snapshot.local_day != 0) snapshot.local_day = unix_ms(snapshot.wall) / 86'400'000;
    read();
  }
  void read() {
    snapshot.grid.power = Reading<Watts>::good(grid, snapshot.now);
    snapshot.miners[0].hashrate = Reading<TeraHashes>::good(TeraHashes(ths), snapshot.now);
  }
  std::vector<LedgerEntry> tell(Accounts& accounts) const { return accounts.add(site, snapshot, decision); }
  /// `count` seconds; everything that was closed on the way.
  std::vector<LedgerEntry> live(Accounts& accounts, int count) {
    std::vector<LedgerEntry> closed;
    for (int i = 0; i < count; ++i) {
      step();
      for (LedgerEntry& entry : tell(accounts)) closed.push_back(std::move(entry));
    }
    return closed;
  }

  Site site;
  Snapshot snapshot;
  Decision decision;
  Watts grid{};
  double ths = 0.0;
};

inline Amounts sum(const std::vector<LedgerEntry>& entries, bool of_site) {
  Amounts total;
  for (const LedgerEntry& entry : entries) {
    if (entry.subject.empty() == of_site) total += entry.amounts;
  }
  return total;
}
inline Amounts miners(const std::vector<LedgerEntry>& entries) { return sum(entries, false); }
inline Amounts site(const std::vector<LedgerEntry>& entries) { return sum(entries, true); }
inline std::int64_t sources(const Amounts& amounts) {
  std::int64_t total = 0;
  for (std::size_t i = 0; i < kEnergySources; ++i) total += amounts[static_cast<EnergySource>(i)];
  return total;
}
inline double num(std::int64_t value) { return static_cast<double>(value); }
inline std::int64_t uwh(double wh) { return std::llround(wh * 1e6); }

}  // namespace sluice::ledger::testing
