#include "feeds/hash_value.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "feeds/documents.hpp"

namespace sluice::feeds {
namespace {

using nlohmann::json;

constexpr std::int64_t kHalving = 210000, kRetarget = 2016;
constexpr double kLargestStep = 0.3;
constexpr double kTailShare = 0.99;

std::string shortened(std::string_view text) {
  constexpr std::size_t kMost = 60;
  std::string out(text.substr(0, kMost));
  for (char& c : out) c = static_cast<unsigned char>(c) < ' ' || static_cast<unsigned char>(c) > '~' ? ' ' : c;
  return text.size() > kMost ? out + "…" : out;
}

/// A number or one in quotes, finite.
std::optional<double> number_of(const json& document, const std::string& pointer) {
  try {
    const json::json_pointer where(pointer);
    if (!document.contains(where)) return std::nullopt;
    const json& found = document.at(where);
    if (found.is_string()) return decimal(found.get_ref<const std::string&>());
    if (found.is_number() && std::isfinite(found.get<double>())) return found.get<double>();
  } catch (const json::exception&) {  // an index beyond any array, or no pointer
  }
  return std::nullopt;
}

Result<json> parsed(std::string_view body) {
  json document = json::parse(body, nullptr, false);
  if (document.is_discarded()) return fail(ErrorKind::protocol, "not JSON, or cut off: {}", shortened(body));
  return document;
}

Result<double> positive(const json& document, const std::string& pointer) {
  const auto value = number_of(document, pointer);
  if (!value) return fail(ErrorKind::protocol, "no number at {}", pointer.empty() ? "the top" : pointer);
  if (*value <= 0.0) return fail(ErrorKind::protocol, "{} is {:g}, which is not possible", pointer, *value);
  return *value;
}

tl::unexpected<Error> refused(const json& error) {
  const json message = error.is_object() ? error.value("message", json(error.dump())) : error;
  return fail(ErrorKind::rejected, "the node says: {}",
              shortened(message.is_string() ? message.get<std::string>() : message.dump()));
}

double step(double now, double last) { return std::fabs(now / last - 1.0); }

}  // namespace

std::int64_t subsidy_sat(std::int64_t height) {
  constexpr std::int64_t kFirst = 5'000'000'000;
  const std::int64_t halvings = height / kHalving;
  return halvings < 63 ? kFirst >> halvings : 0;
}

Result<void> believable(const HashQuote& now, const HashQuote& last) {
  constexpr Duration kDay = std::chrono::hours(24);
  if (now.at - last.at > kDay || now.at < last.at) return {};
  const bool told = now.height > 0 && last.height > 0;
  const bool reset =
      told && (now.height / kRetarget != last.height / kRetarget || now.height / kHalving != last.height / kHalving);
  const auto jumped = [&](const std::optional<double>& a, const std::optional<double>& b) {
    return a && b && *b > 0.0 && step(*a, *b) > kLargestStep;
  };
  if (jumped(now.sat_per_ths_day, last.sat_per_ths_day) && !reset)
    return fail(ErrorKind::protocol, "{:.2f} sat a TH and day after {:.2f}: not believed for a day",
                *now.sat_per_ths_day, *last.sat_per_ths_day);
  if (jumped(now.bitcoin_price, last.bitcoin_price))
    return fail(ErrorKind::protocol, "{:.0f} a bitcoin after {:.0f}: not believed for a day", *now.bitcoin_price,
                *last.bitcoin_price);
  const bool money_only = !now.sat_per_ths_day || !last.sat_per_ths_day;
  if (money_only && jumped(now.money_per_ths_day, last.money_per_ths_day))
    return fail(ErrorKind::protocol, "{:.4f} a TH and day after {:.4f}: not believed for a day", *now.money_per_ths_day,
                *last.money_per_ths_day);
  return {};
}

Result<double> mempool_difficulty(std::string_view body) {
  const auto document = parsed(body);
  return document ? positive(*document, "/currentDifficulty") : tl::unexpected(document.error());
}

Result<MempoolRewards> mempool_rewards(std::string_view body) {
  const auto document = parsed(body);
  if (!document) return tl::unexpected(document.error());
  const auto first = positive(*document, "/startBlock");
  const auto last = positive(*document, "/endBlock");
  const auto total = positive(*document, "/totalReward");
  for (const auto* part : {&first, &last, &total})
    if (!*part) return tl::unexpected(part->error());
  const double blocks = *last - *first + 1.0;
  if (blocks < 1.0 || blocks > 2.0 * kBlocksADay)
    return fail(ErrorKind::protocol, "rewards of {:g} blocks where {} were asked for", blocks, kBlocksADay);
  MempoolRewards rewards{*total / blocks, static_cast<std::int64_t>(*last)};
  // What a block pays is not less than its subsidy; less means another unit.
  if (rewards.mean_sat < static_cast<double>(subsidy_sat(rewards.height)) * 0.5)
    return fail(ErrorKind::protocol, "a block pays {:.0f} sat, less than its subsidy", rewards.mean_sat);
  return rewards;
}

Result<double> mempool_price(std::string_view body, const std::string& currency) {
  const auto document = parsed(body);
  if (!document) return tl::unexpected(document.error());
  const auto price = number_of(*document, "/" + currency);
  if (!price) return fail(ErrorKind::unsupported, "it tells no price of a bitcoin in {}", currency);
  if (*price <= 0.0) return fail(ErrorKind::protocol, "it does not know the price of a bitcoin in {}", currency);
  return *price;
}

std::string node_state_request() {
  return json{{"jsonrpc", "1.0"}, {"id", "state"}, {"method", "getblockchaininfo"}, {"params", json::array()}}.dump();
}

Result<NodeState> node_state(std::string_view body) {
  const auto document = parsed(body);
  if (!document) return tl::unexpected(document.error());
  if (!document->is_object()) return fail(ErrorKind::protocol, "not a reply to a call");
  if (const json error = document->value("error", json()); !error.is_null()) return refused(error);
  const json result = document->value("result", json::object());
  if (!result.is_object()) return fail(ErrorKind::protocol, "a reply without a result");
  if (const auto chain = result.value("chain", json()); chain != "main")
    return fail(ErrorKind::rejected, "the node is on chain {}, not on main", chain.dump());
  if (result.value("initialblockdownload", json(true)) != false)
    return fail(ErrorKind::rejected, "the node still catches up with the chain");
  const auto height = positive(result, "/blocks");
  const auto difficulty = positive(result, "/difficulty");
  if (!height) return tl::unexpected(height.error());
  if (!difficulty) return tl::unexpected(difficulty.error());
  return NodeState{static_cast<std::int64_t>(*height), *difficulty};
}

std::string block_pay_request(const std::vector<std::int64_t>& heights) {
  json calls = json::array();
  for (const std::int64_t height : heights) {
    calls.push_back({{"jsonrpc", "1.0"},
                     {"id", height},
                     {"method", "getblockstats"},
                     {"params", {height, {"subsidy", "totalfee", "time", "height"}}}});
  }
  return calls.dump();
}

Result<std::map<std::int64_t, BlockPay>> block_pay(std::string_view body) {
  const auto document = parsed(body);
  if (!document) return tl::unexpected(document.error());
  if (document->is_object() && document->contains("error")) return refused(document->at("error"));
  if (!document->is_array()) return fail(ErrorKind::protocol, "no list of replies");
  std::map<std::int64_t, BlockPay> blocks;
  for (const json& reply : *document) {
    if (!reply.is_object()) return fail(ErrorKind::protocol, "not a reply to a call");
    if (const json error = reply.value("error", json()); !error.is_null()) return refused(error);
    const auto height = number_of(reply, "/result/height"), subsidy = number_of(reply, "/result/subsidy"),
               fees = number_of(reply, "/result/totalfee"), time = number_of(reply, "/result/time");
    if (!height || !subsidy || !fees || !time || *subsidy < 0.0 || *fees < 0.0)
      return fail(ErrorKind::protocol, "a block without subsidy, totalfee, time and height");
    blocks[static_cast<std::int64_t>(*height)] = {static_cast<std::int64_t>(*subsidy), static_cast<std::int64_t>(*fees),
                                                  static_cast<std::int64_t>(*time)};
  }
  return blocks;
}

double mean_reward_sat(const std::map<std::int64_t, BlockPay>& blocks) {
  if (blocks.empty()) return 0.0;
  std::vector<std::int64_t> fees;
  for (const auto& [height, pay] : blocks) fees.push_back(pay.fees_sat);
  std::ranges::sort(fees);
  const std::int64_t most = fees[static_cast<std::size_t>(kTailShare * static_cast<double>(fees.size() - 1))];
  double sum = 0.0;
  for (const auto& [height, pay] : blocks)
    sum += static_cast<double>(pay.subsidy_sat) + static_cast<double>(std::min(pay.fees_sat, most));
  return sum / static_cast<double>(blocks.size());
}

std::optional<HashUnit> parse_hash_unit(std::string_view text) {
  constexpr std::string_view kTera = "/TH/day", kPeta = "/PH/day";
  constexpr double kTeraAPeta = 1000.0;
  const bool peta = text.ends_with(kPeta);
  if (!peta && !text.ends_with(kTera)) return std::nullopt;
  HashUnit unit{std::string(text.substr(0, text.size() - kTera.size())), peta ? 1.0 / kTeraAPeta : 1.0};
  if (unit.currency == "BTC") {
    unit.factor *= kSatABitcoin;
    unit.currency = "sat";
  }
  const bool letters = std::ranges::all_of(unit.currency, [](char c) { return c >= 'A' && c <= 'Z'; });
  if (unit.currency != "sat" && (unit.currency.size() != 3 || !letters)) return std::nullopt;
  return unit;
}

Result<double> number_at(std::string_view body, const std::string& pointer) {
  const auto document = parsed(body);
  return document ? positive(*document, pointer) : tl::unexpected(document.error());
}

}  // namespace sluice::feeds
