#include "io/log_sink.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>

namespace sluice::io {
namespace {

constexpr int kPatienceMs = 1000;  // then it looks whether it is to stop

int priority(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return 7;
    case LogLevel::info:
      return 6;
    case LogLevel::warning:
      return 4;
    case LogLevel::error:
      return 3;
  }
  return 3;
}

/// What devices say must not begin a new line or reach into the terminal.
std::string one_line(std::string_view text) {
  std::string clean(text);
  for (char& letter : clean) {
    if (std::iscntrl(static_cast<unsigned char>(letter))) letter = ' ';
  }
  return clean;
}

enum class Outcome { written, stuck, gone };

/// Takes what was written away from `text`.
Outcome write_some(int fd, std::string_view& text) {
  while (!text.empty()) {
    pollfd ready{fd, POLLOUT, 0};
    if (poll(&ready, 1, kPatienceMs) == 0) return Outcome::stuck;
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written > 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR && errno != EAGAIN) {
      return Outcome::gone;
    }
  }
  return Outcome::written;
}

}  // namespace

LogSink::LogSink(Options options) : options_(options), thread_([this] { run(); }) {}

LogSink::~LogSink() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void LogSink::write(LogLevel level, std::string_view component, std::string_view text) {
  if (level < options_.least) return;
  std::string line = options_.journal ? fmt::format("<{}>{}: {}\n", priority(level), component, one_line(text))
                                      : fmt::format("{:<7} {}: {}\n", to_string(level), component, one_line(text));
  {
    const std::lock_guard lock(mutex_);
    if (queue_.size() >= options_.longest_queue) {
      ++dropped_;
      return;
    }
    queue_.push_back(std::move(line));
  }
  wake_.notify_one();
}

void LogSink::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return;
    std::string line = std::move(queue_.front());
    queue_.pop_front();
    if (dropped_ > 0) line += fmt::format("log: {} lines were lost, nobody read them in time\n", dropped_);
    dropped_ = 0;
    std::string_view rest = line;
    while (true) {
      const bool last_chance = stopping_;
      lock.unlock();
      const Outcome outcome = write_some(options_.fd, rest);
      lock.lock();
      if (outcome == Outcome::stuck && last_chance) return;
      if (outcome != Outcome::stuck) break;
    }
  }
}

bool is_journal(int fd, const char* journal_stream) {
  struct stat status{};
  if (journal_stream == nullptr || fstat(fd, &status) != 0) return false;
  return fmt::format("{}:{}", status.st_dev, status.st_ino) == journal_stream;
}

}  // namespace sluice::io
