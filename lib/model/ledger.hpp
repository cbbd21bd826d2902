#pragma once
/// What the ledger holds: whole numbers only, so that sums are exact and every machine writes the same bytes. Energy in
/// micro-watt-hours (`_uwh`), time in milliseconds, money in billionths of the site's currency (`_n`). What has no
/// price is counted apart, as energy, and is in no amount of money.

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

/// Where a mined watt-hour came from. Signs and the rule: ledger/attribution.hpp.
enum class EnergySource : std::uint8_t {
  curtailed,       ///< sun that would have been throttled
  export_avoided,  ///< sun that would have been sold
  battery,         ///< discharged, or not charged, because of mining
  grid,            ///< bought
  unknown,         ///< a reading was missing, or nobody looked: gap, restart
  count_
};
inline constexpr std::size_t kEnergySources = static_cast<std::size_t>(EnergySource::count_);
std::string_view to_string(EnergySource source);  ///< `curtailed`, …

/// The columns of an entry. Entries of a miner fill the first part, those of the site the second; the rest is 0. Names
/// are stored and hashed in this order: only append, with a new `kLedgerVersion`.
enum class Amount : std::uint8_t {
  // of a miner
  curtailed_uwh,  ///< in the order of `EnergySource`
  export_avoided_uwh,
  battery_uwh,
  grid_uwh,
  unknown_uwh,
  mined_uwh,          ///< all that it drew, the sum of the sources
  standby_uwh,        ///< part of it, drawn asleep
  awake_ms,           ///< hashing
  starts,             ///< seen awake after it was asleep
  work_gh,            ///< hashes, in billions
  import_cost_n,      ///< `grid_uwh` at the import price of its second
  lost_export_n,      ///< `export_avoided_uwh` at the export price of its second; negative: feeding in would have cost
  battery_value_n,    ///< `battery_uwh` at the import price of its second: what it may have to be replaced for
  revenue_n,          ///< estimated: hash price × hashrate
  revenue_msat,       ///< the same in thousandths of a satoshi
  heat_n,             ///< worth of the heat, where it has one
  grid_unpriced_uwh,  ///< parts of the above whose price nobody knew
  export_unpriced_uwh,  ///< …
  battery_unpriced_uwh,
  mined_unpriced_uwh,  ///< drawn awake while the hash price or the hashrate was unknown
  msat_unpriced_uwh,   ///< the same of `revenue_msat`
  // of the site
  covered_ms,  ///< time that was looked at
  gap_ms,      ///< time in which nobody looked
  bought_uwh,
  sold_uwh,  ///< as the grid meter's watts say
  bought_n,
  sold_n,
  bought_unpriced_uwh,
  sold_unpriced_uwh,
  counter_bought_uwh,  ///< what the meter's own counters moved while its watts were read …
  counter_sold_uwh,
  metered_bought_uwh,  ///< … and the integral of those watts over the same time
  metered_sold_uwh,
  gap_bought_uwh,  ///< what the counters moved while nothing was read
  gap_sold_uwh,
  counter_resets,      ///< times a counter went where no counter goes: it is taken anew from there
  always_uwh,          ///< what all miners had drawn at their maximum all the time …
  always_cost_n,       ///< … what of it had been bought, less …
  always_lost_n,       ///< … sold, in money …
  always_revenue_n,    ///< … and what it had earned
  always_unknown_uwh,  ///< part of `always_uwh` that something was unknown of: in no amount of money
  import_price_n_s,    ///< ∫ import price dt, n per kWh · s …
  import_priced_ms,    ///< … over this time
  hash_price_n_s,      ///< ∫ hash price dt, n per TH/s and day · s …
  hash_priced_ms,
  count_
};
inline constexpr std::size_t kAmounts = static_cast<std::size_t>(Amount::count_);
std::string_view to_string(Amount amount);  ///< `curtailed_uwh`, …

class Amounts {
 public:
  constexpr std::int64_t& operator[](Amount amount) { return values_[static_cast<std::size_t>(amount)]; }
  constexpr std::int64_t operator[](Amount amount) const { return values_[static_cast<std::size_t>(amount)]; }
  constexpr std::int64_t& operator[](EnergySource source) { return values_[static_cast<std::size_t>(source)]; }
  constexpr std::int64_t operator[](EnergySource source) const { return values_[static_cast<std::size_t>(source)]; }
  Amounts& operator+=(const Amounts& other);
  bool operator==(const Amounts&) const = default;

 private:
  std::array<std::int64_t, kAmounts> values_{};
};

inline constexpr std::int64_t kLedgerVersion = 1;
inline constexpr std::int64_t kNoPeriod = -1;
inline constexpr std::int64_t kQuarterSeconds = 900;

/// One quarter of an hour, or a part of it, of one miner or of the site.
struct LedgerEntry {
  std::int64_t sequence = 0;        ///< 1, 2, 3, … without holes
  std::int64_t quarter = 0;         ///< unix seconds / 900 (UTC); 0: the date was not known
  std::int64_t local_day = 0;       ///< days since 1970-01-01 in the site's time zone; 0: not known
  std::int64_t period = kNoPeriod;  ///< of the tariff (`PriceSlot::period_id`); `kNoPeriod`: no price
  std::string subject;              ///< name of the miner; empty: the site
  Amounts amounts;
  bool operator==(const LedgerEntry&) const = default;
};

/// The newest entry of a chain, kept apart from it: a chain that was cut short does not know.
struct LedgerHead {
  std::int64_t sequence = 0;  ///< 0: nothing was ever written
  std::string hash;           ///< 64 hexadecimal digits
  bool operator==(const LedgerHead&) const = default;
};

/// The interval that is not over yet, as it is kept for the case that the process is killed.
struct OpenInterval {
  std::int64_t after = 0;              ///< sequence of the newest entry of the ledger then
  std::int64_t at_unix_ms = 0;         ///< when it was looked at; 0: the date was not known
  std::vector<LedgerEntry> waiting;    ///< over, and not in the ledger yet: the disk did not take them
  std::vector<LedgerEntry> entries;    ///< of the open interval, the site's last; without sequence
  std::map<std::string, double> draw;  ///< watts that each miner drew then
  std::optional<std::int64_t> bought_anchor_uwh, sold_anchor_uwh;  ///< where the meter's counters stood then
  bool operator==(const OpenInterval&) const = default;
};

}  // namespace sluice
