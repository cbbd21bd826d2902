#pragma once
/// The walk along a SunSpec model chain, as a state machine without a socket: it says what to read, and is told what
/// came back.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace sluice::devices {

struct FoundModel {
  std::uint16_t id = 0;
  std::uint16_t address = 0;  ///< wire address of the ID register
  std::uint16_t length = 0;   ///< data registers that follow ID and length
  int device = 0;             ///< logical device, counted by model 1 from 0
  bool operator==(const FoundModel&) const = default;
};

/// A logical device's common block.
struct CommonBlock {
  std::string manufacturer, model, option, version, serial;
};

struct Chain {
  std::vector<FoundModel> models;   ///< in the order of the chain
  std::vector<CommonBlock> common;  ///< by logical device
};

class ChainWalk {
 public:
  /// `bases` in the order to try; usually 40000, 50000, 0.
  explicit ChainWalk(std::vector<std::uint16_t> bases) : bases_(std::move(bases)) {}

  struct Read {
    std::uint16_t address = 0, count = 0;
  };
  /// The next read; nothing when the walk has ended.
  std::optional<Read> next() const;
  /// The registers that `next` asked for.
  void answer(std::span<const std::uint16_t> registers);
  /// The device answered with a Modbus exception, or `may_end_here` and not at all.
  void refuse();
  /// A model has been found, so silence is the end of the chain rather than a dead device.
  bool may_end_here() const { return chain_.models.size() > 1; }
  /// Errors: not_found (no SunSpec marker), protocol (a chain that does not begin with model 1).
  Result<Chain> result() const;

 private:
  enum class Step { marker, id, length, common, done };
  void next_base();
  void advance();

  std::vector<std::uint16_t> bases_;
  std::size_t base_ = 0;
  Step step_ = Step::marker;
  std::uint32_t pointer_ = 0;  // of the current model's ID register
  FoundModel current_;
  Chain chain_;
  std::string trouble_;  // why the last base with a marker was given up
};

}  // namespace sluice::devices
