#include "feeds/documents.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <set>

#include "feeds/xml.hpp"

namespace sluice::feeds {
namespace {

constexpr double kKwhAMwh = 1000.0;
constexpr auto kEst = std::chrono::hours(-5);

Zone utc() { return fixed_zone(std::chrono::seconds(0)); }

std::optional<int> whole(std::string_view text, int low, int high) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < low || value > high) return std::nullopt;
  return value;
}

/// `PT15M`, `PT60M`, `PT1H`; 0 for anything else.
Duration resolution(std::string_view text) {
  if (!text.starts_with("PT") || text.size() < 4) return {};
  const int count = whole(text.substr(2, text.size() - 3), 1, 60).value_or(0);
  if (text.ends_with('M')) return std::chrono::minutes(count);
  return text.ends_with('H') ? Duration(std::chrono::hours(count)) : Duration{};
}

class EntsoeReader {
 public:
  EntsoeReader(const Definition& definition, Rows& rows) : definition_(definition), rows_(rows) {}

  Result<void> read(const XmlElement& root) {
    if (root.name == "Acknowledgement_MarketDocument") return acknowledged(root);
    if (root.name != "Publication_MarketDocument")
      return fail(ErrorKind::protocol, "a {} where a Publication_MarketDocument was expected", root.name);
    for (const XmlElement& child : root.children) {
      if (child.name != "TimeSeries") continue;
      if (auto done = time_series(child); !done) return done;
    }
    if (found_.empty() && !other_auctions_.empty())
      return fail(ErrorKind::protocol, "no auction with sequence {}; there are: {}", definition_.sequence,
                  fmt::join(other_auctions_, ", "));
    auto& to = rows_.of[static_cast<std::size_t>(definition_.series.front().use)];
    drop_the_coarser();
    for (const auto& [begin, row] : found_) to.push_back(row);
    return {};
  }

 private:
  Result<void> acknowledged(const XmlElement& root) {
    const XmlElement* reason = root.find("Reason");
    const std::string text(reason == nullptr ? "no reason given" : reason->value("text"));
    if (text.find("No matching data") == std::string::npos) return fail(ErrorKind::rejected, "ENTSO-E says: {}", text);
    rows_.unpublished = true;
    return {};
  }

  Result<void> time_series(const XmlElement& series) {
    const auto position = series.value("classificationSequence_AttributeInstanceComponent.position");
    if (!position.empty() && position != definition_.sequence) {
      other_auctions_.emplace(position);
      return {};
    }
    if (const auto currency = series.value("currency_Unit.name"); currency != definition_.currency)
      return fail(ErrorKind::protocol, "prices in {} where {} was expected", currency, definition_.currency);
    if (const auto unit = series.value("price_Measure_Unit.name"); unit != "MWH")
      return fail(ErrorKind::protocol, "prices per {} where MWH was expected", unit);
    const auto curve = series.value("curveType");
    if (curve != "A01" && curve != "A03") return fail(ErrorKind::protocol, "curve type {} is not known", curve);
    for (const XmlElement& child : series.children) {
      if (child.name != "Period") continue;
      if (auto done = period(child, curve == "A03"); !done) return done;
    }
    return {};
  }

  Result<void> period(const XmlElement& period, bool repeats) {
    const XmlElement* interval = period.find("timeInterval");
    if (interval == nullptr) return fail(ErrorKind::protocol, "a period without its timeInterval");
    const WallTime begin = parse_iso(interval->value("start"), utc()).value_or(WallTime{});
    const WallTime end = parse_iso(interval->value("end"), utc()).value_or(WallTime{});
    const Duration step = resolution(period.value("resolution"));
    if (begin == WallTime{} || begin >= end) return fail(ErrorKind::protocol, "a period without its timeInterval");
    if (step == Duration{}) return fail(ErrorKind::protocol, "resolution {} is not known", period.value("resolution"));
    const auto count = static_cast<int>((end - begin) / step);
    std::map<int, double> points;
    for (const XmlElement& child : period.children) {
      if (child.name != "Point") continue;
      const int position = whole(child.value("position"), 1, count).value_or(0);
      const auto price = decimal(child.value("price.amount"));
      if (position == 0) return fail(ErrorKind::protocol, "position {} is not in 1…{}", child.value("position"), count);
      if (!price) return fail(ErrorKind::protocol, "price.amount {} is no number", child.value("price.amount"));
      if (!points.emplace(position, *price).second)
        return fail(ErrorKind::protocol, "position {} stands there twice", position);
    }
    return place(points, count, begin, step, repeats);
  }

  Result<void> place(const std::map<int, double>& points, int count, WallTime begin, Duration step, bool repeats) {
    auto standing = points.end();
    for (int position = 1; position <= count; ++position) {
      const auto point = points.find(position);
      if (point != points.end() || !repeats) standing = point;
      if (standing == points.end()) {
        ++rows_.unknown;
        continue;
      }
      const WallTime slot = begin + (position - 1) * step;
      const double price = standing->second / kKwhAMwh;
      const auto known = found_.find(slot);
      const Duration length = known == found_.end() ? Duration::max() : *known->second.end - slot;
      if (length == step && known->second.price != price)
        return fail(ErrorKind::protocol, "two prices for {}", plain_time(slot, utc()));
      if (length > step) found_[slot] = Row{slot, slot + step, price, PriceKind::published, false, false};
    }
    return {};
  }

