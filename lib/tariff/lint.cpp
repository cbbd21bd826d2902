#include <algorithm>
#include <set>

#include "tariff/matching.hpp"
#include "tariff/plan.hpp"

namespace sluice::tariff {
namespace {

using std::chrono::days;

constexpr days kWalked(3 * 366);  // holidays fall on other days of the week, and a leap day may be among them
constexpr days kGrace(30);
constexpr int kMinutesADay = 24 * 60;

std::string day_names(DayMask mask) {
  constexpr std::array<const char*, 8> kNames{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "holidays"};
  std::string text;
  for (std::size_t index = 0; index < kNames.size(); ++index)
    if ((mask >> index & 1U) != 0) text += (text.empty() ? "" : ", ") + std::string(kNames[index]);
  return text;
}

std::string hours(int from, int to) { return clock_text(from) + "-" + clock_text(to); }

/// Which of its conditions a rule uses; of two rules that use the same ones neither is an exception to the other.
int conditions_of(const When& when) {
  return (when.days != kEveryDay ? 1 : 0) + (when.seasons.empty() ? 0 : 2) + (when.windows.empty() ? 0 : 4) +
         (when.colours != 0xFF ? 8 : 0);
}

/// Taken over from the version before, and looked at there.
bool inherited(const std::vector<Rule>& rules, const std::vector<Rule>& before) {
  return !rules.empty() && !before.empty() && rules.front().line == before.front().line &&
         rules.front().column == before.front().column;
}

/// Walks three years of a version, minute edge by minute edge, and notes which rules hold together.
class RuleWalk {
 public:
  RuleWalk(const Plan& plan, const Version& version, const std::vector<Rule>& rules)
      : plan_(plan), rules_(rules), minutes_(rules.size()), decided_(rules.size()) {
    edges_ = edges_of(plan, version);
    edges_.insert(edges_.begin(), 0);
    edges_.push_back(kMinutesADay);
    const std::size_t colours = std::max<std::size_t>(plan.colours.names.size(), 1);
    DayFacts yesterday = facts_of(plan, version.valid_from - days(1));
    for (LocalDay day = version.valid_from; day < version.valid_from + kWalked; day += days(1)) {
      const DayFacts today = facts_of(plan, day);
      for (std::size_t colour = 0; colour < colours; ++colour) {
        const bool plain = plan.colours.names.empty();
        walk(day, {0, today, yesterday, static_cast<std::uint8_t>(plain ? 0xFFU : 1U << colour)});
      }
      yesterday = today;
    }
  }

  void report(const std::string& where, std::vector<yaml::Diagnostic>& found) const {
    gaps(where, found);
    overlaps(where, found);
    for (std::size_t index = 0; index < rules_.size(); ++index) {
      if (decided_[index] > 0) continue;
      add(found, rules_[index], where, index, true,
          minutes_[index] > 0 ? "this rule never decides: later rules hold whenever it does; move it below them"
                              : "this rule never holds in the three years from valid_from");
    }
  }

 private:
  struct Gap {
    DayMask kinds = 0;
    LocalDay first{};
  };
  struct Overlap {
    int minutes = 0;
    LocalDay first{};
    int from = 0, to = 0;
  };

  void walk(LocalDay day, Moment moment) {
    int open = -1;  // beginning of a gap
    for (std::size_t index = 0; index + 1 < edges_.size(); ++index) {
      moment.minute = edges_[index];
      const bool covered = note(day, moment, edges_[index + 1]);
      if (covered && open >= 0) close(day, moment, open, moment.minute);
      if (covered) open = -1;
      if (!covered && open < 0) open = moment.minute;
    }
    if (open >= 0) close(day, moment, open, kMinutesADay);
  }

  bool note(LocalDay day, const Moment& moment, int end) {
    std::vector<std::size_t> holding;
    for (std::size_t index = 0; index < rules_.size(); ++index)
      if (holds(rules_[index].when, moment)) holding.push_back(index);
    const int length = end - moment.minute;
    for (std::size_t later = 0; later < holding.size(); ++later) {
      minutes_[holding[later]] += length;
      for (std::size_t earlier = 0; earlier < later; ++earlier) {
        Overlap& both = overlaps_[{holding[earlier], holding[later]}];
        if (both.minutes == 0) both = {0, day, moment.minute, end};
        both.minutes += length;
      }
    }
    if (holding.empty()) return false;
    decided_[holding.back()] += length;
    return true;
  }

