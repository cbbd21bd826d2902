#pragma once
/// Shared by the tests of lib/store: a clock that stands still until told, a log that remembers, a folder that goes.

#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.hpp"
#include "ports/clock.hpp"

namespace sluice::store::testing {

/// 2026-06-21T10:00:00Z, a quarter of an hour's beginning.
inline constexpr std::int64_t kStartUnixMs = 1782036000000;

class ManualClock final : public ports::Clock {
 public:
  MonoTime now() const override { return MonoTime(Duration(elapsed_ns_.load())); }
  WallTime wall_now() const override { return from_unix_ms(kStartUnixMs) + Duration(elapsed_ns_.load()); }
  bool wall_sane() const override { return true; }
  void wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& condition,
                  MonoTime deadline) const override {
    if (now() < deadline) condition.wait_for(lock, std::chrono::milliseconds(1));
  }
  void advance(Duration by) { elapsed_ns_ += by.count(); }

 private:
  std::atomic<Duration::rep> elapsed_ns_{0};
};

class RecordingLog final : public Log {
 public:
  void write(LogLevel level, std::string_view, std::string_view text) override {
    const std::lock_guard lock(mutex_);
    lines_.push_back(std::string(to_string(level)) + ": " + std::string(text));
  }
  std::vector<std::string> lines() const {
    const std::lock_guard lock(mutex_);
    return lines_;
  }
  int count(std::string_view part) const {
    int found = 0;
    for (const std::string& line : lines()) found += line.find(part) != std::string::npos ? 1 : 0;
    return found;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "sluice-store-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string file(const std::string& name) const { return (path_ / name).string(); }
  /// Names of the files whose name begins with `prefix`.
  std::vector<std::string> files(const std::string& prefix) const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) {
      const std::string name = entry.path().filename().string();
      if (name.rfind(prefix, 0) == 0) names.push_back(name);
    }
    return names;
  }

 private:
  std::filesystem::path path_;
};

inline void overwrite(const std::string& path, std::size_t offset, const std::string& bytes) {
  std::FILE* file = std::fopen(path.c_str(), "r+b");
  std::fseek(file, static_cast<long>(offset), SEEK_SET);
  std::fwrite(bytes.data(), 1, bytes.size(), file);
  std::fclose(file);
}

/// Runs `work` in a child process, without destructors of the parent's objects, and returns its wait status.
inline int in_child(const std::function<void()>& work) {
  const pid_t child = ::fork();
  if (child == 0) {
    work();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return status;
}

}  // namespace sluice::store::testing