  /// An hour whose quarters are known too.
  void drop_the_coarser() {
    std::erase_if(found_, [this](const auto& one) {
      const auto& [begin, row] = one;
      const auto inside = found_.upper_bound(begin);
      return inside != found_.end() && inside->first < *row.end;
    });
  }

  const Definition& definition_;
  Rows& rows_;
  std::map<WallTime, Row> found_;  ///< by start; of two the shorter
  std::set<std::string> other_auctions_;
};

/// Every element of that name, wherever it stands.
template <class Visit>
void each_named(const XmlElement& root, std::string_view name, const Visit& visit) {
  if (root.name == name) return visit(root);
  for (const XmlElement& child : root.children) each_named(child, name, visit);
}

std::string_view anywhere(const XmlElement& root, std::string_view name) {
  std::string_view found;
  each_named(root, name, [&](const XmlElement& one) {
    if (found.empty()) found = one.text;
  });
  return found;
}

class IesoReader {
 public:
  IesoReader(const Definition& definition, Rows& rows)
      : rows_(rows), to_(rows.of[static_cast<std::size_t>(definition.series.front().use)]) {}

  Result<void> read(const XmlElement& root) {
    const auto date = parse_date(anywhere(root, "DeliveryDate").substr(0, 10));
    if (!date) return fail(ErrorKind::protocol, "no DeliveryDate such as 2026-01-10");
    day_ = WallTime(std::chrono::days(*date)) - kEst;
    each_named(root, "HourlyPriceComponents", [&](const XmlElement& hour) {
      add(whole(hour.value("PricingHour"), 1, 24), 1, std::chrono::hours(1), hour.value("ZonalPrice"), "PricingHour");
    });
    const auto hour = whole(anywhere(root, "DeliveryHour"), 1, 24);
    each_named(root, "Interval", [&](const XmlElement&) { five_minutes_ = true; });
    if (five_minutes_) intervals(root, hour);
    if (hour) older_intervals(root, *hour);
    if (!mistake_.empty()) return fail(ErrorKind::protocol, "{}", mistake_);
    if (to_.empty() && rows_.unknown == 0) return fail(ErrorKind::protocol, "no prices in the report");
    return {};
  }

 private:
  /// The new form: elements that hold `Interval` and `LmpCap`.
  void intervals(const XmlElement& root, std::optional<int> hour) {
    for (const XmlElement& child : root.children) {
      const auto price = child.value("LmpCap");
      if (child.find("Interval") != nullptr) {
        add(hour, whole(child.value("Interval"), 1, 12).value_or(0), std::chrono::minutes(5), price, "DeliveryHour");
      } else {
        intervals(child, hour);
      }
    }
  }
  /// The older form: OntarioZonalPriceInterval1 … 12, each with the price inside or as its text.
  void older_intervals(const XmlElement& root, int hour) {
    constexpr std::string_view kName = "OntarioZonalPriceInterval";
    for (const XmlElement& child : root.children) {
      if (!child.name.starts_with(kName)) {
        older_intervals(child, hour);
        continue;
      }
      const auto interval = whole(std::string_view(child.name).substr(kName.size()), 1, 12);
      if (!interval) continue;
      const auto inside = anywhere(child, "LmpCap");
      add(hour, *interval, std::chrono::minutes(5), inside.empty() ? child.text : inside, "DeliveryHour");
    }
  }

  void add(std::optional<int> hour, int interval, Duration length, std::string_view text, std::string_view where) {
    if (!hour || interval < 1) {
      mistake_ = fmt::format("no {} from 1 to 24 with its intervals", where);
      return;
    }
    if (text.empty()) {
      ++rows_.unknown;
      return;
    }
    const auto price = decimal(text);
    if (!price) {
      mistake_ = fmt::format("hour {}: {} is no price", *hour, text);
      return;
    }
    const WallTime begin = day_ + std::chrono::hours(*hour - 1) + (interval - 1) * length;
    to_.push_back({begin, begin + length, *price / kKwhAMwh, PriceKind::published, false, false});
  }

  Rows& rows_;
  std::vector<Row>& to_;
  WallTime day_{};
  bool five_minutes_ = false;
  std::string mistake_;
};

}  // namespace

std::optional<double> decimal(std::string_view text) {
  double value = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

Result<void> read_entsoe(const Definition& definition, std::string_view body, Rows& rows) {
  const auto root = parse_xml(body);
  if (!root) return tl::unexpected(root.error());
  return EntsoeReader(definition, rows).read(*root);
}

Result<void> read_ieso(const Definition& definition, std::string_view body, Rows& rows) {
  const auto root = parse_xml(body);
  if (!root) return tl::unexpected(root.error());
  return IesoReader(definition, rows).read(*root);
}

}  // namespace sluice::feeds
