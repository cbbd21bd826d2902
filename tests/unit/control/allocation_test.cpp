// The hot path allocates nothing: counted by replacing the global operators in this test binary.

#include <gtest/gtest.h>

#include <cstdlib>
#include <new>
#include <string>

#include "control/controller.hpp"

namespace {
thread_local bool counting = false;
thread_local int allocations = 0;
}  // namespace

#pragma GCC diagnostic ignored "-Wmismatched-new-delete"  // both are replaced, by the same malloc and free

void* operator new(std::size_t size) {
  if (counting) ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t /*size*/) noexcept { std::free(memory); }

namespace sluice::control {
namespace {

Envelope range() {
  Envelope out;
  out.kind = EnvelopeKind::range;
  out.min = Watts(900.0);
  out.max = Watts(3250.0);
  out.step = Watts(10.0);
  return out;
}

TEST(Allocation, AStepAllocatesNothing) {
  Site site;
  for (int i = 0; i < 8; ++i) {
    MinerSite miner;
    miner.name = "m" + std::to_string(i);
    site.miners.push_back(miner);
  }
  Controller controller(site, PersistentState{}, MonoTime(std::chrono::hours(1)), WallTime{});
  Snapshot snapshot;
  Decision decision;
  for (int i = 0; i < 8; ++i) {
    MinerObservation seen;
    seen.link = LinkState::up;
    seen.identity = IdentityVerdict::accepted;
    seen.state = i % 2 == 0 ? MinerState::running : MinerState::asleep;
    seen.envelope = range();
    seen.dynamics.ramp_up = std::chrono::seconds(60);
    seen.dynamics.wake = std::chrono::seconds(60);
    snapshot.miners.push_back(seen);
  }
  std::uint64_t commands = 0;
  for (int s = 0; s < 600; ++s) {
    snapshot.now = MonoTime(std::chrono::hours(1) + std::chrono::seconds(s));
    snapshot.grid.power = Reading<Watts>::good(Watts(-3000.0 + 50.0 * (s % 97)), snapshot.now);
    counting = true;
    controller.step(snapshot, decision);
    counting = false;
    for (std::size_t i = 0; i < 8; ++i) {
      CommandRecord& record = snapshot.miners[i].command;
      if (decision.miners[i].sequence == record.sequence) continue;
      record = {decision.miners[i].sequence,
                decision.miners[i].wanted,
                decision.miners[i].target,
                CommandStatus::acknowledged,
                snapshot.now,
                snapshot.now};
      ++commands;
    }
  }
  EXPECT_GT(commands, 10U) << "the steps had something to do";
  EXPECT_EQ(allocations, 0);
}

}  // namespace
}  // namespace sluice::control
