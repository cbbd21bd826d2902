#include "runtime/engine.hpp"

#include <gtest/gtest.h>

#include "fakes.hpp"
#include "io/clock.hpp"

namespace sluice::runtime {
namespace {

/// The whole runtime with real threads, on fakes and a period of 10 ms.
class EngineTest : public testing::Test {
 protected:
  EngineTest() {
    maker.decide = [this](const Snapshot& snapshot, Decision& decision) {
      for (std::size_t i = 0; i < decision.miners.size(); ++i) {
        const bool sleep = snapshot.shutting_down || snapshot.intents[i].park;
        const CommandKind wanted = sleep ? CommandKind::sleep : CommandKind::wake;
        if (wanted != wanted_before[i]) ++sequences[i];
        wanted_before[i] = wanted;
        decision.miners[i] = decided(wanted, 2000, sequences[i], sleep);
      }
    };
    store.saved.clean_stop = true;
  }
  ~EngineTest() override { stop(); }

  MinerPlan miner(const std::string& name, const std::string& fingerprint = "a") {
    MinerPlan plan;
    plan.settings.name = name;
    plan.settings.poll_interval = milliseconds(20);
    plan.fingerprint = fingerprint;
    plan.open = [this, name] {
      ++opened;
      if (!scripts[name]) scripts[name] = FakeMiner::script();
      return Result<std::unique_ptr<ports::Miner>>(std::make_unique<FakeMiner>(scripts[name], clock));
    };
    return plan;
  }
  Plan plan(std::vector<MinerPlan> miners) {
    Plan made;
    made.period = milliseconds(10);
    made.local_day = [](WallTime) { return std::int64_t{1}; };
    for (const MinerPlan& miner : miners) {
      made.site.miners.emplace_back();
      made.site.miners.back().name = miner.settings.name;
    }
    made.miners = std::move(miners);
    made.connections.push_back(
        {"bus", "a", [this] {
           std::vector<PolledDevice> devices;
           devices.push_back({{DeviceRole::grid}, milliseconds(100), std::make_unique<FakeDevice>("meter", [this] {
                                return Result<ports::DevicePoll>(
                                    ports::DevicePoll{clock.now(), {{Measurement::grid_w, 1.0, "", {}, ""}}});
                              })});
           return Result<std::vector<PolledDevice>>(std::move(devices));
         }});
    return made;
  }
  void start(Plan made) {
    engine = std::make_unique<Engine>(
        Engine::Doors{clock, clock, log, recorder, store, announcer, {}, milliseconds(500)}, store.saved, maker);
    ASSERT_TRUE(engine->open(std::move(made)));
    thread = std::thread([this] { engine->run(); });
  }
  void stop() {
    if (!thread.joinable()) return;
    engine->request_stop();
    thread.join();
  }
  bool eventually(const std::function<bool()>& condition) {
    const MonoTime deadline = clock.now() + seconds(10);
    while (clock.now() < deadline) {
      if (condition()) return true;
      std::this_thread::yield();
    }
    return false;
  }
  MinerState seen(std::size_t index) {
    const auto view = engine->view();
    return view && index < view->miners.size() ? view->miners[index]->seen.state : MinerState::unknown;
  }

