#include "devices/layout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "devices/sunspec_models.hpp"

namespace sluice::devices {
namespace {

constexpr std::uint16_t kHeader = 2;  // ID and length registers

int groups_of(const FoundModel& found, const Model& model) {
  if (model.group_length == 0 || found.length < model.length) return 0;
  return (found.length - model.length) / model.group_length;
}

bool has_model(const Chain& chain, std::uint16_t id) {
  return std::ranges::any_of(chain.models, [&](const FoundModel& found) { return found.id == id; });
}

int device_index(const Point& point, const Chain& chain) {
  if (point.device_option.empty()) return point.device;
  for (std::size_t index = 0; index < chain.common.size(); ++index)
    if (chain.common[index].option.starts_with(point.device_option)) return static_cast<int>(index);
  return -1;
}

/// The model that a point refers to on this device.
const FoundModel* locate(const Point& point, const Chain& chain) {
  const int device = device_index(point, chain);
  for (const std::uint16_t id : point.models)
    for (const FoundModel& found : chain.models)
      if (found.id == id && found.device == device) return &found;
  return nullptr;
}

std::optional<NullFrame> null_frame(const FoundModel& found) {
  if (found.id < 101 || found.id > 103) return std::nullopt;
  const Model& model = *find_model(found.id);
  const auto at = [&](std::string_view name) {
    return static_cast<std::uint16_t>(found.address + find_point(model, name)->offset);
  };
  return NullFrame{at("W"), at("W_SF"), at("St")};
}

/// The registers of a point in group `group` (1…, 0 = fixed block); nothing when the model is too short to hold it.
std::optional<Register> place(const Point& point, const FoundModel& found, int group) {
  const Model& model = *find_model(found.id);
  const ModelPoint* entry = find_point(model, point.name);
  if (!entry) return std::nullopt;
  Register where;
  where.type = entry->type;
  where.length = entry->length;
  where.absent = Absent::signed_min;
  where.scale = point.scale;
  where.min = point.min;
  where.max = point.max;
  where.exponent_optional = entry->exponent_optional;
  unsigned offset = entry->offset;
  if (group > 0) offset += kHeader + model.length + static_cast<unsigned>(group - 1) * model.group_length;
  if (offset + width(where) > kHeader + unsigned{found.length}) return std::nullopt;
  where.address = static_cast<std::uint16_t>(found.address + offset);
  if (entry->exponent != kNoExponent)
    where.exponent_address = static_cast<std::uint16_t>(found.address + entry->exponent);
  if (point.name != "St") where.frame = null_frame(found);
  where.origin = group > 0 ? fmt::format("model {}:{} {}", found.id, group, point.name)
                           : fmt::format("model {} {}", found.id, point.name);
  return where;
}

class Resolver {
 public:
  explicit Resolver(const Chain& chain) : chain_(chain) {}

  std::optional<Alternative> alternative(const Alternative& original) const {
    for (const std::uint16_t id : original.beside)
      if (!has_model(chain_, id)) return std::nullopt;
    Alternative resolved = original;
    resolved.terms.clear();
    for (const Term& term : original.terms) {
      const auto terms = spread(term);
      if (terms.empty() && !term.optional) return std::nullopt;
      resolved.terms.insert(resolved.terms.end(), terms.begin(), terms.end());
    }
    if (resolved.terms.empty() || !conditions(resolved.when, 0)) return std::nullopt;
    if (resolved.otherwise && !conditions(resolved.otherwise->when, 0)) resolved.otherwise.reset();
    return resolved;
  }

 private:
  /// One term a repeating group; empty when the device does not have the point.
  std::vector<Term> spread(const Term& term) const {
    const auto* point = std::get_if<Point>(&term.source);
    if (!point) {
      Term same = term;
      return conditions(same.where, 0) ? std::vector{same} : std::vector<Term>{};
    }
    const FoundModel* found = locate(*point, chain_);
    if (!found) return {};
    const int groups = groups_of(*found, *find_model(found->id));
    if (point->of_groups != 0 && point->of_groups != groups) return {};
    const bool every = point->group == kEveryGroup;
    std::vector<Term> terms;
    for (int group = every ? 1 : point->group; group <= (every ? groups : point->group); ++group) {
      Term one = term;
      const auto where = place(*point, *found, group);
      if (!where || !conditions(one.where, group)) continue;
      one.source = *where;
      one.optional = term.optional || every;
      terms.push_back(one);
    }
    return terms;
  }

