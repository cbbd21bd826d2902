#include "sim/sharpen.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

namespace sluice::sim {
namespace {

using Minute = std::span<float, kMinute>;

Minute minute_of(std::vector<float>& second, std::size_t index) {
  return std::span(second).subspan(index * kMinute).first<kMinute>();
}

double mean(std::span<const float> values) {
  double sum = 0.0;
  for (const float value : values) sum += static_cast<double>(value);
  return sum / static_cast<double>(values.size());
}

// A minute's value between its neighbours'; at the ends of a recording the minute stands in for the one that is
// missing.
struct Around {
  float before = 0, here = 0, after = 0;
};

Around around(std::span<const float> minute, std::size_t at) {
  return {minute[at > 0 ? at - 1 : at], minute[at], minute[at + 1 < minute.size() ? at + 1 : at]};
}

// Adds the broken line through the middles of three minutes, as far as it lies in the second one.
void add_line(Minute minute, const Around& knot) {
  for (std::size_t i = 0; i < kMinute; ++i) {
    const float off = (static_cast<float>(i) - 29.5F) / 60.0F;  // minutes from the middle
    minute[i] += knot.here + off * (off < 0.0F ? knot.here - knot.before : knot.after - knot.here);
  }
}

// The best value within `radius` of every place, by a queue of the candidates that a later one has not beaten.
template <class Better>
std::vector<float> best_around(std::span<const float> values, std::size_t radius, Better better) {
  const std::size_t count = values.size();
  std::vector<float> best(count);
  std::vector<std::size_t> queue(count);
  std::size_t head = 0, tail = 0, seen = 0;
  for (std::size_t at = 0; at < count; ++at) {
    for (; seen < std::min(count, at + radius + 1); ++seen) {
      while (tail > head && !better(values[queue[tail - 1]], values[seen])) --tail;
      queue[tail++] = seen;
    }
    while (queue[head] + radius < at) ++head;
    best[at] = values[queue[head]];
  }
  return best;
}

std::vector<float> mean_around(std::span<const float> values, std::size_t radius) {
  const std::size_t count = values.size();
  std::vector<double> sum(count + 1);
  for (std::size_t at = 0; at < count; ++at) sum[at + 1] = sum[at] + static_cast<double>(values[at]);
  std::vector<float> smooth(count);
  for (std::size_t at = 0; at < count; ++at) {
    const std::size_t first = at - std::min(at, radius), end = std::min(count, at + radius + 1);
    smooth[at] = static_cast<float>((sum[end] - sum[first]) / static_cast<double>(end - first));
  }
  return smooth;
}

// ---- Load ---------------------------------------------------------------------------------------------------------

constexpr double kLargestLoadW = 9000.0;  // a house connection with several big appliances at once
constexpr double kThermostatW = 2000.0;   // a hob's plate, an iron, an oven
constexpr std::size_t kAround = 30;       // minutes to either side in which a house shows its base load

void fill(Minute minute, double level) { std::fill(minute.begin(), minute.end(), static_cast<float>(level)); }

// `before` until `at`, which may lie within a second, then `after`.
void edge(Minute minute, double before, double after, double at) {
  for (std::size_t second = 0; second < kMinute; ++second) {
    const double share = std::clamp(at - static_cast<double>(second), 0.0, 1.0);
    minute[second] = static_cast<float>(before * share + after * (1.0 - share));
  }
}

// A pulse on `base` that brings the minute to `mean_w`: as long as the draw says, or longer where it would otherwise
// reach above what a house draws or below zero.
void pulse(Minute minute, double base, double mean_w, Random& random) {
  const double room = mean_w > base ? kLargestLoadW - base : -base;
  const double drawn = std::floor(random.uniform(8.0, 56.0));
  const double length = std::max(drawn, std::ceil(60.0 * (mean_w - base) / room));
  const double place = random.uniform();
  if (!(length >= 1.0 && length < 60.0)) return fill(minute, mean_w);
  fill(minute, base);
  const auto begin = minute.begin() + static_cast<std::ptrdiff_t>(place * (61.0 - length));
  std::fill(begin, begin + static_cast<std::ptrdiff_t>(length),
            static_cast<float>(base + (mean_w - base) * 60.0 / length));
}

// Seconds within [from, to) in which a switch is on that closes for the share `duty` of every `period`.
double on_time(double from, double to, double period, double duty) {
  const auto until = [&](double time) {
    const double cycles = std::floor(time / period);
    return period * (cycles * duty + std::min(time / period - cycles, duty));
  };
  return until(to) - until(from);
}

// A thermostat on `base`, `start` seconds after its first cycle began, with the duty that brings the minute to
// `mean_w`.
void cycles(Minute minute, double base, double mean_w, double period, double start) {
  const double wanted_s = 60.0 * (mean_w - base) / kThermostatW;
  double low = 0.0, high = 1.0;
  for (int i = 0; i < 40; ++i) {
    const double middle = 0.5 * (low + high);
    (on_time(start, start + 60.0, period, middle) < wanted_s ? low : high) = middle;
  }
  for (std::size_t second = 0; second < kMinute; ++second) {
    const double from = start + static_cast<double>(second);
    minute[second] = static_cast<float>(base + kThermostatW * on_time(from, from + 1.0, period, high));
  }
}

// The period of the thermostat in each minute, 0 = none. Some plateaus of three minutes or more have one.
std::vector<float> thermostats(std::span<const float> minute_w, std::span<const float> base_w, Random& random) {
  std::vector<float> period(minute_w.size());
  const auto heats = [&](std::size_t at) {
    const float above = minute_w[at] - base_w[at];
    return above >= 400.0F && above <= 1500.0F;
  };
  for (std::size_t begin = 0; begin < minute_w.size(); ++begin) {
    std::size_t end = begin;
    while (end < minute_w.size() && heats(end)) ++end;
    if (end == begin) continue;
    if (end - begin >= 3 && random.uniform() < 0.25) {
      const auto drawn = static_cast<float>(random.uniform(16.0, 44.0));
      std::fill(period.begin() + static_cast<std::ptrdiff_t>(begin), period.begin() + static_cast<std::ptrdiff_t>(end),
                drawn);
    }
    begin = end;
  }
  return period;
}

struct Rise {
  std::size_t second = 0;  // the first whole one after it
  double step_w = 0.0;
};

// Small motors and power supplies draw several times their power for a moment.
void add_inrush(std::vector<float>& second_w, std::span<const Rise> rises, Random& random) {
  for (const Rise& rise : rises) {
    if (random.uniform() >= 0.5) continue;
    if (rise.second < second_w.size()) second_w[rise.second] += static_cast<float>(4.0 * rise.step_w);
    if (rise.second + 1 < second_w.size()) second_w[rise.second + 1] += static_cast<float>(rise.step_w);
  }
}

void add_noise(std::vector<float>& second_w, Random& random) {
  constexpr double kMemory = 0.8;      // of one second for the one before
  constexpr double kInnovation = 0.6;  // √(1 − 0.8²): the noise then has the deviation that is asked for
  double noise = 0.0;
  for (float& watts : second_w) {
    noise = kMemory * noise + kInnovation * random.normal();
    const double level = static_cast<double>(watts);
    watts = static_cast<float>(std::max(0.0, level + (1.5 + 0.004 * level) * noise));
  }
}

// ---- Sun ----------------------------------------------------------------------------------------------------------

constexpr std::size_t kNearest = 12;
constexpr float kLevelWeight = 0.3F;  // in a key, how bright a minute is says less than how it changes

// What the sun would give here without clouds, roughly: the best minute within 45, smoothed. Never below the minute
// itself, because every value that is averaged looked at it.
std::vector<float> envelope_of(std::span<const float> minute) {
  return mean_around(best_around(minute, 45, std::greater<>{}), 15);
}

CloudLibrary::Key key_of(std::span<const float> minute, std::size_t at, float envelope) {
  const auto [before, here, after] = around(minute, at);
  return {(here - before) / envelope, (after - here) / envelope, kLevelWeight * here / envelope};
}

// How much of a patch is heard at each of its seconds. Patches of neighbouring minutes fade into each other with Hann
// windows w whose squares are brought to one, so that unrelated patches keep their variance; where a neighbour has
// none, the gain ends at 1.5. The cosine is a recurrence, because libraries round theirs differently.
struct Fades {
  Fades() {
    constexpr double kCos3Degrees = 0.99862953475457387378, kCosHalf = 0.99965732497555727787;
    std::array<double, CloudLibrary::kPatch> window{};
    double previous = kCosHalf, cosine = kCosHalf;
    for (double& w : window) {
      w = 0.5 * (1.0 - cosine);
      const double next = 2.0 * kCos3Degrees * cosine - previous;
      previous = cosine;
      cosine = next;
    }
    for (std::size_t i = 0; i < window.size(); ++i) {
      const double other = window[(i + kMinute) % window.size()];
      among[i] = static_cast<float>(window[i] / std::sqrt(window[i] * window[i] + other * other));
      alone[i] = static_cast<float>(std::min(1.5 * window[i], 1.0));
    }
  }
  CloudLibrary::Patch among{}, alone{};
};

void add_patches(std::vector<float>& second, std::span<const float> minute, std::span<const float> envelope,
                 const CloudLibrary& library, std::uint64_t seed) {
  const Fades fades;
  Random random(seed);
  const std::size_t count = minute.size();
  for (std::size_t at = 0; at < count; ++at) {
    if (minute[at] <= 0.0F) continue;
    const auto& patch = library.pick(key_of(minute, at, envelope[at]), random);
    const auto& rising = at > 0 && minute[at - 1] > 0.0F ? fades.among : fades.alone;
    const auto& falling = at + 1 < count && minute[at + 1] > 0.0F ? fades.among : fades.alone;
    // The patch begins half a minute before its minute; what lies outside of the recording is left away.
    const std::size_t skip = at == 0 ? kMinute / 2 : 0;
    const std::size_t end = at + 1 == count ? kMinute * 3 / 2 : CloudLibrary::kPatch;
    for (std::size_t i = skip; i < end; ++i) {
      const float fade = i < kMinute ? rising[i] : falling[i];
      second[at * kMinute + i - kMinute / 2] += envelope[at] * fade * patch[i];
    }
  }
}

// Brings every minute of `second` back to its mean, within zero and `brightest` times its envelope. What is missing is
// first added as a line through the minutes, which leaves no step between them; the little that remains is stretched
// from one of the two ends.
void restore_means(std::vector<float>& second, std::span<const float> minute, std::span<const float> envelope,
                   float brightest) {
  const std::size_t count = minute.size();
  std::vector<float> missing(count);
  const auto limit_and_compare = [&](std::size_t at) {
    const Minute values = minute_of(second, at);
    const float top = minute[at] > 0.0F ? envelope[at] * brightest : 0.0F;  // dark minutes stay dark
    for (float& value : values) value = std::clamp(value, 0.0F, top);
    missing[at] = static_cast<float>(static_cast<double>(minute[at]) - mean(values));
  };
  for (int pass = 0; pass < 3; ++pass) {
    for (std::size_t at = 0; at < count; ++at) limit_and_compare(at);
    for (std::size_t at = 0; at < count; ++at) {
      if (minute[at] > 0.0F) add_line(minute_of(second, at), around(missing, at));
    }
  }
  for (std::size_t at = 0; at < count; ++at) {
    limit_and_compare(at);
    if (minute[at] <= 0.0F) continue;
    const float end = missing[at] > 0.0F ? envelope[at] * brightest : 0.0F;
    const float factor = (end - minute[at]) / (end - (minute[at] - missing[at]));
    for (float& value : minute_of(second, at)) value = end - (end - value) * factor;
  }
}

}  // namespace

std::vector<float> minute_means(std::span<const float> second) {
  std::vector<float> means(second.size() / kMinute);
  for (std::size_t at = 0; at < means.size(); ++at) {
    means[at] = static_cast<float>(mean(second.subspan(at * kMinute, kMinute)));
  }
  return means;
}

std::vector<float> interpolate_minutes(std::span<const float> minute) {
  const std::size_t count = minute.size();
  std::vector<float> second(count * kMinute);
  if (count == 0) return second;
  // A minute whose knot is v and whose neighbours' are u and w has the mean (u + 6v + w) / 8. Beyond the ends the line
  // goes on level. The equations are solved by elimination from the first to the last and back.
  std::vector<double> knot(count), ratio(count);
  for (std::size_t at = 0; at < count; ++at) {
    const double own = 6.0 + (at == 0 ? 1.0 : 0.0) + (at + 1 == count ? 1.0 : 0.0);
    const double pivot = own - (at > 0 ? ratio[at - 1] : 0.0);
    ratio[at] = 1.0 / pivot;
    knot[at] = (8.0 * static_cast<double>(minute[at]) - (at > 0 ? knot[at - 1] : 0.0)) / pivot;
  }
  for (std::size_t at = count - 1; at-- > 0;) knot[at] -= ratio[at] * knot[at + 1];
  const std::vector<float> knots(knot.begin(), knot.end());
  for (std::size_t at = 0; at < count; ++at) add_line(minute_of(second, at), around(knots, at));
  return second;
}

std::vector<float> sharpen_load(std::span<const float> minute_w, std::uint64_t seed, LoadDetail detail) {
  const std::size_t count = minute_w.size();
  std::vector<float> second_w(count * kMinute);
  if (count == 0) return second_w;
  Random random(seed);
  const auto base_w = best_around(minute_w, kAround, std::less<>{});
  const auto period = thermostats(minute_w, base_w, random);
  std::vector<Rise> rises;
  double level = static_cast<double>(minute_w.front());
  double cycling_s = 0.0;
  for (std::size_t at = 0; at < count; ++at) {
    const Minute minute = minute_of(second_w, at);
    const double mean_w = static_cast<double>(minute_w[at]);
    const double next_w = static_cast<double>(minute_w[std::min(at + 1, count - 1)]);
    const double close = 15.0 + 0.03 * mean_w;
    if (period[at] > 0.0F) {
      // Plateaus that touch are one run, so the period tells where a thermostat begins.
      cycling_s = at > 0 && period[at - 1] > 0.0F ? cycling_s + 60.0 : 0.0;
      level = static_cast<double>(base_w[at]);
      cycles(minute, level, mean_w, static_cast<double>(period[at]), cycling_s);
    } else if (std::fabs(mean_w - level) < close) {
      level = mean_w;
      fill(minute, level);
    } else if (std::min(level, next_w) <= mean_w && mean_w <= std::max(level, next_w)) {
      const double when = 60.0 * (next_w - mean_w) / (next_w - level);
      edge(minute, level, next_w, when);
      if (next_w - level >= 60.0 && next_w - level <= 260.0) {
        rises.push_back({at * kMinute + static_cast<std::size_t>(std::ceil(when)), next_w - level});
      }
      level = next_w;
    } else {
      // The minute stands out from both: a pulse on whichever of them is nearer, and flat where that is close enough.
      level = std::fabs(mean_w - next_w) < std::fabs(mean_w - level) ? next_w : level;
      if (std::fabs(mean_w - level) < close) {
        level = mean_w;
        fill(minute, level);
      } else {
        pulse(minute, level, mean_w, random);
      }
    }
  }
  if (detail == LoadDetail::full) {
    add_inrush(second_w, rises, random);
    add_noise(second_w, random);
  }
  return second_w;
}

Result<CloudLibrary> CloudLibrary::from_measured(std::span<const float> second) {
  const auto minute = minute_means(second);
  const auto envelope = envelope_of(minute);
  const auto line = interpolate_minutes(minute);
  const float brightest = envelope.empty() ? 0.0F : *std::max_element(envelope.begin(), envelope.end());
  CloudLibrary library;
  for (std::size_t at = 1; at + 1 < minute.size(); ++at) {
    // At dusk a measured watt or two would count as a cloud.
    if (minute[at] <= 0.0F || envelope[at] < 0.05F * brightest) continue;
    library.keys_.push_back(key_of(minute, at, envelope[at]));
    Patch& patch = library.patches_.emplace_back();
    for (std::size_t i = 0; i < kPatch; ++i) {
      const std::size_t from = at * kMinute + i - kMinute / 2;
      patch[i] = (second[from] - line[from]) / envelope[at];
      library.brightest_ = std::max(library.brightest_, second[from] / envelope[at]);
    }
  }
  if (library.size() < 15) {
    return fail(ErrorKind::invalid, "a cloud library from {} minutes of daylight; a day measured each second is wanted",
                library.size());
  }
  return library;
}

const CloudLibrary::Patch& CloudLibrary::pick(const Key& key, Random& random) const {
  struct Near {
    float distance = std::numeric_limits<float>::max();
    std::size_t index = 0;
  };
  std::array<Near, kNearest> nearest{};  // sorted; a few hundred keys need no index
  for (std::size_t index = 0; index < keys_.size(); ++index) {
    const Key& known = keys_[index];
    const float before = known.before - key.before, after = known.after - key.after, level = known.level - key.level;
    const float distance = before * before + after * after + level * level;
    if (!(distance < nearest.back().distance)) continue;
    std::size_t place = kNearest - 1;
    for (; place > 0 && distance < nearest[place - 1].distance; --place) nearest[place] = nearest[place - 1];
    nearest[place] = {distance, index};
  }
  return patches_[nearest[random.next() % kNearest].index];
}

std::vector<float> sharpen_sun(std::span<const float> minute, const CloudLibrary& library, std::uint64_t seed) {
  auto second = interpolate_minutes(minute);
  const auto envelope = envelope_of(minute);
  add_patches(second, minute, envelope, library, seed);
  restore_means(second, minute, envelope, library.brightest());
  return second;
}

}  // namespace sluice::sim
