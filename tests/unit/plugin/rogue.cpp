/// An adapter that misbehaves on demand: its option `mischief` says how.

#include <cmath>

#include "sluice/adapter.hpp"

namespace {

using sluice::adapter::Error;
using sluice::adapter::Time;

class Rogue final : public sluice::adapter::Miner {
 public:
  Rogue(sluice::adapter::Host host, const sluice::adapter::Settings& settings)
      : host_(host), mischief_(settings.option("mischief", "none")), password_(settings.password) {
    if (mischief_ == "refuse settings") throw Error(SLUICE_INVALID, "these settings will not do");
  }
  sluice::adapter::Identity identify_for_stop(Time) override { return {"Rogue in a hurry", "Rogue", "", "", ""}; }
  sluice::adapter::Identity identify(Time deadline) override {
    if (mischief_ == "throw a number") throw 7;
    if (mischief_ == "throw a logic error") throw std::logic_error("the adapter is confused");
    if (mischief_ == "unknown status") throw Error(4711, "a status of tomorrow");
    if (mischief_ == "claim success while failing") throw Error(SLUICE_OK, "failed successfully");
    if (mischief_ == "ask beyond its deadline") host_.wait_until(deadline + std::chrono::hours(1));
    if (mischief_ == "tell its secret") {
      const std::string secret = host_.secret(password_);
      host_.log(SLUICE_LOG_INFO, "the password is " + secret + ", yes, " + secret);
      throw Error(SLUICE_UNAUTHORIZED, "wrong password " + secret);
    }
    host_.set_state("seen before: " + host_.state());
    return {"Rogue 1.0", "Rogue", "", "", ""};
  }
  sluice::adapter::Abilities abilities() override {
    sluice::adapter::Abilities abilities;
    abilities.kind = SLUICE_ENVELOPE_RANGE;
    abilities.stop = std::chrono::seconds(7);
    abilities.wake = std::chrono::seconds(9);
    abilities.min_w = 500;
    abilities.max_w = mischief_ == "no number" ? std::nan("") : 1500;
    if (mischief_ == "negative time") abilities.wake = std::chrono::milliseconds(-5);
    if (mischief_ == "turned around") abilities.max_w = 400;
    if (mischief_ == "levels out of order") {
      abilities.kind = SLUICE_ENVELOPE_LEVELS;
      abilities.levels_w = {500, 1500, 1000};
    }
    for (double watts = 500; watts <= 1500; watts += 25) abilities.points.push_back({watts, watts / 20});
    if (mischief_ == "curve turned around") std::swap(abilities.points.front(), abilities.points.back());
    if (mischief_ == "curve without numbers") abilities.points[1].hashrate_ths = std::nan("");
    if (mischief_ == "curve too long") abilities.points.resize(97, {2000, 200});
    if (mischief_ == "too many levels") {
      abilities.kind = SLUICE_ENVELOPE_LEVELS;
      for (int i = 0; i < 97; ++i) abilities.levels_w.push_back(500 + i);
    }
    return abilities;
  }
  sluice::adapter::Poll poll(Time) override {
    sluice::adapter::Poll poll;
    poll.state = SLUICE_STATE_RUNNING;
    poll.power_w = mischief_ == "no number" ? std::nan("") : 1000.0;
    return poll;
  }
  sluice::adapter::Applied apply_target(double target_w, Time) override { return {target_w, true}; }
  sluice::adapter::Applied sleep(Time) override { return {0, true}; }
  sluice::adapter::Applied wake(double target_w, Time) override { return {target_w, true}; }

 private:
  sluice::adapter::Host host_;
  std::string mischief_;
  std::uint64_t password_;
};

}  // namespace

SLUICE_ADAPTER(Rogue, "rogue", "1.0")
