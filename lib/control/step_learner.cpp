#include "control/step_learner.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

namespace sluice::control {
namespace {

constexpr double kSmallestStepW = 200.0;
constexpr Duration kBaseLine = std::chrono::seconds(6);      // an older look says nothing of the house before the step
constexpr Duration kApart = std::chrono::milliseconds(800);  // a faster meter fills the window no sooner
constexpr double kWindowS = 40.0;
constexpr double kLatestS = 20.0;  // no dead time is longer
constexpr std::size_t kFewestSamples = 10;
// What a meter in a quiet house leaves unexplained: an accidental perfect fit proves no more than this.
constexpr double kNoiseW = 8.0;
// The miner draws what its target says, give or take: tells apart a slow ramp of a large step and a fast one of a
// small step while neither has ended.
constexpr double kShareSigma = 0.15;
constexpr double kShareLow = 0.6, kShareHigh = 1.5;
// Acceptance. The step must explain four fifths of what moved, and far more than chance. A dead time or ramp is known
// when its neighbours leave more unexplained by nine variances of one sample (three sigma): loads are not white noise.
constexpr double kExplained = 0.8;
constexpr double kFarMore = 60.0;
constexpr double kClearly = 9.0;
constexpr double kDeadNeighbourS = 1.25;
constexpr double kRampNeighbour = 1.4;
constexpr double kNever = std::numeric_limits<double>::infinity();
constexpr double kGoodStep = 15.0;  // this many sigma high, a step counts in full

/// The samples of a window without their mean and without what the others' changes explain.
class Window {
 public:
  Window(std::span<const StepLearner::Sample> samples, std::span<const StepLearner::Order> orders, double from_w)
      : samples_(samples), orders_(orders), from_w_(from_w) {
    const auto count = static_cast<double>(samples.size());
    double mean_w = 0.0;
    double mean_change_w = 0.0;
    for (const auto& sample : samples) {
      mean_w += sample.drawn_w / count;
      mean_change_w += sample.others_change_w / count;
    }
    double norm = 0.0;
    double part = 0.0;
    for (std::size_t i = 0; i < samples.size(); ++i) {
      drawn_w_[i] = samples[i].drawn_w - mean_w;
      trace_[i] = samples[i].others_change_w - mean_change_w;
      norm += trace_[i] * trace_[i];
      part += trace_[i] * drawn_w_[i];
    }
    const double scale = norm > 1.0 ? 1.0 / norm : 0.0;
    for (std::size_t i = 0; i < samples.size(); ++i) drawn_w_[i] -= part * scale * trace_[i];
    trace_scale_ = scale;
    for (std::size_t i = 0; i < samples.size(); ++i) all_ += drawn_w_[i] * drawn_w_[i];
  }

  struct Match {
    double left = 0.0;  ///< sum of squares that stays unexplained, W²
    double share = 0.0;
  };

  /// How well `dead_s` and the ramps explain the samples.
  Match match(double dead_s, double up_w_per_s, double down_w_per_s) const {
    double sum = 0.0, traced = 0.0, square = 0.0, common = 0.0;
    double moved_w = 0.0;
    double goal_w = 0.0;
    double at_s = samples_[0].at_s;
    const auto move = [&](double to_s) {
      const double seconds = to_s - at_s;
      at_s = to_s;
      moved_w = goal_w > moved_w ? std::min(goal_w, moved_w + up_w_per_s * seconds)
                                 : std::max(goal_w, moved_w - down_w_per_s * seconds);
    };
    std::size_t next = 0;
    const auto due_s = [&] { return next < orders_.size() ? orders_[next].at_s + dead_s : kNever; };
    double next_s = due_s();
    std::size_t i = 0;
    while (i < samples_.size() && samples_[i].at_s < next_s) at_s = samples_[i++].at_s;  // as before: nothing to add
    for (; i < samples_.size(); ++i) {
      for (; next_s <= samples_[i].at_s; next_s = due_s()) {
        move(std::max(at_s, next_s));
        goal_w = orders_[next++].goal_w - from_w_;
      }
      if (moved_w != goal_w) move(samples_[i].at_s);
      at_s = samples_[i].at_s;
      sum += moved_w;
      traced += moved_w * trace_[i];
      square += moved_w * moved_w;
      common += moved_w * drawn_w_[i];
    }
    const double own = square - sum * sum / static_cast<double>(samples_.size()) - traced * traced * trace_scale_;
    const double tie = kNoiseW * kNoiseW / (kShareSigma * kShareSigma);
    Match out;
    out.share = (common + tie) / (own + tie);
    out.left =
        all_ - 2.0 * out.share * common + out.share * out.share * own + tie * (out.share - 1.0) * (out.share - 1.0);
    return out;
  }

