#pragma once
/// A device template: one YAML file that says what a device measures and where. Pure data; the same template decodes a
/// real device and encodes an emulated one. docs/guide/write-a-device-template.md explains the file.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "devices/message.hpp"
#include "devices/register.hpp"
#include "model/measurement.hpp"
#include "yaml/diagnostic.hpp"

namespace sluice::devices {

inline constexpr int kEveryGroup = -1;

/// A SunSpec point by name: found in the device's model chain, wherever the chain puts it.
struct Point {
  std::vector<std::uint16_t> models;  ///< the first of these that the device has
  std::string name;
  int group = 0;              ///< repeating group, 1…; `kEveryGroup`; 0 = the fixed block
  int of_groups = 0;          ///< only when the model has exactly this many groups; 0 = any
  int device = 0;             ///< logical device: which model 1 of the chain, 0…
  std::string device_option;  ///< instead: the logical device whose `Opt` starts with this
  double scale = 1.0;
  std::optional<double> min, max;
};

/// Where a number comes from: registers, a SunSpec point, or a fixed number.
using Source = std::variant<Register, Point, double>;

/// Holds when the number is there and satisfies every restriction that is given.
struct Condition {
  Source source;
  std::vector<double> is;      ///< one of these
  std::vector<double> is_not;  ///< none of these
  std::optional<double> at_least;
};

/// One summand.
struct Term {
  Source source;
  std::optional<int> bit;                  ///< the value is this bit of the raw word: 0 or 1
  std::map<std::uint64_t, double> values;  ///< the value is looked up by the raw word
  std::optional<double> other;             ///< … and is this for a word that is not listed
  bool optional = false;                   ///< absent counts as nothing, as long as another summand is there
  std::vector<Condition> where;            ///< takes part in the sum only if all of these hold
};

/// The value while the summands have none, under a condition: PV is 0 while the inverter says that it sleeps.
struct Otherwise {
  double value = 0.0;
  std::vector<Condition> when;
};

/// One way to obtain a measurement. It applies when the device has all its registers and every `when` holds.
struct Alternative {
  std::vector<Term> terms;
  std::vector<Condition> when;
  std::vector<std::uint16_t> beside;  ///< only when the device also has these SunSpec models
  std::optional<double> at_least;     ///< smaller sums become this
  bool zero_means_gone = false;       ///< all summands exactly 0 is how the device says "no value"
  bool zero_unless_seen = false;      ///< … unless it has shown another value before
  bool dc_side = false;               ///< watts before the inverter, not at the house bus
  std::optional<Otherwise> otherwise;
};

struct Offer {
  Measurement what{};
  std::vector<Alternative> alternatives;  ///< the first that applies counts
};

/// What the device says of itself, by field: manufacturer, model, version, serial.
struct IdentityFields {
  std::optional<Register> manufacturer, model, version, serial;
};

/// The holding register that keeps the battery from discharging while it holds `write`. What stood in it before is
/// written back to release it.
struct RegisterHold {
  Register place;
  std::uint64_t write = 0;  ///< raw pattern, right-aligned
};

struct Transport {
  std::uint16_t max_registers = 125;  ///< per request
  std::uint16_t max_gap = 0;          ///< unneeded registers that one request may span
  Duration poll_interval{};           ///< least time between two polls
  Duration request_spacing{};         ///< least pause between two requests
  Duration connect_delay{};           ///< pause between connecting and the first request
  bool digest_login = false;          ///< HTTP: it asks for that scheme, so no other is tried
};

struct Template {
  std::string id, title, checked, notes;  ///< `checked`: date of the last comparison with the sources
  std::string file;
  std::vector<std::string> roles;  ///< grid, pv, battery, hybrid, house, load, room, switch
  std::uint8_t unit = 1;           ///< the vendor's usual unit id
  Transport transport;
  std::vector<std::uint16_t> sunspec_bases;  ///< where to look for the chain; empty = no SunSpec point is used
  IdentityFields identity;
  std::vector<Offer> offers;
  std::optional<RegisterHold> hold;
  std::optional<MessageFormat> messages;  ///< it speaks HTTP or MQTT: then this counts, and nothing about registers

  bool measures(Measurement what) const;
  /// It can be told to let power through or not, and says which.
  bool can_switch() const { return messages && messages->power && measures(Measurement::switch_on); }
  /// The battery behind it can be told not to discharge.
  bool can_hold() const { return hold || (messages && messages->hold); }
};

using yaml::Diagnostic;

struct ParsedTemplate {
  std::optional<Template> value;  ///< absent when there is any diagnostic
  std::vector<Diagnostic> diagnostics;
};

/// Parses and lints: unknown and duplicate keys, wrong types, unknown points, values longer than a request, ranges that
/// cannot be. Reports every mistake, not only the first. `file` is for the messages.
ParsedTemplate parse_template(std::string_view yaml, const std::string& file);
/// The same; the error text holds one line a mistake.
Result<Template> load_template(std::string_view yaml, const std::string& file);

}  // namespace sluice::devices
