#include "io/modbus_device.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "devices/layout.hpp"
#include "devices/placing.hpp"
#include "devices/sunspec.hpp"
#include "io/failure_pause.hpp"

namespace sluice::io {
namespace {

using namespace std::chrono_literals;

/// Registers that a device refuses are asked for again after this time: a service behind a gateway may have come back.
constexpr Duration kRefusedFor = 60s;
/// A poll's time is that of its fastest-changing value: the first of these that the template offers.
constexpr Measurement kFastest[] = {Measurement::grid_w, Measurement::battery_w, Measurement::inverter_ac_w,
                                    Measurement::pv_w};

enum class Refusal { none, these_registers, busy, device };

Refusal classify(int exception) {
  if (exception == 0) return Refusal::none;
  if (exception <= 3) return Refusal::these_registers;  // illegal function, address or value
  return exception == 5 || exception == 6 ? Refusal::busy : Refusal::device;
}

class ModbusDevice final : public ports::Device {
 public:
  ModbusDevice(std::string name, std::shared_ptr<ports::ModbusConnection> connection, std::string key,
               std::uint8_t unit, const devices::Template& device_template, DeviceOptions options,
               const ports::Clock& clock)
      : name_(std::move(name)),
        connection_(std::move(connection)),
        key_(std::move(key)),
        unit_(unit),
        template_(device_template),
        options_(options),
        clock_(clock) {}

  const std::string& name() const override { return name_; }
  const std::string& connection_key() const override { return key_; }
  Duration spacing() const override { return template_.transport.poll_interval; }
  ports::DeviceIdentity identity() const override { return identity_; }

  Result<ports::DevicePoll> poll() override {
    if (const auto error = pause_.standing(clock_.now())) return tl::unexpected(*error);
    set_running(true);
    auto result = attempt();
    set_running(false);
    if (result) {
      pause_.answered();
    } else if (result.error().kind != ErrorKind::cancelled) {
      pause_.failed(result.error(), clock_.now());
    }
    return result;
  }

  Result<void> hold_battery(const Keep& keep) override {
    if (!template_.hold) return Device::hold_battery(keep);
    return command([&]() -> Result<void> {
      const auto found = held_register();
      if (!found) return tl::unexpected(found.error());
      // Somebody else holds it, and it is theirs to release.
      if (*found == template_.hold->write) return keep("");
      if (auto kept = keep(fmt::format("{}", *found)); !kept) return kept;
      return write_held(template_.hold->write);
    });
  }

  Result<void> release_battery(const std::string& before) override {
    if (!template_.hold || before.empty()) return {};
    std::uint64_t bits = 0;
    const auto [end, problem] = std::from_chars(before.data(), before.data() + before.size(), bits);
    if (problem != std::errc() || end != before.data() + before.size())
      return fail(ErrorKind::invalid, "{}: \"{}\" is nothing that stood in the register", name_, before);
    return command([&]() -> Result<void> {
      const auto found = held_register();
      if (!found) return tl::unexpected(found.error());
      if (*found != template_.hold->write) return {};
      return write_held(bits);
    });
  }

  void cancel() override {
    {
      const std::lock_guard lock(mutex_);
      if (!running_) return;
      cancelled_ = true;
    }
    wake_.notify_all();
    connection_->cancel();
  }

 private:
  struct PlannedRead {
    devices::ReadRequest request;
    bool one_value = false;           ///< cannot be cut any further
    std::optional<MonoTime> refused;  ///< when the device last said that it has no such registers
  };

  Result<ports::DevicePoll> attempt() {
    if (auto there = prepare(); !there) return tl::unexpected(there.error());
    return fetch();
  }

  /// Connected, and known what is where.
  Result<void> prepare() {
    if (!connection_->connected()) {
      layout_.reset();
      if (auto connected = connection_->connect(options_.timeout); !connected) return connected;
      if (auto waited = wait(template_.transport.connect_delay); !waited) return waited;
    }
    if (!layout_ || generation_ != connection_->generation()) return discover();
    return {};
  }

  // --- commands ------------------------------------------------------------------------------------------------------
  template <class Steps>
  Result<void> command(Steps steps) {
    if (const auto error = pause_.standing(clock_.now())) return tl::unexpected(*error);
    set_running(true);
    Result<void> result = prepare();
    if (result) result = steps();
    set_running(false);
    return result;
  }

  Result<std::uint64_t> held_register() {
    const devices::Register& place = template_.hold->place;
    const devices::ReadRequest request{place.unit.value_or(unit_), place.table, place.address, devices::width(place)};
    std::vector<std::uint16_t> registers(request.count);
    if (auto answer = read(request, registers); !answer) return tl::unexpected(answer.error());
    devices::RegisterImage image;
    store(request, registers, image);
    if (const auto bits = devices::decode_bits(place, unit_, image)) return *bits;
    return fail(ErrorKind::protocol, "{}: register {} holds no number", name_, place.address);
  }

