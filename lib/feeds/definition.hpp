#pragma once
/// A price feed as data: where it is asked, what its answer means, how often it may be asked. One YAML file a source,
/// in config/prices; docs/guide/prices.md explains it. Pure.

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace sluice::feeds {

enum class Carrier : std::uint8_t { http, mqtt };
enum class Format : std::uint8_t {
  json,
  entsoe,  ///< Publication_MarketDocument of ENTSO-E
  ieso,    ///< hourly and five-minute price reports of IESO
};
enum class TimeForm : std::uint8_t { iso, unix_s, unix_ms };
enum class Stamp : std::uint8_t { begin, end };
enum class Unit : std::uint8_t {
  currency_kwh,
  cent_kwh,  ///< hundredths: cents, pence, öre
  currency_mwh,
};
/// What a series is for. A market price is `energy`: the same bought and sold.
enum class Use : std::uint8_t {
  energy,
  import,
  export_,
  colour,  ///< of a day: the number of a slot is an index into `Definition::colours`
  event,   ///< a slot is an event; its number says nothing
};
inline constexpr std::size_t kUseCount = 5;

/// What stands at `pointer` is one of `is`; `null` also stands for a missing one.
struct Match {
  std::string pointer;
  std::vector<std::string> is;
};

struct SeriesForm {
  Use use = Use::energy;
  std::vector<std::string> rows;     ///< pointers to lists; what is not there yet is an empty list
  bool columns = false;              ///< `start` and `value` point to lists of the same length instead
  std::string start, end;            ///< within a row; no `end`: the next one's start, or `slot`
  std::vector<std::string> value;    ///< the first of these that is there
  std::vector<std::string> current;  ///< of the whole answer, the first that is a number: the price now
  double sign = 1.0;
  std::vector<Match> where;   ///< other rows are not meant
  std::vector<Match> expect;  ///< a row that says otherwise makes the whole answer wrong
  std::vector<Match> forecast;
  std::vector<std::string> forecast_value;  ///< instead of `value` in rows that are a forecast
  std::vector<Match> event, demand_window;
};

struct PollRule {
  Duration every = std::chrono::hours(1);
  Duration offset{};                                           ///< after each multiple of `every`
  std::optional<std::chrono::seconds> publish = std::nullopt;  ///< clock of the zone: tomorrow may be out from now on
  std::chrono::seconds until = std::chrono::hours(24);         ///< tomorrow is complete when it is known up to here
  Duration wait = std::chrono::minutes(5);                     ///< between two looks for tomorrow
  Duration jitter = std::chrono::seconds(60);
  Duration give_up = std::chrono::hours(6);  ///< after the hour of publication
};

struct Definition {
  std::string id, title, checked, notes;
  std::string file;
  std::map<std::string, std::optional<std::string>> options;  ///< with its default; nothing: must be given
  bool needs_token = false, may_have_token = false;
  std::string zone = "UTC";

  Carrier carrier = Carrier::http;
  std::string url, method = "GET", body;
  std::vector<std::pair<std::string, std::string>> headers;
  bool each_day = false;     ///< asked for today and for tomorrow, one by one
  std::vector<int> not_yet;  ///< HTTP statuses that mean "not published yet"
  std::string next;          ///< pointer to the URL of the next page
  Duration timeout = std::chrono::seconds(20);
  std::string topic;

  Format format = Format::json;
  std::string errors;         ///< pointer to a list of errors that come with status 200
  std::vector<Match> expect;  ///< of the whole answer
  std::vector<Match> final;   ///< what does not match is provisional: a forecast
  std::string sequence;       ///< ENTSO-E: which auction
  std::string currency;
  Unit unit = Unit::currency_kwh;
  /// Name of a tariff's colour, and the words of the source for it. Any other word: not told yet.
  std::vector<std::pair<std::string, std::vector<std::string>>> colours;
  TimeForm time = TimeForm::iso;
  Stamp stamp = Stamp::begin;
  Duration slot{};            ///< 0: the commonest distance of two rows
  Duration floor{};           ///< starts are rounded down to it
  bool fill_forward = false;  ///< a row stands until the next one
  Duration hold{};            ///< the newest price stands so much longer, until the next one comes
  Duration billed_mean{};     ///< what is billed is the mean over this; 0: each price for itself
  PollRule poll;
  Duration max_age = std::chrono::hours(26);
  std::vector<SeriesForm> series;

  /// The series for a use; for buying and selling its own, else the market's. Null: the feed does not tell.
  const SeriesForm* series_for(Use use) const;
};

struct DefinitionOrErrors {
  std::optional<Definition> value;
  std::vector<std::string> errors;  ///< `file:line:column: where: what, and what would be right`
};

/// Checks everything, reports every mistake.
DefinitionOrErrors parse_definition(std::string_view yaml, const std::string& file);

/// With every `{name}` of an option replaced. Errors, invalid: an option that is missing, unknown, or could change the
/// meaning of a URL.
Result<Definition> with_options(const Definition& definition, const std::map<std::string, std::string>& options);

/// All feeds of some folders; one in a later folder replaces one of the same id. A file that is wrong is left out and
/// named: no price is worth that nothing runs.
class Library {
 public:
  static Library load(const std::vector<std::string>& directories);
  const std::vector<std::string>& mistakes() const { return mistakes_; }
  const Definition* find(std::string_view id) const;
  std::vector<std::string> ids() const;  ///< ascending

 private:
  std::map<std::string, Definition, std::less<>> definitions_;
  std::vector<std::string> mistakes_;
};

/// One request, ready to be sent.
struct Request {
  std::string url, method, body;
  std::vector<std::pair<std::string, std::string>> headers;
};

}  // namespace sluice::feeds