  double all() const { return all_; }

 private:
  std::span<const StepLearner::Sample> samples_;
  std::span<const StepLearner::Order> orders_;
  double from_w_;
  std::array<double, StepLearner::kSamples> drawn_w_{};
  std::array<double, StepLearner::kSamples> trace_{};
  double trace_scale_ = 0.0;
  double all_ = 0.0;
};

/// Of one window and one direction: the other ramp stays as guessed.
class Search {
 public:
  /// `furthest_w`: the largest distance from where the miner drew before.
  Search(const Window& window, const StepGuess& guess, bool up, double furthest_w)
      : window_(window), guess_(guess), up_(up), furthest_w_(furthest_w) {}

  double left(double dead_s, double ramp) const { return match(dead_s, ramp).left; }
  Window::Match match(double dead_s, double ramp) const {
    return window_.match(dead_s, up_ ? ramp : guess_.up_w_per_s, up_ ? guess_.down_w_per_s : ramp);
  }

  void run() {
    const double guess = up_ ? guess_.up_w_per_s : guess_.down_w_per_s;
    for (const double factor : {1.0, 0.5, 2.0}) {
      Point point{0.0, guess * factor, left(0.0, guess * factor)};
      for (double dead_s = 1.0; dead_s <= kLatestS; dead_s += 1.0) consider(point, dead_s, guess * factor);
      // A steep ramp makes a narrow valley: each of the three is followed to its bottom.
      descend(point);
      if (best_.ramp == 0.0 || point.left < best_.left) best_ = point;
    }
  }

  double dead_s() const { return best_.dead_s; }
  double ramp() const { return best_.ramp; }
  double best_left() const { return best_.left; }

  /// How far the dead time can go in one direction before the samples clearly object, whatever the ramp.
  double reach_s(double direction, double limit) const {
    double reach_s = 0.0;
    while (reach_s < kDeadNeighbourS) {
      const double dead_s = best_.dead_s + direction * (reach_s + 0.25);
      if (dead_s < 0.0) break;
      double least = left(dead_s, best_.ramp);
      for (const double factor : {0.75, 1.0 / 0.75}) least = std::min(least, left(dead_s, best_.ramp * factor));
      if (least > limit) break;
      reach_s += 0.25;
    }
    return reach_s;
  }

  /// Whether a ramp half as fast again, or slower, is clearly worse even with the dead time that suits it best: a ramp
  /// that ends between two samples is not, for a later start makes up for it.
  bool ramp_clear(double limit) const {
    return least_left(best_.ramp * kRampNeighbour) > limit && least_left(best_.ramp / kRampNeighbour) > limit;
  }

 private:
  /// Downhill in the dead time alone.
  double least_left(double ramp) const {
    double at_s = std::max(0.0, best_.dead_s + later_s(best_.dead_s, best_.ramp, ramp));
    double least = left(at_s, ramp);
    for (const double step_s : {0.5, 0.2, 0.08, 0.03, 0.015}) {
      for (const double direction : {1.0, -1.0}) {
        for (int round = 0; round < 3; ++round) {
          const double next_s = std::max(0.0, at_s + direction * step_s);
          const double here = left(next_s, ramp);
          if (here >= least) break;
          least = here;
          at_s = next_s;
        }
      }
    }
    return least;
  }

  struct Point {
    double dead_s = 0.0, ramp = 0.0, left = 0.0;
  };

  bool consider(Point& point, double dead_s, double ramp) const {
    if (dead_s < 0.0 || dead_s > kLatestS) return false;
    const double here = left(dead_s, ramp);
    if (here >= point.left) return false;
    point = {dead_s, ramp, here};
    return true;
  }