  void close(LocalDay day, const Moment& moment, int from, int to) {
    Gap& gap = gaps_[{from, to}];
    if (gap.kinds == 0) gap.first = day;
    gap.kinds = static_cast<DayMask>(gap.kinds | moment.today.kind);
  }

  void gaps(const std::string& where, std::vector<yaml::Diagnostic>& found) const {
    for (const auto& [window, gap] : gaps_) {
      const std::string lines = rules_.empty() ? "no rules"
                                : rules_.front().line == rules_.back().line
                                    ? fmt::format("rules of line {}", rules_.front().line)
                                    : fmt::format("rules of lines {} to {}", rules_.front().line, rules_.back().line);
      found.push_back(
          {plan_.file, rules_.empty() ? 1 : rules_.front().line, rules_.empty() ? 1 : rules_.front().column,
           fmt::format("no rule says what holds {} on {} (first on {}; {}): begin with a rule without "
                       "`time`, `days` and `season`, it holds where no other does",
                       hours(window.first, window.second), day_names(gap.kinds), to_string(gap.first), lines),
           where});
    }
  }

  void overlaps(const std::string& where, std::vector<yaml::Diagnostic>& found) const {
    for (const auto& [pair, both] : overlaps_) {
      const auto [earlier, later] = pair;
      const Rule &a = rules_[earlier], &b = rules_[later];
      const bool partly = both.minutes < minutes_[earlier] && both.minutes < minutes_[later];
      if (a.use == b.use || !partly || conditions_of(a.when) != conditions_of(b.when)) continue;
      add(found, b, where, later, true,
          fmt::format("holds {} on {} as does the rule of line {}, and neither lies within the other; the later one "
                      "decides: set their limits so that they meet",
                      hours(both.from, both.to), to_string(both.first), a.line));
    }
  }

  void add(std::vector<yaml::Diagnostic>& found, const Rule& rule, const std::string& where, std::size_t index,
           bool warning, std::string text) const {
    found.push_back(
        {plan_.file, rule.line, rule.column, std::move(text), fmt::format("{}[{}]", where, index), warning});
  }

  const Plan& plan_;
  const std::vector<Rule>& rules_;
  std::vector<int> edges_;
  std::vector<int> minutes_, decided_;
  std::map<std::pair<int, int>, Gap> gaps_;
  std::map<std::pair<std::size_t, std::size_t>, Overlap> overlaps_;
};

}  // namespace

std::vector<yaml::Diagnostic> lint(const Plan& plan) {
  std::vector<yaml::Diagnostic> found;
  for (std::size_t index = 0; index < plan.versions.size(); ++index) {
    const Version& version = plan.versions[index];
    const std::string where = fmt::format("versions[{}]", index);
    const Version* before = index > 0 ? &plan.versions[index - 1] : nullptr;
    if (before == nullptr || !inherited(version.rules, before->rules))
      RuleWalk(plan, version, version.rules).report(where + ".rules", found);
    if (version.exported.mode == ExportMode::rules &&
        (before == nullptr || !inherited(version.exported.rules, before->exported.rules)))
      RuleWalk(plan, version, version.exported.rules).report(where + ".export.rules", found);
    for (const auto& [id, price] : version.periods) {
      const bool used = version.event_period == id ||
                        std::ranges::any_of(version.rules, [&](const Rule& rule) { return rule.use == id; });
      if (!used)
        found.push_back({plan.file, version.line, version.column,
                         fmt::format("no rule uses the period `{}`", plan.period_names[id]), where + ".periods", true});
    }
  }
  return found;
}

std::vector<yaml::Diagnostic> lint_age(const Plan& plan, LocalDay today) {
  const Version& newest = plan.versions.back();
  const auto say = [&](const Version& version, std::string text) {
    return std::vector<yaml::Diagnostic>{{plan.file, version.line, version.column, std::move(text), "versions", true}};
  };
  if (plan.version_on(today) == nullptr)
    return say(plan.versions.front(), fmt::format("no prices before {}: there is no version for today, {}",
                                                  to_string(plan.versions.front().valid_from), to_string(today)));
  if (newest.expect_next && today >= *newest.expect_next + kGrace)
    return say(newest, fmt::format("new prices were expected from {} on and none are here: compare with your bill, and "
                                   "add a version",
                                   to_string(*newest.expect_next)));
  return {};
}

}  // namespace sluice::tariff
