#pragma once
/// Long work on several threads, and how far it is.

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "ports/clock.hpp"

namespace sluice::cmd {

/// On stderr: a bar for people, a line now and then for logs.
class ProgressBar {
 public:
  /// `parts` are what the work consists of, called `unit` in the text.
  ProgressBar(std::string unit, std::size_t parts, const ports::Clock& clock);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// From any thread.
  void done(std::size_t parts) { done_ += parts; }
  /// From one thread only.
  void show();

 private:
  const std::string unit_;
  const std::size_t parts_;
  const ports::Clock& clock_;
  const MonoTime begun_;
  MonoTime said_;
  const bool terminal_;
  bool drawn_ = false;
  std::atomic<std::size_t> done_ = 0;
};

/// Does all jobs, `threads` at a time (0: one a core), and shows `bar` meanwhile. Jobs begin in their order; each must
/// write to a place of its own, so that the result does not depend on how many threads there are.
void work_off(const std::vector<std::function<void()>>& jobs, unsigned threads, ProgressBar& bar,
              const ports::Clock& clock);

}  // namespace sluice::cmd
