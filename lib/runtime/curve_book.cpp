#include "runtime/curve_book.hpp"

#include <algorithm>
#include <array>

#include "model/worth.hpp"
#include "runtime/state_keeper.hpp"

namespace sluice::runtime {
namespace {

constexpr Duration kAnew = std::chrono::minutes(1);

/// The firmware's table in watts at the meter: drawn = gain · its watts + offset, where that was learned.
WorkingCurve at_the_wall(const WorkingCurve& told, const LearnedMiner& learned) {
  if (learned.samples == 0) return told;
  WorkingCurve curve;
  for (const WorkingPoint& point : told)
    curve.push_back({point.power * learned.draw_gain + Watts(learned.draw_offset_w), point.hashrate});
  return *curve_fault(curve) == '\0' ? curve : told;
}

/// One point of what it says it does now.
WorkingCurve reported(const MinerObservation& seen) {
  WorkingCurve curve;
  const bool hashes = seen.state == MinerState::running && seen.reported_power.usable() && seen.hashrate.usable();
  if (hashes) curve.push_back({seen.reported_power.value, seen.hashrate.value});
  return *curve_fault(curve) == '\0' ? curve : WorkingCurve{};
}

}  // namespace

std::string_view to_string(CurveSource source) {
  constexpr std::array<std::string_view, 6> kNames{"not known", "of the configuration", "of the firmware",
                                                   "learned",   "from one J/TH",        "from what it reports now"};
  return kNames[static_cast<std::size_t>(source)];
}

CurveBook::CurveBook(const PersistentState& state) {
  for (const MinerMemory& miner : state.miners)
    page_of(miner.name).learned = tariff::LearnedCurve::from_text(miner.learned_curve);
}

CurveBook::Page& CurveBook::page_of(const std::string& name) {
  const auto found = std::ranges::find(pages_, name, &Page::name);
  if (found != pages_.end()) return *found;
  pages_.push_back({name, {}, std::make_shared<const WorkingCurve>()});
  return pages_.back();
}

void CurveBook::learn(Page& page, const MinerReport& miner, const MinerDecision& last, MonoTime now) {
  const MinerObservation& seen = miner.seen;
  tariff::LearnedCurve::Look look;
  look.now = now;
  look.hashing = seen.link == LinkState::up && seen.state == MinerState::running && !seen.tuning &&
                 !(seen.pool_alive.usable() && !seen.pool_alive.value);
  look.command = seen.command.sequence;
  look.drawn = last.expected_power;
  look.most = seen.envelope.max;
  look.hashrate = seen.hashrate;
  look.nominal = seen.nominal_hashrate;
  page.learned.look(look);
}

void CurveBook::choose(Page& page, const MinerSite& site, const MinerReport& miner, const MinerDecision* last) {
  const auto take = [&page](const WorkingCurve& curve, CurveSource source) {
    if (curve.empty()) return false;
    page.curve = std::make_shared<const WorkingCurve>(curve);
    page.source = source;
    return true;
  };
  const bool one_number = site.curve.size() == 1;
  if (!one_number && take(site.curve, CurveSource::configuration)) return;
  if (take(at_the_wall(miner.curve, last == nullptr ? LearnedMiner{} : last->learned), CurveSource::firmware)) return;
  if (take(page.learned.curve(), CurveSource::learned)) return;
  if (take(site.curve, CurveSource::efficiency)) return;
  // What was reported once is better than nothing: a sleeping miner keeps it.
  if (page.source == CurveSource::none || page.source == CurveSource::reported) {
    if (take(reported(miner.seen), CurveSource::reported) || page.source == CurveSource::reported) return;
  }
  page.curve = std::make_shared<const WorkingCurve>();
  page.source = CurveSource::none;
}

void CurveBook::look(const Site& site, std::span<const std::shared_ptr<const MinerReport>> miners, const Decision* last,
                     Snapshot& snapshot) {
  sources_.clear();
  for (std::size_t i = 0; i < miners.size(); ++i) {
    Page& page = page_of(site.miners[i].name);
    // After a reload the decision before may be that of other miners: then nothing is learned for a tick.
    const MinerDecision* decided = last != nullptr && i < last->miners.size() ? &last->miners[i] : nullptr;
    if (decided != nullptr) learn(page, *miners[i], *decided, snapshot.now);
    if (snapshot.now >= page.next) {
      page.next = snapshot.now + kAnew;
      choose(page, site.miners[i], *miners[i], decided);
    }
    snapshot.miner_money[i].curve = page.curve;
    sources_.push_back(page.source);
  }
}

void CurveBook::remember(PersistentState& state) const {
  for (const Page& page : pages_) {
    const std::string text = page.learned.text();
    const auto kept = std::ranges::find(state.miners, page.name, &MinerMemory::name);
    if (kept != state.miners.end()) {
      kept->learned_curve = text;
    } else if (!text.empty()) {
      StateKeeper::miner(state, page.name).learned_curve = text;
    }
  }
}

}  // namespace sluice::runtime
