#include "devices/encode.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "devices/layout.hpp"
#include "devices/sunspec_models.hpp"

namespace sluice::devices {
namespace {

using Values = std::map<Measurement, double>;

constexpr int kFinestExponent = -2, kCoarsestExponent = 10;
constexpr std::uint16_t kMarker[] = {0x5375, 0x6E53};
constexpr std::uint16_t kEnd = 0xFFFF, kHeader = 2;

bool contains(const std::vector<std::uint16_t>& list, std::uint16_t id) {
  return std::ranges::find(list, id) != list.end();
}

/// Which models a chain must hold so that the chosen alternatives find their points.
class ChainPlan {
 public:
  ChainPlan(const Template& device_template, const EncodeOptions& options)
      : template_(device_template), options_(options) {}

  void plan(const Values& values) {
    devices_[0].try_emplace(std::uint16_t{1}, 0);
    std::vector<const Offer*> later;
    for (const Offer& offer : template_.offers) {
      if (!values.contains(offer.what) || offer.alternatives.empty()) continue;
      if (offer.alternatives.front().beside.empty() && require_first(offer)) continue;
      later.push_back(&offer);
    }
    // What only counts beside another model is chosen once it is known which models there are.
    for (const Offer* offer : later) require_first(*offer);
  }

  Chain build() const {
    Chain chain;
    std::uint32_t address = template_.sunspec_bases.front() + kHeader;
    for (const auto& [device, models] : devices_) {
      for (const auto& [id, groups] : models) {
        const Model& model = *find_model(id);
        const auto length = static_cast<std::uint16_t>(model.length + groups * model.group_length);
        chain.models.push_back({id, static_cast<std::uint16_t>(address), length, device});
        address += kHeader + unsigned{length};
      }
      CommonBlock common = options_.identity;
      const auto option = device_options_.find(device);
      if (option != device_options_.end()) common.option = option->second;
      chain.common.push_back(std::move(common));
    }
    return chain;
  }

 private:
  bool require_first(const Offer& offer) {
    for (const Alternative& alternative : offer.alternatives) {
      if (!std::ranges::all_of(alternative.beside, [&](std::uint16_t id) { return devices_[0].contains(id); }))
        continue;
      if (!possible(alternative)) continue;
      for_each_point(alternative, [&](const Point& point) { require(point); });
      return true;
    }
    return false;
  }

  bool possible(const Alternative& alternative) {
    bool all = true;
    for_each_point(alternative, [&](const Point& point) { all = all && choose(point) != 0; });
    return all;
  }

  template <class Visit>
  static void for_each_point(const Alternative& alternative, Visit&& visit) {
    const auto look = [&](const Source& source) {
      if (const auto* point = std::get_if<Point>(&source)) visit(*point);
    };
    for (const Term& term : alternative.terms) {
      look(term.source);
      for (const Condition& condition : term.where) look(condition.source);
    }
    for (const Condition& condition : alternative.when) look(condition.source);
  }

  static int device_of(const Point& point) { return point.device_option.empty() ? point.device : 1; }

  /// The model to build for a point: one that is there already, else the first allowed; 0 = none.
  std::uint16_t choose(const Point& point) {
    const auto& present = devices_[device_of(point)];
    for (const std::uint16_t id : point.models)
      if (present.contains(id)) return id;
    for (const std::uint16_t id : point.models)
      if (options_.models.empty() || contains(options_.models, id)) return id;
    return 0;
  }

  void require(const Point& point) {
    const int device = device_of(point);
    for (int index = 0; index <= device; ++index) devices_[index].try_emplace(std::uint16_t{1}, 0);
    if (!point.device_option.empty()) device_options_[device] = point.device_option;
    int& groups = devices_[device][choose(point)];
    const int wanted =
        point.group == kEveryGroup ? measurements_over_every_group(point) : std::max(point.group, point.of_groups);
    groups = std::max(groups, wanted);
  }

