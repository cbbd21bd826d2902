#include "io/net_polite.hpp"

#include <gtest/gtest.h>

#include "../adapters/fakes.hpp"

namespace sluice::io {
namespace {

using namespace std::chrono_literals;

class PolitePeersTest : public ::testing::Test {
 protected:
  Result<MonoTime> turn(const ports::NetworkPeer& peer) { return polite_.take_turn(peer, clock_.now() + 60s); }
  testing::ManualClock clock_;
  PolitePeers polite_{clock_};
  ports::NetworkPeer miner_{"192.0.2.7", 4028, 1s, 30s, false};
};

TEST_F(PolitePeersTest, KeepsConnectsApart) {
  const MonoTime start = clock_.now();
  EXPECT_EQ(turn(miner_), start);
  EXPECT_EQ(turn(miner_), start + 1s);
  EXPECT_EQ(turn(miner_), start + 2s) << "a turn that was taken counts, even if it is not over yet";
  clock_.advance(10s);
  EXPECT_EQ(turn(miner_), start + 10s);
  const ports::NetworkPeer other{"192.0.2.8", 4028, 1s, 30s, false};
  EXPECT_EQ(turn(other), start + 10s);
}

TEST_F(PolitePeersTest, ATurnAfterTheDeadlineIsNotTaken) {
  const MonoTime start = clock_.now();
  ASSERT_TRUE(turn(miner_));
  const auto late = polite_.take_turn(miner_, start + 500ms);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().kind, ErrorKind::timeout);
  EXPECT_EQ(turn(miner_), start + 1s);
}

TEST_F(PolitePeersTest, BacksOffLongerEachTimeUntilAccepted) {
  for (const Duration pause : {30s, 60s, 120s, 240s, 240s}) {
    ASSERT_TRUE(turn(miner_));
    polite_.refused(miner_);
    clock_.advance(pause - 1s);
    const auto closed = turn(miner_);
    ASSERT_FALSE(closed);
    EXPECT_EQ(closed.error().kind, ErrorKind::refused);
    EXPECT_NE(closed.error().text.find("another 1 s"), std::string::npos) << closed.error().text;
    clock_.advance(1s);
  }
  ASSERT_TRUE(turn(miner_));
  polite_.accepted(miner_);
  polite_.refused(miner_);
  clock_.advance(31s);
  EXPECT_TRUE(turn(miner_)) << "back to the first pause";
}

TEST_F(PolitePeersTest, AStopIsTriedDuringTheBackOff) {
  ASSERT_TRUE(turn(miner_));
  polite_.refused(miner_);
  ports::NetworkPeer stop = miner_;
  stop.ignore_backoff = true;
  const auto turn_of_stop = turn(stop);
  ASSERT_TRUE(turn_of_stop);
  EXPECT_EQ(*turn_of_stop, clock_.now() + 1s) << "the spacing still holds";
}

}  // namespace
}  // namespace sluice::io
