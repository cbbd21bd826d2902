#include "store/block_codec.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <limits>
#include <random>

namespace sluice::store {
namespace {

/// Fresh each run and printed, so that a failure can be run again: SLUICE_SEED=… block_codec_test.
std::uint64_t seed() {
  static const std::uint64_t value = [] {
    const char* given = std::getenv("SLUICE_SEED");
    return given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  }();
  return value;
}

class BlockCodecTest : public ::testing::Test {
 protected:
  void SetUp() override { std::printf("SLUICE_SEED=%llu\n", static_cast<unsigned long long>(seed())); }

  std::int64_t pick(std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random);
  }
  std::int32_t any_value(std::int32_t before) {
    constexpr std::int32_t kMax = std::numeric_limits<std::int32_t>::max();
    switch (pick(0, 7)) {
      case 0:
        return kMissing;
      case 1:
        return kMissing + 1;
      case 2:
        return kMax;
      case 3:
        return 0;
      case 4:
        return static_cast<std::int32_t>(pick(kMissing + 1, kMax));
      default:
        return static_cast<std::int32_t>(std::clamp<std::int64_t>(before + pick(-9, 9), kMissing + 1, kMax));
    }
  }
  Block any_block() {
    Block block;
    const auto rows = static_cast<std::size_t>(pick(0, 300));
    std::int64_t time = pick(-1'000'000'000'000, 1'000'000'000'000);
    for (std::size_t row = 0; row < rows; ++row) block.times_s.push_back(time += pick(0, 9) == 0 ? pick(-99, 99) : 1);
    if (rows > 2 && pick(0, 9) == 0) {
      block.times_s[1] = std::numeric_limits<std::int64_t>::min();
      block.times_s[2] = std::numeric_limits<std::int64_t>::max();
    }
    for (std::int64_t columns = pick(0, 12); columns > 0; --columns) {
      Column column{static_cast<std::uint32_t>(pick(0, std::numeric_limits<std::uint32_t>::max())), {}};
      std::int32_t value = 0;
      for (std::size_t row = 0; row < rows; ++row) {
        column.values.push_back(any_value(value));
        if (column.values.back() != kMissing) value = column.values.back();
      }
      block.columns.push_back(std::move(column));
    }
    return block;
  }

  std::mt19937_64 random{seed()};
};

TEST_F(BlockCodecTest, EveryBlockComesBackAsItWas) {
  for (int round = 0; round < 300; ++round) {
    const Block block = any_block();
    const auto bytes = encode(block);
    ASSERT_TRUE(bytes) << bytes.error().text;
    const auto back = decode(*bytes);
    ASSERT_TRUE(back) << back.error().text;
    ASSERT_EQ(*back, block) << "round " << round;
  }
}

TEST_F(BlockCodecTest, MissingIsNotZero) {
  const Block block{{1, 2, 3}, {{7, {0, kMissing, 0}}}};
  const auto back = decode(encode(block).value());
  ASSERT_TRUE(back);
  EXPECT_EQ(back->columns[0].values[0], 0);
  EXPECT_EQ(back->columns[0].values[1], kMissing);
  EXPECT_EQ(back->columns[0].values[2], 0);
}

TEST_F(BlockCodecTest, SpoiledBytesAreRefusedAndNeverCrash) {
  int refused = 0;
  constexpr int kRounds = 500;
  for (int round = 0; round < kRounds; ++round) {
    auto bytes = encode(any_block()).value();
    const auto place = static_cast<std::size_t>(pick(0, static_cast<std::int64_t>(bytes.size()) - 1));
    bytes[place] ^= static_cast<std::byte>(1 << pick(0, 7));
    if (pick(0, 3) == 0) bytes.resize(place);
    refused += decode(bytes) ? 0 : 1;
  }
  // The checksum finds nearly all; a flipped bit that zstd does not read is harmless.
  EXPECT_GT(refused, kRounds * 9 / 10);
}

TEST_F(BlockCodecTest, RandomBytesAreRefused) {
  for (int round = 0; round < 500; ++round) {
    std::vector<std::byte> bytes(static_cast<std::size_t>(pick(0, 200)));
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(pick(0, 255));
    EXPECT_FALSE(decode(bytes));
  }
}

TEST_F(BlockCodecTest, AQuietQuarterOfAnHourIsSmall) {
  Block block;
  for (int s = 0; s < 900; ++s) block.times_s.push_back(1'782'036'000 + s);
  for (std::uint32_t key = 0; key < 15; ++key) block.columns.push_back({key, std::vector<std::int32_t>(900, 1234)});
  EXPECT_LT(encode(block)->size(), 200U);
}

}  // namespace
}  // namespace sluice::store
