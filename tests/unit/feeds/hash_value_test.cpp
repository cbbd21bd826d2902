// What mining is worth, from what sources say; and what is kept on disk.

#include "feeds/hash_value.hpp"

#include <fmt/format.h>

#include "feed_fixture.hpp"
#include "feeds/cache.hpp"

namespace sluice::feeds {
namespace {

// The worked example: difficulty 146 T, 3.125 BTC and 0.02 BTC of fees, 90 000 USD a bitcoin.
constexpr double kDifficulty = 146e12;
constexpr double kReward = 312'500'000.0 + 2'000'000.0;

TEST(HashValue, TheSubsidyHalvesAtABlockAndNotAtADate) {
  EXPECT_EQ(subsidy_sat(0), 5'000'000'000);
  EXPECT_EQ(subsidy_sat(840'000), 312'500'000);
  EXPECT_EQ(subsidy_sat(1'049'999), 312'500'000);
  EXPECT_EQ(subsidy_sat(1'050'000), 156'250'000);
  EXPECT_EQ(subsidy_sat(210'000 * 64), 0);
}

TEST(Mempool, TotalsAreTextsAndZeroDifficultyIsNone) {
  EXPECT_EQ(*mempool_difficulty(R"({"currentHashrate":1.04e21,"currentDifficulty":146000000000000})"), kDifficulty);
  EXPECT_FALSE(mempool_difficulty(R"({"currentHashrate":0,"currentDifficulty":0})"));
  EXPECT_FALSE(mempool_difficulty("<html>"));
  const auto rewards = mempool_rewards(fmt::format(
      R"({{"startBlock":899857,"endBlock":900000,"totalReward":"{:.0f}","totalFee":"288000000","totalTx":"1"}})",
      144 * kReward));
  ASSERT_TRUE(rewards) << rewards.error().text;
  EXPECT_DOUBLE_EQ(rewards->mean_sat, kReward);
  EXPECT_EQ(rewards->height, 900'000);
}

TEST(Mempool, RewardsInBitcoinOrOfAnotherCountAreRefused) {
  EXPECT_FALSE(mempool_rewards(R"({"startBlock":899857,"endBlock":900000,"totalReward":"452.88"})"));
  EXPECT_FALSE(mempool_rewards(R"({"startBlock":800000,"endBlock":900000,"totalReward":"45288000000"})"));
  EXPECT_FALSE(mempool_rewards(R"({"startBlock":899857,"endBlock":900000})"));
}

TEST(Mempool, MinusOneIsNoPriceAndAForeignCurrencyIsSaid) {
  const char* body = R"({"time":1768003200,"USD":90000,"EUR":-1})";
  EXPECT_EQ(*mempool_price(body, "USD"), 90'000.0);
  EXPECT_EQ(mempool_price(body, "EUR").error().kind, ErrorKind::protocol);
  EXPECT_EQ(mempool_price(body, "SEK").error().kind, ErrorKind::unsupported);
}

TEST(Node, SaysWhenItCannotBeBelieved) {
  const auto state = [](const char* chain, const char* catching_up) {
    return node_state(fmt::format(R"({{"result":{{"chain":"{}","blocks":900000,"difficulty":146000000000000,)"
                                  R"("initialblockdownload":{}}},"error":null,"id":"state"}})",
                                  chain, catching_up));
  };
  ASSERT_TRUE(state("main", "false"));
  EXPECT_EQ(state("main", "false")->height, 900'000);
  EXPECT_NE(state("main", "true").error().text.find("catches up"), std::string::npos);
  EXPECT_NE(state("regtest", "false").error().text.find("regtest"), std::string::npos);
  const auto loading =
      node_state(R"({"result":null,"error":{"code":-28,"message":"Loading block index"},"id":"state"})");
  EXPECT_EQ(loading.error().text, "the node says: Loading block index");
  for (const char* odd : {"[]", "7", "{}", R"({"result":7})", ""}) EXPECT_FALSE(node_state(odd)) << odd;
}

TEST(Node, OneMistakenFeeDoesNotMakeADayGolden) {
  std::map<std::int64_t, BlockPay> blocks;
  for (std::int64_t height = 1; height <= 144; ++height) blocks[height] = {312'500'000, 2'000'000, 0};
  EXPECT_DOUBLE_EQ(mean_reward_sat(blocks), kReward);
  blocks[77].fees_sat = 8'000'000'000;
  EXPECT_DOUBLE_EQ(mean_reward_sat(blocks), kReward);
}

TEST(Node, BlocksInOneBatch) {
  EXPECT_NE(block_pay_request({900'000}).find(R"("params":[900000,["subsidy","totalfee","time","height"]])"),
            std::string::npos);
  const auto blocks = block_pay(
      R"([{"result":{"subsidy":312500000,"totalfee":2000000,"time":1768003200,"height":900000},"error":null,"id":900000}])");
  ASSERT_TRUE(blocks) << blocks.error().text;
  EXPECT_EQ(blocks->at(900'000).fees_sat, 2'000'000);
  const auto pruned =
      block_pay(R"x([{"result":null,"error":{"message":"Block not available (pruned data)"},"id":1}])x");
  EXPECT_NE(pruned.error().text.find("pruned"), std::string::npos);
}

TEST(Believable, AThirdInADayOnlyWithANewDifficultyOrAHalving) {
  const HashQuote last{"mempool", at("2026-01-10T00:00:00Z"), 43.0, 0.039, 90'000.0, 1'048'400};
  const auto judged = [&](Duration later, double sat, double bitcoin, std::int64_t height) {
    return believable({"mempool", last.at + later, sat, sat * bitcoin / kSatABitcoin, bitcoin, height}, last)
        .has_value();
  };
  EXPECT_TRUE(judged(1h, 50.0, 90'000.0, 1'048'406));
  EXPECT_FALSE(judged(1h, 60.0, 90'000.0, 1'048'406));
  EXPECT_FALSE(judged(1h, 0.43, 90'000.0, 1'048'406)) << "a factor of a hundred";
  EXPECT_FALSE(judged(1h, 43.0, 9'000.0, 1'048'406));
  EXPECT_TRUE(judged(25h, 60.0, 60'000.0, 1'048'560)) << "who says it for a day is believed";
  EXPECT_TRUE(judged(1h, 22.0, 90'000.0, 1'050'336)) << "difficulty set anew";
  const HashQuote before{"mempool", last.at, 43.0, 0.039, 90'000.0, 1'049'999};
  EXPECT_TRUE(believable({"mempool", last.at + 1h, 21.6, 0.0195, 90'000.0, 1'050'001}, before)) << "halved";
}

TEST(HashUnit, IsTakenApart) {
  EXPECT_DOUBLE_EQ(parse_hash_unit("USD/PH/day")->factor, 0.001);
  EXPECT_EQ(parse_hash_unit("EUR/TH/day")->currency, "EUR");
  EXPECT_DOUBLE_EQ(parse_hash_unit("BTC/TH/day")->factor, 1e8);
  EXPECT_EQ(parse_hash_unit("BTC/TH/day")->currency, "sat");
  for (const char* wrong : {"", "USD/TH", "usd/TH/day", "/TH/day", "USD/EH/day", "DOLLAR/TH/day"})
    EXPECT_FALSE(parse_hash_unit(wrong)) << wrong;
}

TEST(Cache, ComesBackAsItWent) {
  CachedFeed feed{"octopus A C", at("2026-01-10T12:00:00Z"), {}};
  feed.prices.of[1] = {
      {at("2026-01-10T12:00:00Z"), at("2026-01-10T12:30:00Z"), PricePerKwh(-0.0213), PriceKind::published, true, false},
      {at("2026-01-10T13:00:00Z"), at("2026-01-10T13:30:00Z"), PricePerKwh(0.1), PriceKind::forecast, false, true}};
  const auto back = feed_from_cache(to_cache(feed));
  ASSERT_TRUE(back) << back.error().text;
  EXPECT_EQ(back->key, feed.key);
  EXPECT_EQ(back->heard, feed.heard);
  EXPECT_EQ(back->prices.of, feed.prices.of);
  const HashQuote quote{"mempool", feed.heard, 43.3, 0.039, 90'000.0, 900'000};
  EXPECT_EQ(*hash_quote_from_cache(to_cache(quote)), quote);
}

TEST(Cache, DamageAtEveryByteIsNoPrice) {
  CachedFeed feed{"k", at("2026-01-10T12:00:00Z"), {}};
  feed.prices.of[0] = {{at("2026-01-10T12:00:00Z"), at("2026-01-10T12:30:00Z"), PricePerKwh(0.2)}};
  const std::string text = to_cache(feed);
  for (std::size_t size = 0; size < text.size(); ++size) EXPECT_FALSE(feed_from_cache(text.substr(0, size)));
  feed.prices.of[0].push_back(feed.prices.of[0][0]);
  EXPECT_FALSE(feed_from_cache(to_cache(feed))) << "overlapping slots are not ours";
}

}  // namespace
}  // namespace sluice::feeds