  /// How much later the same step must begin with another ramp for the middle of its climb to stay where it is: what
  /// the samples hold to first, so the search goes along this line and across it.
  double later_s(double dead_s, double ramp, double other) const {
    const double rest_s = std::max(0.0, kWindowS - dead_s);
    return 0.5 * (std::min(furthest_w_ / ramp, rest_s) - std::min(furthest_w_ / other, rest_s));
  }

  /// In ever smaller steps.
  void descend(Point& point) const {
    struct Step {
      double seconds, factor;
    };
    for (const Step step : {Step{0.5, 1.3}, Step{0.2, 1.12}, Step{0.08, 1.05}, Step{0.03, 1.02}}) {
      for (int round = 0; round < 5; ++round) {
        bool better = false;
        for (const double direction : {1.0, -1.0}) {
          const Point at = point;
          better = consider(point, at.dead_s + direction * step.seconds, at.ramp) || better;
          const double ramp = point.ramp * (direction > 0.0 ? step.factor : 1.0 / step.factor);
          better = consider(point, point.dead_s + later_s(point.dead_s, point.ramp, ramp), ramp) || better;
        }
        if (!better) break;
      }
    }
  }

  const Window& window_;
  const StepGuess& guess_;
  bool up_;
  double furthest_w_;
  Point best_;
};

}  // namespace

void StepLearner::begin(std::uint8_t unit, MonoTime sent, double from_w, double goal_w) {
  running_ = false;
  if (last_.at == MonoTime{} || sent - last_.at > kBaseLine) return;
  running_ = true;
  unit_ = unit;
  began_ = sent;
  from_w_ = from_w;
  samples_.clear();
  orders_.clear();
  keep(last_);
  follow(sent, goal_w);
}

void StepLearner::follow(MonoTime sent, double goal_w) {
  if (!orders_.push_back({to_seconds(sent - began_), goal_w})) running_ = false;
}

void StepLearner::keep(const HouseLook& look) {
  const double change_w = before_last_.at == MonoTime{} ? 0.0 : look.others_w - before_last_.others_w;
  samples_.push_back({to_seconds(look.at - began_), look.drawn_w, change_w});
}

void StepLearner::look(const HouseLook& look) {
  if (look.at - last_.at < kApart) return;
  before_last_ = last_;
  last_ = look;
  if (running_) keep(look);
}

bool StepLearner::over(MonoTime now) const { return running_ && to_seconds(now - began_) >= kWindowS; }

StepFit StepLearner::finish(const StepGuess& guess) {
  running_ = false;
  StepFit fit;
  double up_w = 0.0, down_w = 0.0, furthest_w = 0.0;
  double before_w = from_w_;
  for (const Order& order : orders_) {
    (order.goal_w > before_w ? up_w : down_w) += std::fabs(order.goal_w - before_w);
    furthest_w = std::max(furthest_w, std::fabs(order.goal_w - from_w_));
    before_w = order.goal_w;
  }
  if (furthest_w < kSmallestStepW || samples_.size() < kFewestSamples) return fit;
  if (guess.up_w_per_s <= 0.0 || guess.down_w_per_s <= 0.0) return fit;

  fit.up = up_w > down_w;
  const Window window({samples_.begin(), samples_.size()}, {orders_.begin(), orders_.size()}, from_w_);
  Search search(window, guess, fit.up, furthest_w);
  search.run();
  const double variance = std::max(search.best_left() / static_cast<double>(samples_.size() - 4), kNoiseW * kNoiseW);
  const double explained = window.all() - search.best_left();
  fit.share = search.match(search.dead_s(), search.ramp()).share;
  fit.fits = explained >= kExplained * window.all() && explained >= kFarMore * variance && fit.share >= kShareLow &&
             fit.share <= kShareHigh;
  if (!fit.fits) return fit;

  const double limit = search.best_left() + kClearly * variance;
  const double earlier_s = search.reach_s(-1.0, limit);
  const double later_s = search.reach_s(1.0, limit);
  fit.dead_known = earlier_s < kDeadNeighbourS && later_s < kDeadNeighbourS;
  fit.dead_s = std::max(0.0, search.dead_s() + 0.5 * (later_s - earlier_s));
  fit.ramp_known = search.ramp_clear(limit);
  fit.ramp_w_per_s = search.ramp();
  fit.weight = std::min(1.0, furthest_w / (kGoodStep * std::sqrt(variance)));
  return fit;
}

}  // namespace sluice::control
