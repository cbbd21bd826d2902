#include "io/price_service.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <utility>

#include "feeds/cache.hpp"
#include "feeds/reply.hpp"
#include "feeds/series.hpp"
#include "io/small_file.hpp"

namespace sluice::io {
namespace {

using feeds::Batch;
using feeds::Use;

constexpr const char* kName = "prices";
constexpr int kTooMany = 429;
constexpr int kMostPages = 10;
constexpr Duration kAskedToWait = std::chrono::minutes(15);
constexpr Duration kNoClock = std::chrono::seconds(10);
constexpr Duration kListen = std::chrono::seconds(1);
constexpr Duration kPublishEach = std::chrono::minutes(1);  // what is known also ages
constexpr Duration kKeepPast = std::chrono::hours(7 * 24);
// An SD card must live: prices of five minutes are not written every five minutes.
constexpr Duration kWriteEach = std::chrono::hours(1);
constexpr Duration kWorthWriting = std::chrono::hours(6);
constexpr Duration kAskHashEach = std::chrono::minutes(10);
constexpr std::size_t kCacheLimit = std::size_t{4} << 20;

/// A small generator of its own: the same seed, the same waits.
class Chance {
 public:
  explicit Chance(std::uint64_t seed) : state_(seed) {}
  double next() {  // splitmix64
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1.0p-53;
  }

 private:
  std::uint64_t state_;
};

std::string origin_of(const std::string& url) {
  const auto host = url.find("://");
  return url.substr(0, host == std::string::npos ? url.size() : url.find_first_of("/?#", host + 3));
}

/// What may come right by asking again soon.
bool passing(ErrorKind kind) {
  return kind == ErrorKind::unreachable || kind == ErrorKind::timeout || kind == ErrorKind::refused ||
         kind == ErrorKind::protocol;
}

/// What one round of questions brought.
struct Heard {
  feeds::Rows rows;
  std::optional<Error> error;  ///< of the first question that failed; the others count all the same
  std::optional<Duration> pause;
  bool any = false;
};

class Conversation {
 public:
  Conversation(ports::Web& web, const FeedPlan& plan, WallTime now) : web_(web), plan_(plan), now_(now) {}

  Heard hold() {
    std::string token;
    if (plan_.token) {
      auto found = plan_.token();
      if (!found) return {{}, found.error(), {}, false};
      token = std::move(*found);
    }
    for (feeds::Request& request : feeds::requests(plan_.definition, now_, plan_.zone, token)) {
      if (auto done = ask(request); !done) {
        heard_.error = done.error();
        break;
      }
    }
    return std::move(heard_);
  }

 private:
  Result<void> ask(feeds::Request& request) {
    const std::string origin = origin_of(request.url);
    for (int page = 0; page < kMostPages; ++page) {
      auto reply = web_.fetch({request.url, request.method, request.headers, request.body, plan_.definition.timeout});
      if (!reply) return tl::unexpected(reply.error());
      if (reply->status == kTooMany) heard_.pause = reply->retry_after.value_or(kAskedToWait);
      feeds::Rows rows = heard_.rows;  // a page that turns out wrong in its middle leaves nothing behind
      auto read = feeds::read_reply(plan_.definition, {reply->status, reply->body}, now_, plan_.zone, rows);
      if (!read) return fail(read.error().kind, "{}: {}", origin, read.error().text);
      heard_.rows = std::move(rows);
      heard_.any = true;
      if (heard_.rows.next.empty()) return {};
      if (origin_of(heard_.rows.next) != origin)
        return fail(ErrorKind::protocol, "{}: its next page is on another host, which is not followed", origin);
      request.url = heard_.rows.next;
    }
    return fail(ErrorKind::protocol, "{}: more than {} pages", origin, kMostPages);
  }

