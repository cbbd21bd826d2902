#include "crew.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

namespace sluice::cmd {
namespace {

constexpr std::size_t kWidth = 40;
constexpr Duration kRedraw = std::chrono::milliseconds(200);
constexpr Duration kSayProgress = std::chrono::minutes(1);

}  // namespace

ProgressBar::ProgressBar(std::string unit, std::size_t parts, const ports::Clock& clock)
    : unit_(std::move(unit)),
      parts_(std::max<std::size_t>(parts, 1)),
      clock_(clock),
      begun_(clock.now()),
      said_(begun_),
      terminal_(isatty(STDERR_FILENO) != 0) {}

ProgressBar::~ProgressBar() {
  if (drawn_) fmt::print(stderr, "\r\033[K");
}

void ProgressBar::show() {
  const MonoTime now = clock_.now();
  const std::size_t done = std::min<std::size_t>(done_, parts_);
  const double share = static_cast<double>(done) / static_cast<double>(parts_);
  if (terminal_) {
    const auto full = static_cast<std::size_t>(share * kWidth);
    fmt::print(stderr, "\r[{}{}] {:3.0f} %  {} of {} {}\033[K", std::string(full, '#'), std::string(kWidth - full, '.'),
               100.0 * share, done, parts_, unit_);
    drawn_ = true;
  } else if (now - said_ >= kSayProgress) {
    said_ = now;
    fmt::print(stderr, "{:.0f} %: {} of {} {} after {:.0f} s\n", 100.0 * share, done, parts_, unit_,
               to_seconds(now - begun_));
  }
}

void work_off(const std::vector<std::function<void()>>& jobs, unsigned threads, ProgressBar& bar,
              const ports::Clock& clock) {
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  std::condition_variable one_went_home;
  std::size_t working = threads != 0 ? threads : std::max(1U, std::thread::hardware_concurrency());
  working = std::min(working, jobs.size());
  std::vector<std::thread> crew;
  for (std::size_t i = working; i > 0; --i) {
    crew.emplace_back([&] {
      for (std::size_t job = next++; job < jobs.size(); job = next++) jobs[job]();
      const std::lock_guard lock(mutex);
      --working;
      one_went_home.notify_all();
    });
  }
  for (std::unique_lock lock(mutex); working > 0;) {
    bar.show();
    clock.wait_until(lock, one_went_home, clock.now() + kRedraw);
  }
  for (std::thread& thread : crew) thread.join();
}

}  // namespace sluice::cmd
