#pragma once
/// The two market operators that publish XML. Pure.

#include <string_view>

#include "feeds/reply.hpp"

namespace sluice::feeds {

/// ENTSO-E's Publication_MarketDocument (document type A44). With curve type A03 a position that is left out repeats
/// the one before it. Of several resolutions for one time the finest counts; of several auctions the one whose sequence
/// number the definition names. An Acknowledgement_MarketDocument without matching data means "not published yet".
Result<void> read_entsoe(const Definition& definition, std::string_view body, Rows& rows);

/// IESO's reports of Ontario's zonal price, hourly (PricingHour 1…24) and by five minutes (Interval 1…12). Hours end at
/// their number, in Eastern Standard Time all year. Elements are found by local name, also those of the older form.
Result<void> read_ieso(const Definition& definition, std::string_view body, Rows& rows);

/// A decimal number and nothing else: no "inf", no "NaN", no "1,5".
std::optional<double> decimal(std::string_view text);

}  // namespace sluice::feeds
