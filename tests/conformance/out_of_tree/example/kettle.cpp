/// The smallest adapter that works, to start your own from. A real one checks every answer before it believes it.

#include <algorithm>
#include <sluice/adapter.hpp>
#include <string>

namespace {

using namespace sluice::adapter;

class Kettle final : public Miner {
 public:
  Kettle(Host host, const Settings& settings)
      : host_(host), peer_{settings.host, settings.port == 0 ? std::uint16_t{80} : settings.port, 0ms, 5000ms} {
    const double litres = std::stod(settings.option("litres", "1.5"));
    if (litres <= 0) throw Error(SLUICE_INVALID, "option litres must be above 0");
    min_w_ = litres > 1.0 ? 600 : 300;
  }

  Identity identify(Time deadline) override {
    const HttpReply reply = ask(Role::read, "/whoami", deadline);
    return {"Kettle " + reply.body, "Kettle", "", "", ""};
  }
  Abilities abilities() override {
    Abilities abilities;
    abilities.kind = SLUICE_ENVELOPE_RANGE;
    abilities.min_w = min_w_;
    abilities.max_w = 2000;
    abilities.step_w = 10;
    abilities.stop = abilities.wake = 1s;
    abilities.sleep_power_w = 1;
    return abilities;
  }
  Poll poll(Time deadline) override {
    Poll poll;
    poll.power_w = std::stod(ask(Role::read, "/watts", deadline).body);
    poll.state = *poll.power_w > 10 ? SLUICE_STATE_RUNNING : SLUICE_STATE_ASLEEP;
    return poll;
  }
  Applied apply_target(double target_w, Time deadline) override {
    if (target_w < min_w_) throw Error(SLUICE_INVALID, "the kettle would never boil with so little");
    const double asked = std::min(target_w, 2000.0);
    ask(Role::command, "/heat/" + std::to_string(static_cast<int>(asked)), deadline);
    return {asked, false};
  }
  Applied sleep(Time deadline) override {
    ask(Role::urgent_command, "/off", deadline);
    return {0, false};
  }
  Applied wake(double target_w, Time deadline) override { return apply_target(target_w, deadline); }

 private:
  HttpReply ask(Role role, const std::string& path, Time deadline) {
    HttpReply reply = host_.http(peer_, role, "GET", path, {}, "", deadline);
    if (reply.status != 200) throw Error(SLUICE_REJECTED, "the kettle says " + std::to_string(reply.status));
    return reply;
  }

  Host host_;
  Peer peer_;
  double min_w_ = 0;
};

}  // namespace

SLUICE_ADAPTER(Kettle, "kettle", "0.1.0")