  ports::Web& web_;
  const FeedPlan& plan_;
  const WallTime now_;
  Heard heard_;
};

/// From rows to prices that can be true beside those that are known.
Result<Batch> judged(const FeedPlan& plan, feeds::Rows rows, const Batch& known, WallTime now) {
  auto batch = feeds::assemble(plan.definition, std::move(rows), now);
  if (!batch) return batch;
  for (const Use use : {Use::energy, Use::import, Use::export_}) {
    const auto plausible =
        feeds::plausible(batch->series(use), known.series(use), plan.definition.currency, use == Use::export_);
    if (!plausible) return tl::unexpected(plausible.error());
  }
  return batch;
}

std::shared_ptr<const FeedReport> report_of(const FeedPlan& plan, const Batch& prices, std::optional<WallTime> heard,
                                            bool tried, const std::string& trouble, Use use) {
  auto report = std::make_shared<FeedReport>();
  report->feed = plan.definition.id;
  const feeds::SeriesForm* form = plan.definition.series_for(use);
  if (form != nullptr) report->series = prices.series(form->use);
  for (const auto& [name, words] : plan.definition.colours) report->colours.push_back(name);
  report->heard = heard;
  report->max_age = plan.definition.max_age;
  report->tried = tried;
  report->trouble = trouble;
  return report;
}

}  // namespace

/// One feed, with what it has told.
class PriceService::Feed {
 public:
  Feed(FeedPlan plan, const Doors& doors, std::uint64_t seed)
      : plan_(std::move(plan)), doors_(doors), chance_(seed), due_(doors.clock.now()) {
    if (!doors_.directory.empty()) read_cache();
  }

  MonoTime due() const { return due_; }
  const FeedPlan& plan() const { return plan_; }
  void cancel() const {
    if (plan_.messages) plan_.messages->cancel();
  }

  /// True when there is something to publish.
  bool step() {
    if (!doors_.clock.wall_sane()) {
      due_ = doors_.clock.now() + kNoClock;
      return false;
    }
    return plan_.messages ? listen() : ask();
  }

  std::shared_ptr<const FeedReport> report(Use use) const {
    return report_of(plan_, prices_, heard_, tried_, trouble_, use);
  }

 private:
  bool ask() {
    const WallTime now = doors_.clock.wall_now();
    Heard heard = Conversation(doors_.web, plan_, now).hold();
    std::optional<Error> error = heard.error;
    if (heard.any) {
      const bool whole = !error && lists_all(heard.rows);
      auto batch = judged(plan_, std::move(heard.rows), prices_, now);
      if (batch && batch->empty() && !error && !plan_.events)
        error = Error{ErrorKind::protocol, "no prices in its answer"};
      if (batch) {
        take(*batch, now, whole);
      } else {
        error = batch.error();
      }
    }
    settle(error);
    const WallTime next = feeds::next_poll(plan_.definition.poll, now, known(now),
                                           error && passing(error->kind) ? failures_ : 0, plan_.zone, chance_.next());
    due_ = doors_.clock.now() + std::max<Duration>(next - now, heard.pause.value_or(Duration{}));
    return true;
  }

  /// The newest message, if it is a new one.
  bool listen() {
    due_ = doors_.clock.now() + kListen;
    const auto inbox = plan_.messages->wait(seen_, doors_.clock.now());
    if (!inbox) return false;
    if (!inbox->connected) {
      // While the first connection is under way nothing is wrong yet.
      if (inbox->trouble == "not connected yet") return false;
      return settle(Error{ErrorKind::unreachable, "MQTT broker: " + inbox->trouble});
    }
    const auto message = inbox->newest.find(plan_.definition.topic);
    if (inbox->count == seen_ || message == inbox->newest.end()) return false;
    seen_ = inbox->count;
    const WallTime now = doors_.clock.wall_now();
    feeds::Rows rows;
    if (auto read = feeds::read_reply(plan_.definition, {200, message->second.payload}, now, plan_.zone, rows); !read)
      return settle(read.error());
    if (message->second.retained) {
      // A number that the broker had kept is of unknown age; a list carries its own times.
      for (auto& of_use : rows.of) std::erase_if(of_use, [](const feeds::Row& row) { return row.current; });
    }
    const bool whole = lists_all(rows);
    const auto batch = judged(plan_, std::move(rows), prices_, now);
    if (!batch) return settle(batch.error());
    take(*batch, now, whole);
    return settle({});
  }

  /// An event that is missing in such an answer is not announced any more; that none is, is an answer too.
  bool lists_all(const feeds::Rows& rows) const {
    return plan_.definition.series_for(Use::event) != nullptr && !rows.unpublished && !rows.alone;
  }