  io::SystemClock clock;
  NullLog log;
  FakeRecorder recorder;
  FakeNotifier notifier;
  FakeStore store;
  Announcer announcer{clock, log, recorder, notifier};
  FakeMaker maker;
  std::array<CommandKind, kMaxMiners> wanted_before{};
  std::array<std::uint64_t, kMaxMiners> sequences{};
  std::map<std::string, std::shared_ptr<FakeMiner::Script>> scripts;
  std::atomic<int> opened = 0;
  std::unique_ptr<Engine> engine;
  std::thread thread;
};

TEST_F(EngineTest, drives_and_parks_at_the_end) {
  start(plan({miner("s19")}));
  ASSERT_TRUE(eventually([&] { return seen(0) == MinerState::waking; }));
  stop();
  EXPECT_EQ(scripts["s19"]->state.state, MinerState::asleep);
  EXPECT_TRUE(store.saved.clean_stop);
  ASSERT_EQ(store.saved.miners.size(), 1u);
  EXPECT_FALSE(store.saved.miners[0].driven);
}

TEST_F(EngineTest, while_it_runs_the_disk_says_that_the_end_was_not_orderly) {
  start(plan({miner("s19")}));
  ASSERT_TRUE(eventually([&] { return seen(0) == MinerState::waking; }));
  ASSERT_TRUE(eventually([&] { return engine->state().miners.size() == 1; }));
  EXPECT_FALSE(engine->state().clean_stop);
}

TEST_F(EngineTest, a_miner_that_does_not_take_the_last_command_is_left_to_the_next_one) {
  start(plan({miner("s19"), miner("s21")}));
  ASSERT_TRUE(eventually([&] { return seen(0) == MinerState::waking && seen(1) == MinerState::waking; }));
  {
    const std::lock_guard lock(scripts["s21"]->mutex);
    scripts["s21"]->during = [script = scripts["s21"].get()](const std::string& call) {
      if (call == "sleep") script->cancelled = true;
    };
  }
  const MonoTime begun = clock.now();
  stop();
  EXPECT_LT(clock.now() - begun, seconds(5));
  EXPECT_FALSE(store.saved.clean_stop);
  for (const MinerMemory& miner : store.saved.miners) EXPECT_EQ(miner.driven, miner.name == "s21") << miner.name;
}

TEST_F(EngineTest, an_intent_parks_through_the_controller) {
  start(plan({miner("s19")}));
  ASSERT_TRUE(eventually([&] { return seen(0) == MinerState::waking; }));
  ASSERT_TRUE(engine->park("s19", true));
  EXPECT_TRUE(eventually([&] { return seen(0) == MinerState::asleep; }));
  EXPECT_EQ(engine->park("nobody", true).error().text, "no miner is called nobody; there are: s19");
}

TEST_F(EngineTest, a_reload_keeps_what_did_not_change_and_opens_what_did) {
  start(plan({miner("s19"), miner("s21")}));
  ASSERT_TRUE(eventually([&] { return seen(1) == MinerState::waking; }));
  EXPECT_EQ(opened, 2);
  ASSERT_TRUE(engine->reload(plan({miner("s21"), miner("new"), miner("s19", "b")})));
  EXPECT_EQ(opened, 4) << "the new one, and the one whose settings changed";
  EXPECT_TRUE(eventually([&] {
    const auto view = engine->view();
    return view->miners.size() == 3 && view->miners[1]->seen.state == MinerState::waking;
  }));
  EXPECT_EQ(maker.sites.size(), 1u);
}

TEST_F(EngineTest, a_miner_that_leaves_the_file_is_put_to_sleep) {
  start(plan({miner("s19"), miner("s21")}));
  ASSERT_TRUE(eventually([&] { return seen(1) == MinerState::waking; }));
  ASSERT_TRUE(engine->reload(plan({miner("s19")})));
  EXPECT_EQ(scripts["s21"]->state.state, MinerState::asleep);
}

TEST_F(EngineTest, a_reload_that_cannot_be_opened_changes_nothing) {
  start(plan({miner("s19")}));
  ASSERT_TRUE(eventually([&] { return seen(0) == MinerState::waking; }));
  MinerPlan broken = miner("s21");
  broken.open = [] { return Result<std::unique_ptr<ports::Miner>>(fail(ErrorKind::invalid, "no such option")); };
  const Result<void> reloaded = engine->reload(plan({std::move(broken)}));
  ASSERT_FALSE(reloaded);
  EXPECT_EQ(reloaded.error().text, "miner s21: no such option");
  EXPECT_TRUE(maker.sites.empty());
  EXPECT_EQ(engine->view()->crew->site.miners[0].name, "s19");
}

/// With a battery that is wanted held all the time.
class HeldBattery : public EngineTest {
 protected:
  HeldBattery() {
    maker.decide = [wake = maker.decide](const Snapshot& snapshot, Decision& decision) {
      wake(snapshot, decision);
      decision.hold_battery = decision.estimate_valid = true;
    };
  }
  ~HeldBattery() override { stop(); }

  Plan with_battery(const std::string& fingerprint, bool allowed) {
    Plan made = plan({miner("s19")});
    made.connections.push_back(
        {"gx", fingerprint, [this, fingerprint, allowed] {
           note("open " + fingerprint);
           auto device =
               std::make_unique<FakeDevice>("gx", [] { return Result<ports::DevicePoll>(ports::DevicePoll{}); });
           device->repeat = seconds(25);
           HoldPlan hold;
           hold.allowed = allowed;
           hold.remember = [this](const std::optional<std::string>& before) -> Result<void> {
             note(before ? "hold" : "release");
             return {};
           };
           std::vector<PolledDevice> devices;
           devices.push_back({{DeviceRole::battery}, milliseconds(100), std::move(device), std::move(hold)});
           return Result<std::vector<PolledDevice>>(std::move(devices));
         }});
    return made;
  }
  bool noted(const std::vector<std::string>& wanted) {
    return eventually([&] {
      const std::lock_guard lock(mutex);
      return diary == wanted;
    });
  }

