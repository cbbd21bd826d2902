#pragma once
/// What the entries of a stretch of time say together.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/ledger.hpp"

namespace sluice::ledger {

/// Sums over entries, miners and site apart.
struct Totals {
  Amounts site;
  Amounts miners;
  std::map<std::string, Amounts> by_miner;

  void add(const LedgerEntry& entry);
};

/// What mining brought, beside the same house without it and with miners that never rest. In the site's currency.
struct Balance {
  double revenue = 0.0, heat = 0.0;
  double import_cost = 0.0, lost_export = 0.0;
  double battery_value = 0.0;  ///< energy of the battery at the import price of its second; not part of `net`
  double net = 0.0;            ///< revenue + heat − import cost − lost export: against never mining
  /// Of what earned or cost something that nobody knew.
  double unpriced_kwh = 0.0;
  std::optional<double> sats;  ///< absent: never known
  /// Miners at their maximum all the time: how much better than never; absent when nothing of it was known.
  std::optional<double> always_net;
  double always_kwh = 0.0, always_unknown_kwh = 0.0;
  /// What the electricity cost, and had cost without mining; absent when nothing of it had a price.
  std::optional<double> bill, bill_without;
  double bill_unpriced_kwh = 0.0;
};
Balance balance_of(const Totals& totals);

/// The ledger's integral of the meter's watts against the meter's own counters, over the time in which both were read.
struct Reconciliation {
  double counter_wh = 0.0;      ///< bought and sold, by the counters
  double unexplained_wh = 0.0;  ///< by how much bought less sold differs, whichever way
  /// What one of the two counted as bought and as sold as well, the other as neither. A meter that stands around zero
  /// does this, by its noise and within its seconds: a battery inverter holds it there all day.
  double around_zero_wh = 0.0;
  double gap_wh = 0.0;  ///< moved by the counters while nobody looked
  std::int64_t resets = 0;
  /// `unexplained_wh` of `counter_wh`; absent without counters, or while they have not moved.
  std::optional<double> pct;
};
Reconciliation reconcile(const Amounts& site);

/// From here on the meter and the ledger tell different stories …
inline constexpr double kReconciliationAlarmPct = 3.0;
/// … unless it is so little that a coarse counter explains it.
inline constexpr double kReconciliationAlarmWh = 150.0;
/// For either of the two differences.
bool alarming(const Reconciliation& reconciliation);

/// A stretch of time that is reported as one: a day, a month, a year.
enum class Bucket : std::uint8_t { day, month, year };
struct CivilDate {
  int year = 1970, month = 1, day = 1;
  bool operator==(const CivilDate&) const = default;
};
CivilDate civil(std::int64_t local_day);
std::int64_t local_day_of(CivilDate date);
/// "2026-05-31", "2026-05", "2026"; of day 0 "undated".
std::string bucket_name(std::int64_t local_day, Bucket bucket);
/// By name, so in the order of time.
std::map<std::string, Totals> totals_by(const std::vector<LedgerEntry>& entries, Bucket bucket);

/// What a kWh in the miners earned in two months, and the tariff periods for which that made a difference.
struct Flip {
  std::int64_t period = 0;
  double import_price = 0.0;  ///< mean of the later month
  bool worth_it_now = false;  ///< in the later month mining earned more than that
};
struct BreakEvenMove {
  std::string before, after;          ///< months
  double earlier = 0.0, later = 0.0;  ///< break-even per kWh
  double earlier_hash_price = 0.0, later_hash_price = 0.0;
  std::vector<Flip> flips;
};
/// Compares the newest two months in which hash price, hashrate and energy are known. The efficiency is that of both
/// months together, so that only the price moves the break-even.
std::optional<BreakEvenMove> break_even_move(const std::vector<LedgerEntry>& entries);

}  // namespace sluice::ledger
