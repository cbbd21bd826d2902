// A night and a morning with a Shelly plug before the miner: the real daemon, the real wire, an emulated miner that
// loses its power with it.

#include <httplib.h>

#include <atomic>
#include <thread>

#include "household.hpp"
#include "store/state_store.hpp"

namespace sluice::test {
namespace {

class PowerSwitch : public Household {
 protected:
  void SetUp() override {
    speed = 20;
    // Dark until the 23rd minute.
    std::string trace = "t_s,pv_w,load_w\n";
    for (int second = 0; second < 7200; ++second)
      trace += std::to_string(second) + (second < 1380 ? ",0,400\n" : ",4500,400\n");
    write("sun.csv", trace);
    start_house("name: plug\ntrace: " + file("sun.csv") +
                "\nstart: \"00:00\"\nseconds: 7200\n"
                "miners:\n  - {name: s21, plant: luxos-target, start: asleep}\n");
    ASSERT_FALSE(HasFatalFailure());
    plug_.Get("/rpc/Switch.GetStatus", [this](const httplib::Request&, httplib::Response& response) {
      const double power_w = truth().at("miners")[0].at("power_w");
      response.set_content(json{{"id", 0}, {"output", on.load()}, {"apower", power_w}}.dump(), "application/json");
    });
    plug_.Get("/rpc/Switch.Set", [this](const httplib::Request& request, httplib::Response& response) {
      const bool was = on.exchange(request.get_param_value("on") == "true");
      (on ? told_on : told_off)++;
      if (on != was) inject({{"miner", "s21"}, {"kind", on ? "power_on" : "power_off"}});
      response.set_content(json{{"was_on", was}}.dump(), "application/json");
    });
    port_ = plug_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { plug_.listen_after_bind(); });
  }
  void TearDown() override {
    if (daemon) daemon->stop(15'000);
    plug_.stop();
    if (thread_.joinable()) thread_.join();
  }
  void remember(const std::function<void(MinerMemory&)>& edit) const {
    NullLog nobody;
    PersistentState state;
    state.miners.emplace_back();
    state.miners.back().name = "s21";
    edit(state.miners.back());
    ASSERT_TRUE(store::SqliteStateStore(file("state.db"), clock, nobody).save(state));
  }
  void end() {
    daemon->stop(15'000);
    daemon.reset();
  }
  void configure(bool with_switch, const std::string& control) {
    std::string text = configuration();
    const auto devices = text.find("circuits:");
    text.insert(devices, "  - {name: plug, template: shelly-plug-http, role: switch, http: {url: \"http://127.0.0.1:" +
                             std::to_string(port_) + "\"}}\n");
    if (with_switch) text.replace(text.rfind("}\n"), 2, ", power_switch: plug}\n");
    write("sluice.yaml", text + control);
  }
  std::string reason() const {
    const json one = miner(0);
    return one.value("reason", "");
  }

  httplib::Server plug_;
  int port_ = 0;
  std::thread thread_;
  std::atomic<bool> on{true};
  std::atomic<int> told_on{0}, told_off{0};
};

// With boots that are believed to be short, the ten minutes that a relay rests are what is waited for.
constexpr const char* kCheapStarts = "control: {constraints: {start_cost_wh: 0}}\n";

TEST_F(PowerSwitch, is_off_by_night_also_for_the_next_daemon_and_on_by_day) {
  remember([](MinerMemory& miner) { miner.boot_s = {20.0, 0.1, 5}; });
  configure(true, kCheapStarts);
  start_daemon();
  ASSERT_TRUE(eventually([&] { return !on; }, seconds(60))) << reason();
  ASSERT_TRUE(eventually([&] { return reason() == "power_cut"; }));
  EXPECT_EQ(truth().at("miners")[0].at("power_w"), 0.0);
  EXPECT_EQ(log().find("does not answer"), std::string::npos) << "that it is silent is no news";
  end();
  EXPECT_FALSE(on) << "what is off stays so";

  start_daemon();
  ASSERT_TRUE(eventually([&] { return reason() == "power_cut"; })) << reason();
  ASSERT_TRUE(eventually([&] { return on.load(); }, seconds(60))) << reason();
  ASSERT_TRUE(eventually([&] { return truth().at("miners")[0].at("power_w") > 2000.0; }, seconds(60))) << reason();
  EXPECT_EQ(told_on, 1);
  EXPECT_EQ(told_off, 1);
  end();
  EXPECT_TRUE(on);
}

TEST_F(PowerSwitch, one_that_left_the_configuration_gives_the_power_back_but_for_a_dry_run) {
  remember([](MinerMemory& miner) { miner.cut_by = "plug"; });
  on = false;
  inject({{"miner", "s21"}, {"kind", "power_off"}});
  configure(false, "control: {dry_run: true}\n");
  start_daemon();
  ASSERT_TRUE(eventually([&] {
    const auto now = status();
    return now && now->at("ticks") > 40;
  }));
  end();
  EXPECT_FALSE(on);

  configure(false, "");
  start_daemon();
  EXPECT_TRUE(eventually([&] { return on.load(); })) << "nobody else would switch it on";
}

}  // namespace
}  // namespace sluice::test
