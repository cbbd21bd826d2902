#pragma once
/// The controller behind the runtime's door.

#include <functional>
#include <utility>

#include "control/controller.hpp"
#include "runtime/decision_maker.hpp"

namespace sluice::cmd {

class ControlMaker final : public runtime::DecisionMaker {
 public:
  /// `on_reconfigure` is called on the tick's thread with every new site, before its first snapshot.
  ControlMaker(Site site, const PersistentState& memory, const ports::Clock& clock,
               std::function<void(const Site&)> on_reconfigure)
      : controller_(std::move(site), memory, clock.now(), clock.wall_now()),
        on_reconfigure_(std::move(on_reconfigure)) {}
  void step(const Snapshot& snapshot, Decision& decision) override { controller_.step(snapshot, decision); }
  void reconfigure(Site site) override {
    on_reconfigure_(site);
    controller_.reconfigure(std::move(site));
  }
  void remember(PersistentState& state) const override { controller_.remember(state); }

 private:
  control::Controller controller_;
  std::function<void(const Site&)> on_reconfigure_;
};

}  // namespace sluice::cmd
