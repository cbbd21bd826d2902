#pragma once
/// The one table of everything that may be written in sluice.yaml. The decoder, the JSON schema, the reference page and
/// the tests read it; nothing else knows the names of keys. Defaults are not in it: they are what a default-constructed
/// `Config` holds, and `show` tells them.

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/config.hpp"

namespace sluice::config {

enum class FieldType : std::uint8_t {
  section,  ///< a map with fields of its own
  list,     ///< a list of such maps
  text,
  name,  ///< see `valid_name`
  host,
  mac,
  path,  ///< absolute
  url,   ///< http:// or https://
  boolean,
  integer,
  number,
  choice,
  choices,  ///< one choice or a list of them
  texts,    ///< a list of absolute paths
  secret,   ///< {secret: name} or {value: text}
  curve,    ///< [[soc_pct, share], …], ascending
  share,    ///< `forecast`, a number 0…1, or a curve
  working,  ///< [[watts, ths], …], both ascending
  names,    ///< a list of names
  date,     ///< month and day, `11-01`
  windows,  ///< `22:00-06:00`, or a list of them
  options,  ///< a map of scalars that the adapter's manifest or the device's template describes
};

/// What the decoder read for one field, already checked against its row.
struct Value {
  std::string text;  ///< as written
  double number = 0.0;
  bool boolean = false;
  std::vector<std::size_t> choices;  ///< indices into `Field::choices`
  std::vector<std::string> texts;
  std::vector<std::pair<double, double>> curve;            ///< windows: minutes of the day
  std::vector<std::pair<std::string, std::string>> pairs;  ///< secret: one pair; options: all
  std::string_view unit;
};

struct Field {
  std::string_view name;
  FieldType type = FieldType::text;
  std::string_view unit = "";
  double low = 0.0;  ///< of numbers; of lists: the fewest items
  double high = std::numeric_limits<double>::infinity();
  bool required = false;
  bool restart = false;  ///< a change takes effect at the next start, not on reload
  std::span<const std::string_view> choices = {};
  std::string_view fallback = "";  ///< the default in words, where a plain value cannot tell it
  std::string_view text = "";      ///< for the reference: what it means
  std::span<const Field> fields = {};
  /// Writes a value into the struct the section belongs to.
  void (*store)(void* target, const Value& value) = nullptr;
  /// The value there, as it would be written; empty when there is none.
  std::string (*show)(const void* target, const Field& field) = nullptr;
  /// Sections: the struct inside `target` that the fields belong to. Lists: a new element at the end.
  void* (*enter)(void* target) = nullptr;
};

/// The top level of the file; its target is a `Config`.
std::span<const Field> config_fields();

/// "a number from 1 to 400 A", "true or false", "one of park, minimum, leave".
std::string expected(const Field& field);

/// "1000000" and "0.25", not "1e+06": as the decoder reads it back.
std::string plain_text(double value);

}  // namespace sluice::config