  void take(const Batch& batch, WallTime now, bool all_events) {
    if (batch.empty() && !all_events) return;
    const std::size_t events_before = prices_.series(Use::event).size();
    for (std::size_t use = 0; use < feeds::kUseCount; ++use) {
      const bool retold = all_events && use == static_cast<std::size_t>(Use::event);
      prices_.of[use] = retold ? feeds::retold(prices_.of[use], batch.of[use], now, now - kKeepPast)
                               : feeds::merged(prices_.of[use], batch.of[use], now - kKeepPast);
    }
    heard_ = now;
    const WallTime reach = known(now);
    // What was taken back must not come back with a restart.
    const bool fewer = prices_.series(Use::event).size() < events_before;
    const bool worth =
        fewer || reach - written_reach_ >= kWorthWriting || now - written_ >= kWriteEach || now < written_;
    if (doors_.directory.empty() || !worth) return;
    written_ = now;
    written_reach_ = reach;
    const auto kept = write_small_file(path(), feeds::to_cache({plan_.key, now, prices_}));
    if (!kept && !cache_complained_) doors_.log.warning(kName, "the cache is not written: {}", kept.error().text);
    cache_complained_ = !kept;
  }

  /// Says a trouble once, and its end. True: there is something new to show.
  bool settle(const std::optional<Error>& error) {
    if (error && error->kind == ErrorKind::cancelled) return false;
    tried_ = true;
    failures_ = error ? failures_ + 1 : 0;
    const std::string before = std::exchange(trouble_, error ? error->text : "");
    if (error && before.empty()) doors_.log.warning(kName, "{}: {}", plan_.definition.id, error->text);
    if (!error && !before.empty()) doors_.log.info(kName, "{}: answers again", plan_.definition.id);
    return true;
  }

  /// Of the series in use, the one that ends first.
  WallTime known(WallTime now) const {
    WallTime reach = WallTime::max();
    for (const auto& [use, wanted] : {std::pair(Use::import, plan_.bought), std::pair(Use::export_, plan_.sold),
                                      std::pair(Use::colour, plan_.colours)}) {
      if (!wanted) continue;
      const feeds::SeriesForm* form = plan_.definition.series_for(use);
      if (form != nullptr) reach = std::min(reach, feeds::known_until(prices_.series(form->use), now));
    }
    return reach;
  }

  std::string path() const {
    std::string name;
    for (const char c : plan_.key) name += std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' ? c : '_';
    return doors_.directory + "/" + name.substr(0, 120) + ".json";
  }

  void read_cache() {
    const auto text = read_small_file(path(), kCacheLimit);
    if (!text) return;
    auto cached = feeds::feed_from_cache(*text);
    if (!cached) return doors_.log.warning(kName, "{}: {}", path(), cached.error().text);
    // A clock that ran ahead once must not make old prices new.
    if (cached->key != plan_.key || (doors_.clock.wall_sane() && cached->heard > doors_.clock.wall_now())) return;
    prices_ = std::move(cached->prices);
    heard_ = written_ = cached->heard;
  }

  const FeedPlan plan_;
  const Doors& doors_;
  Chance chance_;
  MonoTime due_;
  Batch prices_;
  std::optional<WallTime> heard_;
  bool tried_ = false;
  std::string trouble_;
  int failures_ = 0;
  std::uint64_t seen_ = 0;
  WallTime written_{}, written_reach_{};
  bool cache_complained_ = false;
};

/// What mining is worth, with what was last believed.
class PriceService::Hash {
 public:
  Hash(HashPlan plan, const Doors& doors)
      : currency_(plan.currency),
        ladder_(std::move(plan), doors.web, doors.clock),
        doors_(doors),
        due_(doors.clock.now()) {
    if (doors_.directory.empty() || ladder_.fixed()) return;
    const auto text = read_small_file(path(), kCacheLimit);
    auto cached = text ? feeds::hash_quote_from_cache(*text) : tl::unexpected(text.error());
    if (cached && !(doors_.clock.wall_sane() && cached->at > doors_.clock.wall_now())) last_ = std::move(*cached);
  }

  MonoTime due() const { return due_; }

