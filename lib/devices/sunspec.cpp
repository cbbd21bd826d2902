#include "devices/sunspec.hpp"

#include <algorithm>

#include "devices/register.hpp"
#include "devices/sunspec_models.hpp"

namespace sluice::devices {
namespace {

constexpr std::uint16_t kMarkerHigh = 0x5375, kMarkerLow = 0x6E53;  // "SunS"
constexpr std::uint16_t kEnd = 0xFFFF;
constexpr std::uint16_t kCommonData = 64;  // Mn…SN; the device address and the pad after them are optional
constexpr std::size_t kMaxModels = 100;    // a longer chain is garbage or a loop

CommonBlock read_common(std::span<const std::uint16_t> data) {
  constexpr std::uint16_t kFirstData = 2;
  RegisterImage image;
  for (std::size_t index = 0; index < data.size(); ++index)
    image[0][Table::holding][static_cast<std::uint16_t>(kFirstData + index)] = data[index];
  const auto text = [&](std::string_view name) {
    const ModelPoint* point = find_point(*find_model(1), name);
    Register place;
    place.address = point->offset;
    place.type = Type::string;
    place.length = point->length;
    return decode_text(place, 0, image).value_or("");
  };
  return {text("Mn"), text("Md"), text("Opt"), text("Vr"), text("SN")};
}

}  // namespace

std::optional<ChainWalk::Read> ChainWalk::next() const {
  const auto pointer = static_cast<std::uint16_t>(pointer_);
  switch (step_) {
    case Step::marker:
      if (base_ == bases_.size()) return std::nullopt;
      return Read{bases_[base_], 2};
    // ID and length are read one by one: some devices end the chain without a length behind 0xFFFF and refuse the pair.
    case Step::id:
      return Read{pointer, 1};
    case Step::length:
      return Read{static_cast<std::uint16_t>(pointer + 1), 1};
    case Step::common:
      return Read{static_cast<std::uint16_t>(pointer + 2), kCommonData};
    case Step::done:
      break;
  }
  return std::nullopt;
}

void ChainWalk::answer(std::span<const std::uint16_t> registers) {
  switch (step_) {
    case Step::marker:
      if (registers[0] != kMarkerHigh || registers[1] != kMarkerLow) return next_base();
      pointer_ = bases_[base_] + 2U;
      step_ = Step::id;
      return;
    case Step::id:
      current_ = {registers[0], static_cast<std::uint16_t>(pointer_), 0, 0};
      if (current_.id == kEnd && !chain_.models.empty()) {
        step_ = Step::done;
      } else if (chain_.models.empty() && current_.id != 1) {
        trouble_ = "the model chain does not begin with model 1";
        next_base();
      } else {
        step_ = Step::length;
      }
      return;
    case Step::length:
      current_.length = registers[0];
      if (current_.length == 0 || (current_.id == 1 && current_.length < kCommonData)) {
        step_ = Step::done;
      } else if (current_.id == 1) {
        step_ = Step::common;
      } else {
        advance();
      }
      return;
    case Step::common:
      // A second model 1 begins another logical device: a meter behind the inverter.
      chain_.common.push_back(read_common(registers));
      advance();
      return;
    case Step::done:
      return;
  }
}

void ChainWalk::refuse() {
  if (step_ == Step::marker) return next_base();
  if (chain_.models.empty()) {
    trouble_ = "the device refuses its own common block";
    return next_base();
  }
  step_ = Step::done;
}

void ChainWalk::next_base() {
  ++base_;
  step_ = Step::marker;
}

void ChainWalk::advance() {
  current_.device = static_cast<int>(chain_.common.size()) - 1;
  chain_.models.push_back(current_);
  pointer_ += 2U + current_.length;
  step_ = pointer_ >= kEnd || chain_.models.size() >= kMaxModels ? Step::done : Step::id;
}

Result<Chain> ChainWalk::result() const {
  if (!chain_.models.empty()) return chain_;
  if (!trouble_.empty()) return fail(ErrorKind::protocol, "{}", trouble_);
  return fail(ErrorKind::not_found, "no SunSpec marker: is SunSpec switched on, is the unit id right?");
}

}  // namespace sluice::devices
