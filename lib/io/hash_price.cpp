#include "io/hash_price.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "tariff/worth.hpp"

namespace sluice::io {
namespace {

using feeds::HashQuote;

constexpr int kTooMany = 429;
constexpr Duration kAskedToWait = std::chrono::minutes(15);
constexpr auto kOldestTip = std::chrono::hours(3);
// A chain may change its mind about its newest blocks.
constexpr std::int64_t kUnsettled = 3;

}  // namespace

std::string to_string(HashSourceKind kind) {
  switch (kind) {
    case HashSourceKind::fixed:
      return "fixed";
    case HashSourceKind::mempool:
      return "mempool";
    case HashSourceKind::bitcoind:
      return "bitcoind";
    case HashSourceKind::json:
      return "json";
  }
  return "";
}

HashLadder::HashLadder(HashPlan plan, ports::Web& web, const ports::Clock& clock)
    : plan_(std::move(plan)), web_(web), clock_(clock) {}

HashLadder::Answer HashLadder::ask(const std::optional<HashQuote>& last) {
  Answer answer;
  pause_.reset();
  for (const HashSource& source : plan_.sources) {
    Result<HashQuote> quote = ask(source);
    if (quote && last && source.kind != HashSourceKind::fixed) {
      // The anchor of a source that tells the hash value stays when another one fills in.
      if (const auto believed = feeds::believable(*quote, *last); !believed) quote = tl::unexpected(believed.error());
    }
    if (quote) {
      answer.quote = std::move(*quote);
      break;
    }
    answer.trouble +=
        fmt::format("{}{}: {}", answer.trouble.empty() ? "" : "; ", to_string(source.kind), quote.error().text);
    if (quote.error().kind == ErrorKind::cancelled) break;
  }
  answer.pause = pause_;
  return answer;
}

Result<HashQuote> HashLadder::ask(const HashSource& source) {
  Result<HashQuote> quote = [&]() -> Result<HashQuote> {
    switch (source.kind) {
      case HashSourceKind::fixed:
        return HashQuote{{}, {}, std::nullopt, source.money_per_ths_day, std::nullopt, 0};
      case HashSourceKind::mempool:
        return ask_mempool(source);
      case HashSourceKind::bitcoind:
        return ask_node(source);
      case HashSourceKind::json:
        return ask_json(source);
    }
    return fail(ErrorKind::internal, "no such source");
  }();
  if (!quote) return quote;
  quote->source = to_string(source.kind);
  quote->at = clock_.wall_now();
  if (auto done = add_bitcoin_price(*quote); !done) return tl::unexpected(done.error());
  return quote;
}

/// Satoshis become money by the price of a bitcoin. Money needs none: without one the ledger has no satoshis to show.
Result<void> HashLadder::add_bitcoin_price(HashQuote& quote) {
  const auto price = bitcoin_price();
  if (price) quote.bitcoin_price = *price;
  if (quote.money_per_ths_day) return {};
  if (!price) return tl::unexpected(price.error());
  quote.money_per_ths_day = *quote.sat_per_ths_day / feeds::kSatABitcoin * *price;
  return {};
}

Result<double> HashLadder::bitcoin_price() {
  if (plan_.bitcoin_price) return *plan_.bitcoin_price;
  // The owner's own figure needs nobody, and so asks nobody.
  if (plan_.price_url.empty() || fixed())
    return fail(ErrorKind::unsupported, "nobody tells the price of a bitcoin in {}", plan_.currency);
  const auto body = get({}, plan_.price_url + "/api/v1/prices");
  if (!body) return tl::unexpected(body.error());
  return feeds::mempool_price(*body, plan_.currency);
}

Result<HashQuote> HashLadder::ask_mempool(const HashSource& source) {
  const auto network = get(source, source.url + "/api/v1/mining/hashrate/3d");
  if (!network) return tl::unexpected(network.error());
  const auto difficulty = feeds::mempool_difficulty(*network);
  if (!difficulty) return tl::unexpected(difficulty.error());
  const auto paid = get(source, fmt::format("{}/api/v1/mining/reward-stats/{}", source.url, feeds::kBlocksADay));
  if (!paid) return tl::unexpected(paid.error());
  const auto rewards = feeds::mempool_rewards(*paid);
  if (!rewards) return tl::unexpected(rewards.error());
  HashQuote quote;
  quote.sat_per_ths_day = tariff::sats_per_ths_day({*difficulty, rewards->mean_sat});
  quote.height = rewards->height;
  return quote;
}

Result<HashQuote> HashLadder::ask_node(const HashSource& source) {
  const auto said = get(source, source.url + "/", feeds::node_state_request());
  if (!said) return tl::unexpected(said.error());
  const auto state = feeds::node_state(*said);
  if (!state) return tl::unexpected(state.error());
  if (auto done = look_at_blocks(source, state->height); !done) return tl::unexpected(done.error());
  const auto tip = blocks_.rbegin();
  const Duration age = clock_.wall_now() - WallTime(std::chrono::seconds(tip->second.unix_s));
  if (age > kOldestTip)
    return fail(ErrorKind::rejected, "its newest block is {:.0f} h old: does it still hear of others?",
                to_seconds(age) / 3600.0);
  HashQuote quote;
  quote.sat_per_ths_day = tariff::sats_per_ths_day({state->difficulty, feeds::mean_reward_sat(blocks_)});
  quote.height = state->height;
  return quote;
}

/// The last day's blocks: all of them at first, later only the new ones.
Result<void> HashLadder::look_at_blocks(const HashSource& source, std::int64_t height) {
  const std::int64_t first = std::max<std::int64_t>(0, height - feeds::kBlocksADay + 1);
  std::erase_if(blocks_, [&](const auto& one) { return one.first < first || one.first > height - kUnsettled; });
  std::vector<std::int64_t> wanted;
  for (std::int64_t one = first; one <= height; ++one)
    if (!blocks_.contains(one)) wanted.push_back(one);
  const auto said = get(source, source.url + "/", feeds::block_pay_request(wanted));
  if (!said) return tl::unexpected(said.error());
  const auto pay = feeds::block_pay(*said);
  if (!pay) return tl::unexpected(pay.error());
  blocks_.insert(pay->begin(), pay->end());
  if (!blocks_.contains(height)) return fail(ErrorKind::protocol, "it did not tell of its newest block");
  return {};
}

Result<HashQuote> HashLadder::ask_json(const HashSource& source) {
  const auto body = get(source, source.url);
  if (!body) return tl::unexpected(body.error());
  const auto value = feeds::number_at(*body, source.pointer);
  if (!value) return tl::unexpected(value.error());
  HashQuote quote;
  if (source.unit.currency == "sat") {
    quote.sat_per_ths_day = *value * source.unit.factor;
  } else if (source.unit.currency == plan_.currency) {
    quote.money_per_ths_day = *value * source.unit.factor;
  } else {
    return fail(ErrorKind::unsupported, "it tells {}, the site counts in {}, and currencies are not converted",
                source.unit.currency, plan_.currency);
  }
  return quote;
}

/// A POST when there is a body.
Result<std::string> HashLadder::get(const HashSource& source, const std::string& url, const std::string& body) {
  ports::WebRequest request;
  request.url = url;
  if (!body.empty()) {
    request.method = "POST";
    request.headers.emplace_back("Content-Type", "application/json");
    request.body = body;
  }
  if (source.authorization) {
    const auto authorization = source.authorization();
    if (!authorization) return tl::unexpected(authorization.error());
    if (!authorization->empty()) request.headers.emplace_back("Authorization", *authorization);
  }
  auto reply = web_.fetch(request);
  if (!reply) return tl::unexpected(reply.error());
  if (reply->status == kTooMany) {
    pause_ = std::max(pause_.value_or(Duration{}), reply->retry_after.value_or(kAskedToWait));
    return fail(ErrorKind::refused, "HTTP 429, it asks to be left alone for a while");
  }
  if (reply->status == 401 || reply->status == 403)
    return fail(ErrorKind::unauthorized, "HTTP {}, it does not take the login", reply->status);
  // A node answers a call that it refuses with status 500 and the reason.
  if ((reply->status < 200 || reply->status > 299) && !(reply->status == 500 && !body.empty()))
    return fail(ErrorKind::rejected, "HTTP {}", reply->status);
  return std::move(reply->body);
}

}  // namespace sluice::io