  /// Each such measurement may need a group of its own: PV ports and battery ports.
  int measurements_over_every_group(const Point& point) const {
    int count = 0;
    for (const Offer& offer : template_.offers) {
      bool uses = false;
      for (const Alternative& alternative : offer.alternatives)
        for_each_point(alternative, [&](const Point& other) {
          uses = uses || (other.group == kEveryGroup && other.models == point.models);
        });
      count += uses ? 1 : 0;
    }
    return count;
  }

  const Template& template_;
  const EncodeOptions& options_;
  std::map<int, std::map<std::uint16_t, int>> devices_;  // logical device → model → repeating groups
  std::map<int, std::string> device_options_;
};

/// Registers that the model tables do not name: counters read 0, everything else all ones.
std::uint16_t unnamed_register(std::uint16_t model_id) { return model_id >= 201 && model_id <= 204 ? 0 : 0xFFFF; }

void write_points(std::span<const ModelPoint> points, unsigned start, std::uint8_t unit, RegisterImage& image) {
  for (const ModelPoint& point : points) {
    Register place;
    place.type = point.type;
    place.length = point.length;
    place.absent = Absent::signed_min;
    place.address = static_cast<std::uint16_t>(start + point.offset);
    encode_absent(place, unit, image);
  }
}

void write_common(const FoundModel& found, const CommonBlock& common, std::uint8_t unit, RegisterImage& image) {
  const auto text = [&](std::string_view name, std::string_view value) {
    const ModelPoint* point = find_point(*find_model(1), name);
    Register place;
    place.type = Type::string;
    place.length = point->length;
    place.address = static_cast<std::uint16_t>(found.address + point->offset);
    encode_text(place, unit, value, image);
  };
  text("Mn", common.manufacturer);
  text("Md", common.model);
  text("Opt", common.option);
  text("Vr", common.version);
  text("SN", common.serial);
  image[unit][Table::holding][static_cast<std::uint16_t>(found.address + find_point(*find_model(1), "DA")->offset)] =
      unit;
}

/// The whole chain, every point "not implemented".
void write_chain(const Chain& chain, std::uint16_t base, std::uint8_t unit, RegisterImage& image) {
  auto& table = image[unit][Table::holding];
  table[base] = kMarker[0];
  table[static_cast<std::uint16_t>(base + 1)] = kMarker[1];
  unsigned end = base + kHeader;
  for (const FoundModel& found : chain.models) {
    const Model& model = *find_model(found.id);
    end = found.address + kHeader + unsigned{found.length};
    for (unsigned address = found.address; address < end; ++address)
      table[static_cast<std::uint16_t>(address)] = unnamed_register(found.id);
    table[found.address] = found.id;
    table[static_cast<std::uint16_t>(found.address + 1)] = found.length;
    write_points(model.points, found.address, unit, image);
    const unsigned groups = model.group_length == 0 ? 0 : (found.length - model.length) / unsigned{model.group_length};
    for (unsigned group = 0; group < groups; ++group)
      write_points(model.group_points, found.address + kHeader + model.length + group * model.group_length, unit,
                   image);
    if (model.count_offset != 0)
      table[static_cast<std::uint16_t>(found.address + model.count_offset)] = static_cast<std::uint16_t>(groups);
    if (found.id == 1) write_common(found, chain.common[static_cast<std::size_t>(found.device)], unit, image);
  }
  table[static_cast<std::uint16_t>(end)] = kEnd;
  table[static_cast<std::uint16_t>(end + 1)] = 0;
}

/// Collects what each register shall show, and writes it once the common exponents are known.
class Writer {
 public:
  explicit Writer(const Layout& layout) : layout_(layout) {}

  void measurement(const Alternative& alternative, double value) {
    const std::vector<Term>& terms = alternative.terms;
    if (terms.size() == 1 && !terms.front().values.empty()) return give(terms.front(), value);
    double remainder = value;
    std::vector<const Term*> open;
    for (const Term& term : terms) {
      if (const auto* fixed = std::get_if<double>(&term.source)) {
        remainder -= *fixed;
      } else if (!possible(term.where)) {
        continue;  // this repeating group serves another measurement
      } else if (const auto held = pinned(std::get<Register>(term.source))) {
        remainder -= *held;
      } else if (claim_all(term.where)) {
        open.push_back(&term);
        if (!term.where.empty()) break;  // one repeating group is enough
      }
    }
    const Term* taker = nullptr;
    for (const Term* term : open)
      if (!taker && can_hold(*term, remainder)) taker = term;
    for (const Term* term : open) give(*term, term == taker ? remainder : 0.0);
  }

