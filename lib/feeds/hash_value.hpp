#pragma once
/// What sources say of the bitcoin network, understood and judged; `tariff/worth.hpp` makes a value of it. Pure.
/// Difficulty is asked for and not an estimate of the network's hash rate: pools pay by it, and the estimate is noisy
/// by several percent.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace sluice::feeds {

inline constexpr double kSatABitcoin = 1e8;
inline constexpr int kBlocksADay = 144;

/// Satoshi that a block at this height pays beside its fees; halves every 210 000 blocks.
std::int64_t subsidy_sat(std::int64_t height);

/// What one source says at one time. Of a source that tells money only, `sat_per_ths_day` is missing.
struct HashQuote {
  std::string source;
  WallTime at{};
  std::optional<double> sat_per_ths_day;
  std::optional<double> money_per_ths_day;  ///< in the site's currency
  std::optional<double> bitcoin_price;      ///< in the site's currency
  std::int64_t height = 0;                  ///< of the newest block; 0: not told
  bool operator==(const HashQuote&) const = default;
};

/// Whether `now` may follow `last`: within a day no more than 30 % away from it, unless the difficulty was set anew or
/// the subsidy was halved in between. The price of a bitcoin likewise, without exception. Errors, protocol: by how
/// much.
Result<void> believable(const HashQuote& now, const HashQuote& last);

// ---- mempool, a REST service that many run themselves ---------------------------------------------------------------

/// From `/api/v1/mining/hashrate/3d`. Zero means that its node is away: an error.
Result<double> mempool_difficulty(std::string_view body);
struct MempoolRewards {
  double mean_sat = 0.0;
  std::int64_t height = 0;
};
/// From `/api/v1/mining/reward-stats/144`, whose totals are texts.
Result<MempoolRewards> mempool_rewards(std::string_view body);
/// From `/api/v1/prices`; −1 there means that it does not know.
Result<double> mempool_price(std::string_view body, const std::string& currency);

// ---- a node of one's own, over JSON-RPC -----------------------------------------------------------------------------

struct NodeState {
  std::int64_t height = 0;
  double difficulty = 0.0;
};
std::string node_state_request();
/// Errors: rejected while it still catches up or is on a test chain, or the node's own words.
Result<NodeState> node_state(std::string_view body);

struct BlockPay {
  std::int64_t subsidy_sat = 0, fees_sat = 0, unix_s = 0;
};
/// One batch that asks for what the blocks at these heights paid.
std::string block_pay_request(const std::vector<std::int64_t>& heights);
Result<std::map<std::int64_t, BlockPay>> block_pay(std::string_view body);
/// Mean of what the blocks paid; a fee above what 99 % of them brought counts as that, because one mistaken
/// transaction must not make a day golden.
double mean_reward_sat(const std::map<std::int64_t, BlockPay>& blocks);

// ---- anything else --------------------------------------------------------------------------------------------------

/// `USD/TH/day`, `EUR/PH/day`, `sat/TH/day`, `BTC/PH/day`: taken apart. Nothing for another text.
struct HashUnit {
  std::string currency;  ///< three letters, or `sat`
  double factor = 1.0;   ///< makes of a number what 1 TH/s and day brings
};
std::optional<HashUnit> parse_hash_unit(std::string_view text);
/// The number at a JSON pointer, positive. Errors, protocol.
Result<double> number_at(std::string_view body, const std::string& pointer);

}  // namespace sluice::feeds