  /// Replaces points by registers; a point of `kEveryGroup` means the same group as its term. False when the device
  /// does not have one of them.
  bool conditions(std::vector<Condition>& list, int group) const {
    for (Condition& condition : list) {
      const auto* point = std::get_if<Point>(&condition.source);
      if (!point) continue;
      const FoundModel* found = locate(*point, chain_);
      const auto where =
          found ? place(*point, *found, point->group == kEveryGroup ? group : point->group) : std::nullopt;
      if (!where) return false;
      condition.source = *where;
    }
    return true;
  }

  const Chain& chain_;
};

/// Registers that must come in one answer.
struct Span {
  std::uint8_t unit = 0;
  Table table = Table::holding;
  std::uint16_t first = 0, last = 0;
  bool operator==(const Span&) const = default;
  auto operator<=>(const Span&) const = default;
  std::uint32_t size() const { return static_cast<std::uint32_t>(last - first) + 1; }
};

void add_spans(const Register& where, const Layout& layout, std::uint16_t max_registers, std::vector<Span>& spans) {
  const std::uint8_t unit = where.unit.value_or(layout.unit);
  const auto last = static_cast<std::uint16_t>(where.address + width(where) - 1);
  const Span value{unit, where.table, where.address, last};
  Span whole = value;
  const auto include = [&](std::uint16_t address) {
    whole.first = std::min(whole.first, address);
    whole.last = std::max(whole.last, address);
  };
  if (where.exponent_address) include(*where.exponent_address);
  if (where.frame)
    for (const std::uint16_t address :
         {where.frame->power_address, where.frame->exponent_address, where.frame->state_address})
      include(address);
  if (whole.size() <= max_registers) {
    spans.push_back(whole);
    return;
  }
  // A scale factor farther away than one answer reaches is read apart, in the same poll.
  spans.push_back(value);
  if (where.exponent_address) spans.push_back({unit, where.table, *where.exponent_address, *where.exponent_address});
}

std::vector<Span> spans_of(const Layout& layout, std::uint16_t max_registers) {
  std::vector<Span> spans;
  const auto add = [&](const Source& source) {
    if (const auto* where = std::get_if<Register>(&source)) add_spans(*where, layout, max_registers, spans);
  };
  const auto add_all = [&](const std::vector<Condition>& list) {
    for (const Condition& condition : list) add(condition.source);
  };
  for (const Offer& offer : layout.offers) {
    for (const Alternative& alternative : offer.alternatives) {
      for (const Term& term : alternative.terms) {
        add(term.source);
        add_all(term.where);
      }
      add_all(alternative.when);
      if (alternative.otherwise) add_all(alternative.otherwise->when);
    }
  }
  std::ranges::sort(spans);
  spans.erase(std::unique(spans.begin(), spans.end()), spans.end());
  return spans;
}

ReadRequest to_request(const Span& span) {
  return {span.unit, span.table, span.first, static_cast<std::uint16_t>(span.size())};
}

/// Joins neighbours while the answer stays within the device's limits.
std::vector<ReadRequest> plan(const std::vector<Span>& spans, std::uint16_t max_registers, std::uint16_t max_gap) {
  std::vector<ReadRequest> reads;
  std::optional<Span> open;
  for (const Span& span : spans) {
    if (open && open->unit == span.unit && open->table == span.table && span.first <= open->last + 1U + max_gap &&
        std::max(open->last, span.last) - open->first < max_registers) {
      open->last = std::max(open->last, span.last);
      continue;
    }
    if (open) reads.push_back(to_request(*open));
    open = span;
  }
  if (open) reads.push_back(to_request(*open));
  return reads;
}

/// A number from a source, for sums and conditions.
Number number_of(const Source& source, const Layout& layout, const RegisterImage& image) {
  if (const auto* fixed = std::get_if<double>(&source)) return {*fixed, true, {}, {}};
  return decode(std::get<Register>(source), layout.unit, image);
}

bool holds(const Condition& condition, const Layout& layout, const RegisterImage& image) {
  const Number number = number_of(condition.source, layout, image);
  if (!number.value) return false;
  const double value = *number.value;
  if (!condition.is.empty() && std::ranges::find(condition.is, value) == condition.is.end()) return false;
  if (std::ranges::find(condition.is_not, value) != condition.is_not.end()) return false;
  return !condition.at_least || value >= *condition.at_least;
}

bool all_hold(const std::vector<Condition>& conditions, const Layout& layout, const RegisterImage& image) {
  return std::ranges::all_of(conditions, [&](const Condition& each) { return holds(each, layout, image); });
}

/// A term's number: read plainly, or as a bit or a listed word.
Number term_value(const Term& term, const Layout& layout, const RegisterImage& image) {
  Number number = number_of(term.source, layout, image);
  if (!number.value || (!term.bit && term.values.empty())) return number;
  const auto bits = decode_bits(std::get<Register>(term.source), layout.unit, image);
  if (!bits) return number;
  if (term.bit) {
    number.value = (*bits >> *term.bit & 1U) != 0 ? 1.0 : 0.0;
    return number;
  }
  const auto known = term.values.find(*bits);
  number.value = known != term.values.end() ? std::optional(known->second) : term.other;
  if (!number.value) number.note = fmt::format("unknown code {}", *bits);
  return number;
}

std::string describe(const Register& where, const Layout& layout) {
  const std::string place =
      fmt::format("{} {}{}", where.table == Table::holding ? "holding" : "input", where.address,
                  where.unit && *where.unit != layout.unit ? fmt::format(" unit {}", *where.unit) : "");
  return where.origin.empty() ? fmt::format("{} {}", place, to_string(where.type))
                              : fmt::format("{} @{}", where.origin, where.address);
}

/// The outcome of one alternative: `applies` false sends the caller to the next one.
struct Outcome {
  bool applies = true;
  Decoded decoded;
};

Outcome evaluate(const Alternative& alternative, const Layout& layout, const RegisterImage& image) {
  Outcome outcome;
  Decoded& decoded = outcome.decoded;
  if (!all_hold(alternative.when, layout, image)) {
    decoded.note = "its condition does not hold";
    outcome.applies = false;
    return outcome;
  }
  double sum = 0.0;
  bool any = false, missing = false, all_zero = true;
  for (const Term& term : alternative.terms) {
    if (!all_hold(term.where, layout, image)) continue;
    const Number number = term_value(term, layout, image);
    if (const auto* where = std::get_if<Register>(&term.source))
      decoded.source += (decoded.source.empty() ? "" : " + ") + describe(*where, layout);
    decoded.raw.insert(decoded.raw.end(), number.raw.begin(), number.raw.end());
    if (number.value) {
      any = true;
      sum += *number.value;
      all_zero = all_zero && *number.value == 0.0;
      continue;
    }
    decoded.note = number.note;
    if (!number.served && !term.optional) outcome.applies = false;
    if (!term.optional) missing = true;
  }
  if (alternative.dc_side && !decoded.source.empty()) decoded.source += " (DC side)";
  if (missing || !any) {
    if (decoded.note.empty()) decoded.note = "no part of the sum is there";
    if (outcome.applies && alternative.otherwise && all_hold(alternative.otherwise->when, layout, image)) {
      decoded.value = alternative.otherwise->value;
    }
    return outcome;
  }
  if (alternative.zero_means_gone && all_zero) {
    decoded.note = "zero: how this device says that the value is gone";
    return outcome;
  }
  decoded.unsure = alternative.zero_unless_seen && all_zero;
  decoded.note.clear();
  decoded.value = alternative.at_least ? std::max(sum, *alternative.at_least) : sum;
  return outcome;
}

}  // namespace

Layout resolve(const Template& device_template, const Chain& chain, std::uint8_t unit) {
  Layout layout;
  layout.unit = unit;
  const Resolver resolver(chain);
  for (const Offer& offer : device_template.offers) {
    Offer resolved{offer.what, {}};
    for (const Alternative& alternative : offer.alternatives)
      if (auto usable = resolver.alternative(alternative)) resolved.alternatives.push_back(std::move(*usable));
    layout.offers.push_back(std::move(resolved));
  }
  const Transport& limits = device_template.transport;
  layout.reads = plan(spans_of(layout, limits.max_registers), limits.max_registers, limits.max_gap);
  return layout;
}

std::vector<ReadRequest> values_within(const Layout& layout, const ReadRequest& request) {
  std::vector<Span> inside;
  for (const Span& span : spans_of(layout, request.count)) {
    if (span.unit == request.unit && span.table == request.table && span.first >= request.address &&
        span.last < request.address + request.count)
      inside.push_back(span);
  }
  std::vector<ReadRequest> requests;
  for (const Span& span : inside) requests.push_back(to_request(span));
  return requests;
}

std::vector<Decoded> decode(const Layout& layout, const RegisterImage& image) {
  std::vector<Decoded> all;
  for (const Offer& offer : layout.offers) {
    Decoded decoded;
    decoded.note = "the device has no such value";
    for (const Alternative& alternative : offer.alternatives) {
      Outcome outcome = evaluate(alternative, layout, image);
      decoded = std::move(outcome.decoded);
      if (outcome.applies) break;
    }
    decoded.what = offer.what;
    all.push_back(std::move(decoded));
  }
  return all;
}

}  // namespace sluice::devices