  /// Makes the conditions true, as far as nothing else decides these registers.
  bool claim_all(const std::vector<Condition>& conditions) {
    if (!possible(conditions)) return false;
    for (const Condition& condition : conditions) {
      const Register& place = std::get<Register>(condition.source);
      if (!pinned(place)) numbers_.push_back({place, satisfying(condition)});
    }
    return true;
  }

  void write(RegisterImage& image) const {
    for (const Entry& entry : numbers_) {
      const int exponent = entry.place.exponent_address ? common_exponent(entry.place) : 0;
      if (representable(entry.place, entry.value, exponent)) {
        encode(entry.place, layout_.unit, entry.value, exponent, image);
      } else {
        encode_absent(entry.place, layout_.unit, image);
      }
    }
    for (const Word& word : words_) encode_bits(word.place, layout_.unit, word.bits, image);
  }

 private:
  struct Entry {
    Register place;
    double value = 0.0;
  };
  struct Word {
    Register place;
    std::uint64_t bits = 0;
    std::vector<std::pair<const Term*, double>> meanings;  ///< what the word must say, by term
  };

  auto key(const Register& place) const {
    return std::tuple(place.unit.value_or(layout_.unit), place.table, place.address);
  }

  /// Nothing that is decided already contradicts the conditions.
  bool possible(const std::vector<Condition>& conditions) const {
    return std::ranges::all_of(conditions, [&](const Condition& each) {
      const auto held = pinned(std::get<Register>(each.source));
      return !held || satisfied(each, *held);
    });
  }

  std::optional<double> pinned(const Register& place) const {
    for (const Entry& entry : numbers_)
      if (key(entry.place) == key(place)) return entry.value * (place.scale / entry.place.scale);
    for (const Word& word : words_)
      if (key(word.place) == key(place)) return static_cast<double>(word.bits);
    return std::nullopt;
  }

  static bool satisfied(const Condition& condition, double value) {
    const auto listed = [&](const std::vector<double>& list) { return std::ranges::find(list, value) != list.end(); };
    return (condition.is.empty() || listed(condition.is)) && !listed(condition.is_not) &&
           (!condition.at_least || value >= *condition.at_least);
  }

  static double satisfying(const Condition& condition) {
    if (!condition.is.empty()) return condition.is.front();
    double value = std::max(condition.at_least.value_or(0.0), 0.0);
    while (!satisfied(condition, value)) ++value;
    return value;
  }

  static bool can_hold(const Term& term, double value) {
    if (term.bit || !term.values.empty()) return true;
    const Register& place = std::get<Register>(term.source);
    if (!place.exponent_address) return representable(place, value, 0);
    // An exponent so coarse that the value vanishes does not hold it.
    for (int exponent = kFinestExponent; exponent <= kCoarsestExponent; ++exponent) {
      const bool visible = value == 0.0 || std::fabs(value / place.scale) >= std::pow(10.0, exponent);
      if (visible && representable(place, value, exponent)) return true;
    }
    return false;
  }

  void give(const Term& term, double value) {
    const Register& place = std::get<Register>(term.source);
    if (term.bit) {
      words_.push_back({place, value != 0.0 ? 1ULL << *term.bit : 0ULL, {}});
    } else if (!term.values.empty()) {
      give_word(term, value);
    } else {
      numbers_.push_back({place, value});
    }
  }

  /// Several measurements may be read from one status word: it must say all that was asked for.
  void give_word(const Term& term, double value) {
    const Register& place = std::get<Register>(term.source);
    auto word = std::ranges::find_if(words_, [&](const Word& each) { return key(each.place) == key(place); });
    if (word == words_.end()) word = words_.insert(words_.end(), Word{place, 0, {}});
    word->meanings.emplace_back(&term, value);
    for (const auto& [known, meaning] : term.values) {
      if (meaning == value && says_all(*word, known)) {
        word->bits = known;
        return;
      }
    }
    if (says_all(*word, word->bits)) return;
    for (word->bits = 0; term.values.contains(word->bits);) ++word->bits;
  }

