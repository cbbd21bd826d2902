#include "model/site.hpp"

namespace sluice {

using std::chrono::minutes;
using std::chrono::seconds;

ConstraintProfile constraint_profile(ProfileName name) {
  ConstraintProfile profile;
  switch (name) {
    case ProfileName::gentle:
      profile.min_on = minutes(15);
      profile.min_off = minutes(10);
      profile.max_starts_per_day = 8;
      profile.stagger_up = seconds(15);
      profile.retarget_up = seconds(120);
      profile.retarget_down = seconds(20);
      profile.change_cost = WattHours(0.5);
      profile.deadband_up = Watts(60.0);
      profile.deadband_down = Watts(50.0);
      profile.ramp_up_per_minute = Watts(300.0);
      profile.start_quiet = seconds(30);
      break;
    case ProfileName::normal:
      break;
    case ProfileName::bare:
      profile.min_off = Duration::zero();
      profile.max_starts_per_day = 0;
      profile.stagger_up = Duration::zero();
      profile.change_cost = WattHours(0.0);
      profile.retarget_up = Duration::zero();
      break;
  }
  return profile;
}

}  // namespace sluice