  Result<void> write_held(std::uint64_t bits) {
    const devices::Register& place = template_.hold->place;
    const std::uint8_t unit = place.unit.value_or(unit_);
    devices::RegisterImage image;
    devices::encode_bits(place, unit_, bits, image);
    std::vector<std::uint16_t> words;
    for (const auto& [address, word] : image[unit][place.table]) words.push_back(word);
    if (auto waited = wait(template_.transport.request_spacing); !waited) return waited;
    auto answer = connection_->write(unit, place.address, words, options_.timeout);
    last_request_ = clock_.now();
    if (!answer) return fail(answer.error().kind, "{}: register {}: {}", name_, place.address, answer.error().text);
    return {};
  }

  // --- discovery -----------------------------------------------------------------------------------------------------
  Result<void> discover() {
    devices::Chain chain;
    if (!template_.sunspec_bases.empty()) {
      auto walked = walk();
      if (!walked) return tl::unexpected(walked.error());
      chain = std::move(*walked);
    }
    devices::Layout layout = devices::resolve(template_, chain, unit_);
    if (layout.reads.empty()) {
      std::string found;
      for (const devices::FoundModel& model : chain.models) found += fmt::format(" {}", model.id);
      return fail(ErrorKind::not_found, "{}: nothing of template {} is on unit {}; SunSpec models found:{}", name_,
                  template_.id, unit_, found);
    }
    if (auto identified = identify(chain); !identified) return identified;
    plan_.clear();
    for (const devices::ReadRequest& request : layout.reads) plan_.push_back({request, false, std::nullopt});
    layout_ = std::move(layout);
    generation_ = connection_->generation();
    return {};
  }

  Result<devices::Chain> walk() {
    devices::ChainWalk walk(template_.sunspec_bases);
    while (const auto next = walk.next()) {
      std::vector<std::uint16_t> registers(next->count);
      const auto answer = read({unit_, devices::Table::holding, next->address, next->count}, registers);
      if (answer) {
        walk.answer(registers);
      } else if (answer.error().kind == ErrorKind::rejected && ends_walk(walk)) {
        walk.refuse();
      } else if (answer.error().kind == ErrorKind::timeout && walk.may_end_here()) {
        walk.refuse();
        if (auto again = connection_->connect(options_.timeout); !again) return tl::unexpected(again.error());
      } else {
        return tl::unexpected(answer.error());
      }
    }
    auto chain = walk.result();
    if (!chain) return fail(chain.error().kind, "{} unit {}: {}", key_, unit_, chain.error().text);
    return chain;
  }

  /// A busy device must not be remembered as one without models.
  bool ends_walk(const devices::ChainWalk& walk) const {
    const Refusal refusal = classify(connection_->last_exception());
    return refusal == Refusal::these_registers || (refusal == Refusal::device && walk.may_end_here());
  }

  Result<void> identify(const devices::Chain& chain) {
    if (!chain.common.empty()) {
      const devices::CommonBlock& common = chain.common.front();
      identity_ = {common.manufacturer, common.model, common.version, common.serial};
      return {};
    }
    const devices::IdentityFields& fields = template_.identity;
    for (const auto& [place, text] :
         {std::pair(&fields.manufacturer, &identity_.manufacturer), std::pair(&fields.model, &identity_.model),
          std::pair(&fields.version, &identity_.version), std::pair(&fields.serial, &identity_.serial)}) {
      if (!*place) continue;
      if (auto read = identify_by(**place, *text); !read) return read;
    }
    return {};
  }

  /// A device that does not tell its name is still a device.
  Result<void> identify_by(const devices::Register& place, std::string& text) {
    const devices::ReadRequest request{place.unit.value_or(unit_), place.table, place.address, devices::width(place)};
    std::vector<std::uint16_t> registers(request.count);
    if (auto answer = read(request, registers); !answer)
      return answer.error().kind == ErrorKind::rejected ? Result<void>{} : answer;
    devices::RegisterImage image;
    store(request, registers, image);
    if (place.type == devices::Type::string) {
      text = devices::decode_text(place, unit_, image).value_or("");
    } else if (const auto bits = devices::decode_bits(place, unit_, image)) {
      text = std::to_string(*bits);
    }
    return {};
  }

  // --- polling -------------------------------------------------------------------------------------------------------
  Result<ports::DevicePoll> fetch() {
    devices::RegisterImage image;
    ports::DevicePoll poll;
    bool timed = false;
    Error refused{ErrorKind::rejected,
                  fmt::format("{}: the device refuses every register of template {}", name_, template_.id)};
    for (std::size_t index = 0; index < plan_.size();) {
      PlannedRead& planned = plan_[index];
      if (planned.refused && clock_.now() - *planned.refused < kRefusedFor) {
        ++index;
        continue;
      }
      const devices::ReadRequest request = planned.request;
      std::vector<std::uint16_t> registers(request.count);
      const MonoTime asked = clock_.now();
      const auto answer = read(request, registers);
      if (answer) {
        planned.refused.reset();
        const bool fastest = covers_fastest(request);
        if (!timed && (fastest || image.empty())) poll.at = asked + (clock_.now() - asked) / 2;
        timed = timed || fastest;
        store(request, registers, image);
        ++index;
      } else if (!refuses_registers(answer.error())) {
        return tl::unexpected(answer.error());
      } else if (planned.one_value) {
        refused = answer.error();
        planned.refused = clock_.now();
        ++index;
      } else {
        cut(index);
      }
    }
    if (image.empty()) return tl::unexpected(refused);
    report(image, poll);
    return poll;
  }

