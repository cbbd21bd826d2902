#pragma once
/// A real mosquitto on a free port of loopback, and somebody who publishes on it.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <mosquitto.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <string>

#include "io/clock.hpp"

namespace sluice::io {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

inline constexpr auto kGenerous = 10s;

inline std::uint16_t free_port() {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  EXPECT_EQ(::bind(socket, reinterpret_cast<sockaddr*>(&address), length), 0);
  EXPECT_EQ(::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &length), 0);
  ::close(socket);
  return ntohs(address.sin_port);
}

/// A broker of this test's own, with its own configuration in its own folder.
class Mosquitto {
 public:
  explicit Mosquitto(std::uint16_t port, const std::string& rules = "allow_anonymous true\n") : port_(port) {
    std::string pattern = (fs::temp_directory_path() / "sluice-mosquitto-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    // Started by root it gives its rights away, unless it is told whose to keep.
    std::ofstream(folder_ / "conf") << "listener " << port << " 127.0.0.1\npersistence false\n"
                                    << (::geteuid() == 0 ? "user root\n" : "") << rules;
    start();
  }
  ~Mosquitto() {
    stop();
    fs::remove_all(folder_);
  }
  Mosquitto(const Mosquitto&) = delete;
  Mosquitto& operator=(const Mosquitto&) = delete;

  void start() {
    const std::string conf = folder_ / "conf";
    std::string program = SLUICE_MOSQUITTO, flag = "-c", file = conf;
    char* arguments[] = {program.data(), flag.data(), file.data(), nullptr};
    posix_spawn_file_actions_t quiet;
    posix_spawn_file_actions_init(&quiet);
    posix_spawn_file_actions_addopen(&quiet, 2, (folder_ / "log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ASSERT_EQ(::posix_spawn(&pid_, program.c_str(), &quiet, nullptr, arguments, environ), 0);
    posix_spawn_file_actions_destroy(&quiet);
  }
  void stop() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  std::uint16_t port() const { return port_; }

 private:
  std::uint16_t port_;
  fs::path folder_;
  pid_t pid_ = 0;
};

/// Whoever publishes: another client of the same library, on the test's own thread.
class Publisher {
 public:
  explicit Publisher(std::uint16_t port) : client_(mosquitto_new(nullptr, true, this)) {
    mosquitto_publish_callback_set(client_, [](mosquitto*, void* self, int) {
      auto& taken = static_cast<Publisher*>(self)->taken_;
      ++taken;
      taken.notify_all();
    });
    const SystemClock clock;
    const MonoTime until = clock.now() + kGenerous;
    while (mosquitto_connect(client_, "127.0.0.1", port, 30) != MOSQ_ERR_SUCCESS && clock.now() < until) pause(clock);
    mosquitto_loop_start(client_);
  }
  ~Publisher() {
    mosquitto_disconnect(client_);
    mosquitto_loop_stop(client_, false);
    mosquitto_destroy(client_);
  }
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;
  /// Returns when the broker has it.
  void say(const std::string& topic, const std::string& payload, bool retain = false) {
    const int before = taken_;
    mosquitto_publish(client_, nullptr, topic.c_str(), static_cast<int>(payload.size()), payload.data(), 1, retain);
    taken_.wait(before);
  }

 private:
  static void pause(const SystemClock& clock) {
    std::mutex mutex;
    std::condition_variable never;
    std::unique_lock lock(mutex);
    clock.wait_until(lock, never, clock.now() + 50ms);
  }
  std::atomic<int> taken_{0};
  mosquitto* client_;
};

}  // namespace sluice::io
