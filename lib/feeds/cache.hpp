#pragma once
/// Prices on disk, so that a restart without the internet knows what was known: as text, and back. Pure.

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "feeds/hash_value.hpp"
#include "feeds/reply.hpp"

namespace sluice::feeds {

struct CachedFeed {
  std::string key;  ///< what the prices were asked with; another one makes them somebody else's
  WallTime heard{};
  Batch prices;
};

std::string to_cache(const CachedFeed& feed);
/// Errors, protocol: not such a text. A damaged cache is as good as none.
Result<CachedFeed> feed_from_cache(std::string_view text);

std::string to_cache(const HashQuote& quote);
Result<HashQuote> hash_quote_from_cache(std::string_view text);

}  // namespace sluice::feeds