  /// Replaces a refused read by one for each value in it, so that one unknown register does not hide its neighbours.
  void cut(std::size_t index) {
    const auto values = devices::values_within(*layout_, plan_[index].request);
    plan_.erase(plan_.begin() + static_cast<std::ptrdiff_t>(index));
    for (const devices::ReadRequest& value : values) plan_.push_back({value, true, std::nullopt});
  }

  void report(const devices::RegisterImage& image, ports::DevicePoll& poll) {
    auto decoded = devices::decode(*layout_, image);
    for (devices::Decoded& each : decoded) judge_zero(each);
    devices::place(options_.invert, options_.place, decoded);
    for (devices::Decoded& each : decoded)
      poll.values.push_back({each.what, each.value, std::move(each.source), std::move(each.raw), std::move(each.note)});
  }

  /// Some devices answer 0 for what they do not measure; who has shown a value before means it.
  void judge_zero(devices::Decoded& decoded) {
    bool& seen = seen_[static_cast<std::size_t>(decoded.what)];
    if (decoded.unsure && !seen) {
      decoded.value.reset();
      decoded.note = "zero, and never another value: the device may not measure it";
    }
    seen = seen || (decoded.value && *decoded.value != 0.0);
  }

  bool covers_fastest(const devices::ReadRequest& request) const {
    for (const Measurement what : kFastest) {
      for (const devices::Offer& offer : layout_->offers) {
        if (offer.what != what || offer.alternatives.empty()) continue;
        const auto* place = std::get_if<devices::Register>(&offer.alternatives.front().terms.front().source);
        return place && place->table == request.table && place->unit.value_or(unit_) == request.unit &&
               place->address >= request.address && place->address < request.address + request.count;
      }
    }
    return false;
  }

  bool refuses_registers(const Error& error) const {
    return error.kind == ErrorKind::rejected && classify(connection_->last_exception()) == Refusal::these_registers;
  }

  static void store(const devices::ReadRequest& request, const std::vector<std::uint16_t>& registers,
                    devices::RegisterImage& image) {
    auto& table = image[request.unit][request.table];
    for (std::size_t index = 0; index < registers.size(); ++index)
      table[static_cast<std::uint16_t>(request.address + index)] = registers[index];
  }

  // --- one request ---------------------------------------------------------------------------------------------------
  Result<void> read(const devices::ReadRequest& request, std::vector<std::uint16_t>& registers) {
    if (last_request_) {
      const Duration since = clock_.now() - *last_request_;
      if (auto waited = wait(template_.transport.request_spacing - since); !waited) return waited;
    }
    if (cancelled()) return cancellation();
    const auto table = static_cast<ports::RegisterTable>(request.table);
    auto answer = connection_->read(request.unit, table, request.address, registers, options_.timeout);
    last_request_ = clock_.now();
    return answer;
  }

  Result<void> wait(Duration duration) {
    const MonoTime deadline = clock_.now() + duration;
    std::unique_lock lock(mutex_);
    while (!cancelled_ && clock_.now() < deadline) clock_.wait_until(lock, wake_, deadline);
    if (cancelled_) return cancellation();
    return {};
  }

  tl::unexpected<Error> cancellation() const { return fail(ErrorKind::cancelled, "{}: cancelled", name_); }

  bool cancelled() {
    const std::lock_guard lock(mutex_);
    return cancelled_;
  }

  void set_running(bool running) {
    const std::lock_guard lock(mutex_);
    running_ = running;
    cancelled_ = false;
  }

  const std::string name_;
  const std::shared_ptr<ports::ModbusConnection> connection_;
  const std::string key_;
  const std::uint8_t unit_;
  const devices::Template template_;
  const DeviceOptions options_;
  const ports::Clock& clock_;

  // What discovery found, valid for one connection.
  std::optional<devices::Layout> layout_;
  std::uint64_t generation_ = 0;
  std::vector<PlannedRead> plan_;
  ports::DeviceIdentity identity_;

  std::array<bool, kMeasurementCount> seen_{};  ///< has had a value other than 0
  std::optional<MonoTime> last_request_;
  FailurePause pause_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  bool running_ = false;
  bool cancelled_ = false;
};

}  // namespace

std::unique_ptr<ports::Device> make_modbus_device(std::string name, std::shared_ptr<ports::ModbusConnection> connection,
                                                  std::string key, std::uint8_t unit,
                                                  const devices::Template& device_template, DeviceOptions options,
                                                  const ports::Clock& clock) {
  return std::make_unique<ModbusDevice>(std::move(name), std::move(connection), std::move(key), unit, device_template,
                                        options, clock);
}

}  // namespace sluice::io