 private:
  void note(std::string what) {
    const std::lock_guard lock(mutex);
    diary.push_back(std::move(what));
  }
  std::mutex mutex;
  std::vector<std::string> diary;
};

TEST_F(HeldBattery, is_released_while_the_owner_has_parked_its_miners) {
  start(with_battery("a", true));
  ASSERT_TRUE(noted({"open a", "hold"}));
  ASSERT_TRUE(engine->park("", true));
  ASSERT_TRUE(noted({"open a", "hold", "release"}));
  ASSERT_TRUE(engine->park("", false));
  EXPECT_TRUE(noted({"open a", "hold", "release", "hold"}));
}

TEST_F(HeldBattery, is_released_before_what_held_it_is_replaced_and_held_again_when_that_comes_to_nothing) {
  start(with_battery("a", true));
  ASSERT_TRUE(noted({"open a", "hold"}));
  Plan broken = with_battery("b", true);
  broken.miners.push_back(miner("s21"));
  broken.miners.back().open = [] {
    return Result<std::unique_ptr<ports::Miner>>(fail(ErrorKind::invalid, "no such option"));
  };
  ASSERT_FALSE(engine->reload(std::move(broken)));
  ASSERT_TRUE(noted({"open a", "hold", "release", "open b", "hold"}));
  // The same key: another device, or the same one that the owner does not allow to be told any more.
  ASSERT_TRUE(engine->reload(with_battery("c", false)));
  EXPECT_TRUE(noted({"open a", "hold", "release", "open b", "hold", "release", "open c"}));
}

/// With a switch before its miner that is wanted off all the time.
class CutMiner : public EngineTest {
 protected:
  CutMiner() {
    maker.decide = [wake = maker.decide](const Snapshot& snapshot, Decision& decision) {
      wake(snapshot, decision);
      for (MinerDecision& miner : decision.miners) miner.power = SwitchOrder::off;
    };
  }
  ~CutMiner() override { stop(); }

  Plan with_switch(bool used = true) {
    Plan made = plan({miner("s19")});
    if (used) made.site.miners[0].power_switch = "plug";
    made.connections.push_back({"plug", "a", [this] {
                                  auto device = std::make_unique<FakeDevice>(
                                      "plug", [this] { return Result<ports::DevicePoll>(word()); });
                                  device->is_switch = true;
                                  plug = device.get();
                                  std::vector<PolledDevice> devices;
                                  devices.push_back({{}, milliseconds(20), std::move(device)});
                                  return Result<std::vector<PolledDevice>>(std::move(devices));
                                }});
    return made;
  }
  std::string cut_by() {
    for (const MinerMemory& miner : engine->state().miners) {
      if (miner.name == "s19") return miner.cut_by;
    }
    return "nobody";
  }

  FakeDevice* plug = nullptr;

 private:
  ports::DevicePoll word() {
    return {clock.now(), {{Measurement::switch_on, plug->switched_on ? 1.0 : 0.0, "", {}, ""}}};
  }
};

TEST_F(CutMiner, has_its_power_back_and_nothing_to_warn_of_when_its_switch_leaves_the_file_with_its_device) {
  start(with_switch());
  ASSERT_TRUE(eventually([&] { return cut_by() == "plug"; }));
  ASSERT_TRUE(eventually([&] { return !plug->switched_on; }));
  ASSERT_TRUE(engine->reload(plan({miner("s19")})));
  EXPECT_EQ(cut_by(), "");
  EXPECT_EQ(recorder.count("power_switch_left"), 0);
  // And once more: what was forgotten is noted again.
  ASSERT_TRUE(engine->reload(with_switch()));
  EXPECT_TRUE(eventually([&] { return cut_by() == "plug"; }));
}

TEST_F(CutMiner, is_cut_again_by_a_switch_that_it_was_taken_from_and_given_back_to) {
  start(with_switch());
  ASSERT_TRUE(eventually([&] { return !plug->switched_on; }));
  ASSERT_TRUE(engine->reload(with_switch(false)));
  EXPECT_TRUE(eventually([&] { return plug->switched_on.load(); }));
  EXPECT_TRUE(eventually([&] { return cut_by().empty(); }));
  ASSERT_TRUE(engine->reload(with_switch()));
  EXPECT_TRUE(eventually([&] { return !plug->switched_on; }));
  EXPECT_TRUE(eventually([&] { return cut_by() == "plug"; }));
}

TEST_F(EngineTest, what_the_owner_parked_stays_parked_over_a_restart) {
  MinerMemory parked;
  parked.name = "s19";
  parked.parked_by_owner = true;
  store.saved.miners.push_back(parked);
  start(plan({miner("s19")}));
  EXPECT_TRUE(eventually([&] { return seen(0) == MinerState::asleep; }));
  ASSERT_TRUE(engine->park("", false));
  EXPECT_TRUE(eventually([&] { return seen(0) == MinerState::waking; }));
  stop();
  EXPECT_FALSE(store.saved.miners[0].parked_by_owner);
}

}  // namespace
}  // namespace sluice::runtime