  static bool says_all(const Word& word, std::uint64_t bits) {
    return std::ranges::all_of(word.meanings, [&](const auto& wanted) {
      const auto known = wanted.first->values.find(bits);
      return (known != wanted.first->values.end() ? std::optional(known->second) : wanted.first->other) ==
             wanted.second;
    });
  }

  /// The finest exponent that holds every value which shares the scale factor.
  int common_exponent(const Register& place) const {
    for (int exponent = kFinestExponent; exponent < kCoarsestExponent; ++exponent) {
      const bool fits = std::ranges::all_of(numbers_, [&](const Entry& entry) {
        const bool shares = entry.place.exponent_address == place.exponent_address &&
                            entry.place.table == place.table && entry.place.unit == place.unit;
        return !shares || representable(entry.place, entry.value, exponent);
      });
      if (fits) return exponent;
    }
    return kCoarsestExponent;
  }

  const Layout& layout_;
  std::vector<Entry> numbers_;
  std::vector<Word> words_;
};

/// What a client reads and nobody has written is "not available"; what lies between is filler.
void fill_reads(const Layout& layout, RegisterImage& image) {
  const auto fill = [&](const Source& source) {
    const auto* place = std::get_if<Register>(&source);
    if (!place) return;
    const auto& table = image[place->unit.value_or(layout.unit)][place->table];
    if (!table.contains(place->address)) encode_absent(*place, layout.unit, image);
  };
  for (const Offer& offer : layout.offers) {
    for (const Alternative& alternative : offer.alternatives) {
      for (const Term& term : alternative.terms) {
        fill(term.source);
        for (const Condition& condition : term.where) fill(condition.source);
      }
      for (const Condition& condition : alternative.when) fill(condition.source);
    }
  }
  for (const ReadRequest& read : layout.reads)
    for (unsigned index = 0; index < read.count; ++index)
      image[read.unit][read.table].try_emplace(static_cast<std::uint16_t>(read.address + index), std::uint16_t{0});
}

void write_identity(const IdentityFields& fields, const CommonBlock& identity, std::uint8_t unit,
                    RegisterImage& image) {
  const auto write = [&](const std::optional<Register>& place, const std::string& text) {
    if (place && place->type == Type::string) encode_text(*place, unit, text, image);
    if (place && place->type != Type::string) encode_bits(*place, unit, 1, image);
  };
  write(fields.manufacturer, identity.manufacturer);
  write(fields.model, identity.model);
  write(fields.version, identity.version);
  write(fields.serial, identity.serial);
}

}  // namespace

RegisterImage encode(const Template& device_template, const Values& values, const EncodeOptions& options) {
  const std::uint8_t unit = options.unit.value_or(device_template.unit);
  RegisterImage image;
  Chain chain;
  if (!device_template.sunspec_bases.empty()) {
    ChainPlan plan(device_template, options);
    plan.plan(values);
    chain = plan.build();
    write_chain(chain, device_template.sunspec_bases.front(), unit, image);
  }
  const Layout layout = resolve(device_template, chain, unit);
  Writer writer(layout);
  // Single registers first: a sum then spreads only over what is still open.
  for (const bool sums : {false, true}) {
    for (const Offer& offer : layout.offers) {
      const auto value = values.find(offer.what);
      if (value == values.end() || offer.alternatives.empty()) continue;
      const Alternative& first = offer.alternatives.front();
      if ((first.terms.size() > 1) == sums) writer.measurement(first, value->second);
    }
  }
  for (const Offer& offer : layout.offers)
    if (values.contains(offer.what) && !offer.alternatives.empty()) writer.claim_all(offer.alternatives.front().when);
  write_identity(device_template.identity, options.identity, unit, image);
  writer.write(image);
  fill_reads(layout, image);
  return image;
}

}  // namespace sluice::devices
