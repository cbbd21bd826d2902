#pragma once
/// What the LuxOS adapter remembers across restarts of the daemon, as one small text.

#include <optional>
#include <string>
#include <string_view>

namespace sluice::luxos {

/// The owner's ATM profile limits, from before they were changed for a budget.
struct KeptAtm {
  std::string min_profile, max_profile;
};

struct Kept {
  std::string session;  ///< id of our write session while it may be open; empty otherwise
  std::optional<KeptAtm> atm;

  std::string to_text() const;
  /// Anything that is not such a text counts as nothing remembered.
  static Kept from_text(std::string_view text);
};

}  // namespace sluice::luxos
