#include "feeds/cache.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

namespace sluice::feeds {
namespace {

using nlohmann::json;

constexpr int kVersion = 1;
constexpr unsigned kForecast = 1U, kEvent = 2U, kDemandWindow = 4U;

json row_of(const EnergySlot& slot) {
  const unsigned flags = (slot.kind == PriceKind::forecast ? kForecast : 0U) | (slot.event ? kEvent : 0U) |
                         (slot.demand_window ? kDemandWindow : 0U);
  return {unix_ms(slot.begin), unix_ms(slot.end), slot.price.value(), flags};
}

/// Throws json::exception for anything that is no row.
EnergySlot slot_of(const json& row) {
  const auto flags = row.at(3).get<unsigned>();
  return {from_unix_ms(row.at(0).get<std::int64_t>()),
          from_unix_ms(row.at(1).get<std::int64_t>()),
          PricePerKwh(row.at(2).get<double>()),
          (flags & kForecast) != 0U ? PriceKind::forecast : PriceKind::published,
          (flags & kEvent) != 0U,
          (flags & kDemandWindow) != 0U};
}

bool sound(const EnergySeries& series) {
  for (std::size_t i = 0; i < series.size(); ++i) {
    if (!series[i].price.finite() || series[i].end <= series[i].begin) return false;
    if (i > 0 && series[i].begin < series[i - 1].end) return false;
  }
  return true;
}

tl::unexpected<Error> damaged() { return fail(ErrorKind::protocol, "the cache is damaged"); }

}  // namespace

std::string to_cache(const CachedFeed& feed) {
  json out{{"version", kVersion}, {"key", feed.key}, {"heard_unix_ms", unix_ms(feed.heard)}, {"series", json::array()}};
  for (const EnergySeries& series : feed.prices.of) {
    json rows = json::array();
    for (const EnergySlot& slot : series) rows.push_back(row_of(slot));
    out["series"].push_back(std::move(rows));
  }
  return out.dump();
}

Result<CachedFeed> feed_from_cache(std::string_view text) {
  try {
    const json from = json::parse(text);
    if (from.at("version") != kVersion || from.at("series").size() > kUseCount) return damaged();
    CachedFeed feed;
    feed.key = from.at("key").get<std::string>();
    feed.heard = from_unix_ms(from.at("heard_unix_ms").get<std::int64_t>());
    for (std::size_t use = 0; use < from["series"].size(); ++use) {
      for (const json& row : from.at("series").at(use)) feed.prices.of[use].push_back(slot_of(row));
      if (!sound(feed.prices.of[use])) return damaged();
    }
    return feed;
  } catch (const json::exception&) {
    return damaged();
  }
}

std::string to_cache(const HashQuote& quote) {
  json out{
      {"version", kVersion}, {"source", quote.source}, {"at_unix_ms", unix_ms(quote.at)}, {"height", quote.height}};
  const auto put = [&](const char* name, const std::optional<double>& value) {
    if (value) out[name] = *value;
  };
  put("sat_per_ths_day", quote.sat_per_ths_day);
  put("money_per_ths_day", quote.money_per_ths_day);
  put("bitcoin_price", quote.bitcoin_price);
  return out.dump();
}

Result<HashQuote> hash_quote_from_cache(std::string_view text) {
  try {
    const json from = json::parse(text);
    if (from.at("version") != kVersion) return damaged();
    HashQuote quote;
    quote.source = from.at("source").get<std::string>();
    quote.at = from_unix_ms(from.at("at_unix_ms").get<std::int64_t>());
    quote.height = from.at("height").get<std::int64_t>();
    bool good = true;
    const auto get = [&](const char* name, std::optional<double>& value) {
      if (from.contains(name)) value = from.at(name).get<double>();
      good = good && (!value || (std::isfinite(*value) && *value > 0.0));
    };
    get("sat_per_ths_day", quote.sat_per_ths_day);
    get("money_per_ths_day", quote.money_per_ths_day);
    get("bitcoin_price", quote.bitcoin_price);
    if (!good || !quote.money_per_ths_day) return damaged();
    return quote;
  } catch (const json::exception&) {
    return damaged();
  }
}

}  // namespace sluice::feeds
