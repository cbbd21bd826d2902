#pragma once
/// Asks what a terahash a second is worth: a ladder of sources, of which the first that can be believed counts.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "feeds/hash_value.hpp"
#include "ports/clock.hpp"
#include "ports/web.hpp"

namespace sluice::io {

enum class HashSourceKind : std::uint8_t { fixed, mempool, bitcoind, json };

struct HashSource {
  HashSourceKind kind = HashSourceKind::fixed;
  std::string url;                 ///< mempool and bitcoind: without the path
  std::string pointer;             ///< of `json`
  feeds::HashUnit unit;            ///< of `json`
  double money_per_ths_day = 0.0;  ///< of `fixed`
  /// Value of the Authorization header; an empty text: none. Asked for each time, because secrets change.
  std::function<Result<std::string>()> authorization;
};

struct HashPlan {
  std::vector<HashSource> sources;
  std::string currency;                 ///< the site's
  std::optional<double> bitcoin_price;  ///< the owner's own; else asked at `price_url`
  std::string price_url;                ///< of a mempool service
};

class HashLadder {
 public:
  /// `web` and `clock` must outlive the ladder. Used by one thread.
  HashLadder(HashPlan plan, ports::Web& web, const ports::Clock& clock);

  struct Answer {
    std::optional<feeds::HashQuote> quote;
    std::string trouble;            ///< of the sources that did not help
    std::optional<Duration> pause;  ///< what a source asks for
  };
  /// One round from the top. `last` is what was believed before; nothing: nothing was.
  Answer ask(const std::optional<feeds::HashQuote>& last);

  /// Whether the first source is a number of the owner's, which does not age.
  bool fixed() const { return !plan_.sources.empty() && plan_.sources.front().kind == HashSourceKind::fixed; }

 private:
  Result<feeds::HashQuote> ask(const HashSource& source);
  Result<feeds::HashQuote> ask_mempool(const HashSource& source);
  Result<feeds::HashQuote> ask_node(const HashSource& source);
  Result<feeds::HashQuote> ask_json(const HashSource& source);
  Result<void> look_at_blocks(const HashSource& source, std::int64_t height);
  Result<void> add_bitcoin_price(feeds::HashQuote& quote);
  Result<double> bitcoin_price();
  Result<std::string> get(const HashSource& source, const std::string& url, const std::string& body = "");

  const HashPlan plan_;
  ports::Web& web_;
  const ports::Clock& clock_;
  std::map<std::int64_t, feeds::BlockPay> blocks_;  ///< the last day's, by height
  std::optional<Duration> pause_;
};

std::string to_string(HashSourceKind kind);

}  // namespace sluice::io
