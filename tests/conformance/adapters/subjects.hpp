#pragma once
/// The adapters under test, each with the emulated firmware it talks to. A new adapter joins by one entry here.

#include <functional>
#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "house/miner_door.hpp"
#include "ports/clock.hpp"

namespace sluice::conformance {

struct Subject {
  std::string name;     ///< of the test case: letters, digits and underscores
  std::string adapter;  ///< id
  std::map<std::string, std::string> options;
  std::string password;   ///< that the emulated firmware accepts; empty: the firmware knows none
  Duration politeness{};  ///< least time that the adapter keeps between two connects
  std::function<Result<std::unique_ptr<house::MinerServer>>(house::MinerDoor&, const ports::Clock&, std::uint16_t port)>
      serve;
  bool breaks_later = false;  ///< the emulator replaces its server for a fault, which takes it a moment
};

std::vector<Subject> subjects();
/// How GoogleTest shows a subject.
inline void PrintTo(const Subject& subject, std::ostream* out) { *out << subject.name; }

}  // namespace sluice::conformance