  bool step() {
    if (!ladder_.fixed() && !doors_.clock.wall_sane()) {
      due_ = doors_.clock.now() + kNoClock;
      return false;
    }
    const HashLadder::Answer answer = ladder_.ask(last_);
    due_ = doors_.clock.now() + std::max(kAskHashEach, answer.pause.value_or(Duration{}));
    tried_ = true;
    const std::string before = std::exchange(trouble_, answer.trouble);
    if (!trouble_.empty() && before.empty()) doors_.log.warning(kName, "value of mining: {}", trouble_);
    if (trouble_.empty() && !before.empty()) doors_.log.info(kName, "value of mining: answers again");
    if (!answer.quote) return true;
    last_ = answer.quote;
    const bool worth = last_->at - written_ >= kWriteEach || last_->at < written_;
    if (!doors_.directory.empty() && !ladder_.fixed() && worth) {
      written_ = last_->at;
      if (const auto kept = write_small_file(path(), feeds::to_cache(*last_)); !kept)
        doors_.log.warning(kName, "the cache is not written: {}", kept.error().text);
    }
    return true;
  }

  std::shared_ptr<const HashPriceReport> report() const {
    auto report = std::make_shared<HashPriceReport>();
    report->tried = tried_;
    report->trouble = trouble_;
    if (!last_) return report;
    report->price = PricePerThsDay(*last_->money_per_ths_day);
    if (last_->source != to_string(HashSourceKind::fixed)) report->heard = last_->at;
    report->source = last_->source;
    report->sat_per_ths_day = last_->sat_per_ths_day;
    report->bitcoin_price = last_->bitcoin_price;
    return report;
  }

 private:
  /// Another currency is another file: nothing is converted.
  std::string path() const { return fmt::format("{}/hash-price-{}.json", doors_.directory, currency_); }

  const std::string currency_;
  HashLadder ladder_;
  const Doors& doors_;
  MonoTime due_;
  std::optional<feeds::HashQuote> last_;
  bool tried_ = false;
  std::string trouble_;
  WallTime written_{};
};

PriceService::PriceService(Doors doors, std::vector<FeedPlan> feeds, std::optional<HashPlan> hash)
    : doors_(std::move(doors)) {
  std::uint64_t seed = doors_.seed;
  for (FeedPlan& feed : feeds) feeds_.push_back(std::make_unique<Feed>(std::move(feed), doors_, seed++));
  if (hash) hash_ = std::make_unique<Hash>(std::move(*hash), doors_);
  publish();
}

PriceService::~PriceService() = default;

void PriceService::publish() {
  LiveReports reports;
  for (const auto& feed : feeds_) {
    if (feed->plan().bought) reports.bought = feed->report(Use::import);
    if (feed->plan().sold) reports.sold = feed->report(Use::export_);
    if (feed->plan().colours) reports.colours = feed->report(Use::colour);
    if (feed->plan().events) reports.events = feed->report(Use::event);
  }
  if (hash_) reports.hash_price = hash_->report();
  next_publish_ = doors_.clock.now() + kPublishEach;
  doors_.publish(reports);
}

MonoTime PriceService::step() {
  bool news = doors_.clock.now() >= next_publish_;
  MonoTime next = MonoTime::max();
  const auto one = [&](auto& source) {
    if (source.due() <= doors_.clock.now()) news = source.step() || news;
    next = std::min(next, source.due());
  };
  for (const auto& feed : feeds_) one(*feed);
  if (hash_) one(*hash_);
  if (news) publish();
  return std::min(next, next_publish_);
}

void PriceService::run() {
  for (;;) {
    const MonoTime next = step();
    std::unique_lock lock(mutex_);
    while (!stopping_ && doors_.clock.now() < next) doors_.clock.wait_until(lock, wake_, next);
    if (stopping_) return;
  }
}

void PriceService::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  doors_.web.cancel();
  for (const auto& feed : feeds_) feed->cancel();
}

PriceService::Look PriceService::look(ports::Web& web, const FeedPlan& plan, const ports::Clock& clock) {
  const WallTime now = clock.wall_now();
  Heard heard = Conversation(web, plan, now).hold();
  Look look{{}, heard.rows.unpublished, heard.rows.unknown, heard.error};
  if (!heard.any) return look;
  const auto batch = judged(plan, std::move(heard.rows), {}, now);
  if (!batch) {
    look.error = batch.error();
    return look;
  }
  look.reports = LiveReports{report_of(plan, *batch, now, true, "", Use::import),
                             report_of(plan, *batch, now, true, "", Use::export_),
                             {},
                             report_of(plan, *batch, now, true, "", Use::colour),
                             report_of(plan, *batch, now, true, "", Use::event)};
  return look;
}

}  // namespace sluice::io
