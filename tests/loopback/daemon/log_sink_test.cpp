#include "io/log_sink.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <string>

namespace sluice::io {
namespace {

struct Pipe {
  Pipe() { EXPECT_EQ(pipe2(ends, O_NONBLOCK), 0); }
  ~Pipe() {
    close(ends[0]);
    close(ends[1]);
  }
  std::string drain() const {
    std::string all;
    char buffer[4096];
    for (ssize_t got = read(ends[0], buffer, sizeof buffer); got > 0; got = read(ends[0], buffer, sizeof buffer)) {
      all.append(buffer, static_cast<std::size_t>(got));
    }
    return all;
  }
  int ends[2];
};

TEST(LogSink, the_journal_gets_priorities) {
  Pipe out;
  {
    LogSink({.fd = out.ends[1], .journal = true}).warning("modbus", "no answer from {}", "meter");
  }
  EXPECT_EQ(out.drain(), "<4>modbus: no answer from meter\n");
}

TEST(LogSink, people_get_words_and_only_what_is_important_enough) {
  Pipe out;
  {
    LogSink log({.fd = out.ends[1]});
    log.debug("modbus", "detail");
    log.error("store", "disk full");
  }
  EXPECT_EQ(out.drain(), "error   store: disk full\n");
}

TEST(LogSink, what_a_device_says_cannot_forge_a_line) {
  Pipe out;
  {
    LogSink({.fd = out.ends[1]}).info("miner", "{}", "x\nerror   sluiced: forged\x1b[2J");
  }
  EXPECT_EQ(out.drain(), "info    miner: x error   sluiced: forged [2J\n");
}

TEST(LogSink, a_reader_that_does_not_read_holds_nobody_up) {
  Pipe out;
  const auto begun = std::chrono::steady_clock::now();
  {
    LogSink log({.fd = out.ends[1], .longest_queue = 100});
    const std::string text(1000, 'x');
    for (int i = 0; i < 2000; ++i) log.info("miner", "{}", text);
    EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(1));
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(5));
}

TEST(LogSink, knows_the_journal_by_its_socket) {
  struct stat status{};
  ASSERT_EQ(fstat(2, &status), 0);
  const std::string own = std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
  EXPECT_TRUE(is_journal(2, own.c_str()));
  EXPECT_FALSE(is_journal(2, "1:2"));
  EXPECT_FALSE(is_journal(2, nullptr));
}

}  // namespace
}  // namespace sluice::io
