#include <gtest/gtest.h>
#include <httplib.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace {

using nlohmann::json;

/// The real program, with its standard output on a pipe.
class Program {
 public:
  explicit Program(std::vector<std::string> words) {
    words.insert(words.begin(), SLUICE_HOUSE_PROGRAM);
    std::array<int, 2> ends{};
    EXPECT_EQ(pipe(ends.data()), 0);
    child_ = fork();
    if (child_ == 0) {
      dup2(ends[1], STDOUT_FILENO);
      close(ends[0]);
      close(ends[1]);
      std::vector<char*> arguments;
      for (auto& word : words) arguments.push_back(word.data());
      arguments.push_back(nullptr);
      execv(arguments[0], arguments.data());
      _exit(127);
    }
    close(ends[1]);
    output_ = fdopen(ends[0], "r");
  }
  ~Program() {
    if (child_ > 0) {
      kill(child_, SIGKILL);
      waitpid(child_, nullptr, 0);
    }
    fclose(output_);
  }
  std::string line() {
    std::array<char, 4096> text{};
    return fgets(text.data(), static_cast<int>(text.size()), output_) != nullptr ? text.data() : "";
  }
  int wait(int signal = 0) {
    if (signal != 0) kill(child_, signal);
    int status = 0;
    waitpid(child_, &status, 0);
    child_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  pid_t child_ = -1;
  FILE* output_ = nullptr;
};

std::string scenario_file() {
  const std::string path = testing::TempDir() + "/sluice_house_program.yaml";
  std::ofstream(path) << "trace: constant\nminers:\n"
                         "  - {name: lux, plant: luxos-target, target_w: 2000}\n"
                         "  - {name: vni, plant: vnish-throttle, start: asleep}\n";
  return path;
}

// An own network and own ports for each run of this test, so that parallel runs do not meet.
std::vector<std::string> own_place() {
  return {"--scenario",
          scenario_file(),
          "--base-address",
          "127." + std::to_string(100 + getpid() % 100) + "." + std::to_string(getpid() / 100 % 250) + ".0",
          "--port-offset",
          "2000"};
}

TEST(SluiceHouse, ServesUntilSigterm) {
  auto words = own_place();
  words.insert(words.end(), {"--speed", "20"});
  Program program(words);
  const json told = json::parse(program.line());
  EXPECT_TRUE(told["ready"]);
  ASSERT_EQ(told["miners"].size(), 2U);
  EXPECT_EQ(told["miners"][0]["firmware"], "luxos");
  EXPECT_EQ(told["modbus"]["meter_unit"], 240);
  httplib::Client client(told["control"]["host"].get<std::string>(), told["control"]["port"].get<int>());
  const auto truth = client.Get("/truth");
  ASSERT_TRUE(truth);
  EXPECT_EQ(json::parse(truth->body)["miners"][0]["state"], "running");
  EXPECT_EQ(json::parse(truth->body)["miners"][1]["state"], "asleep");

  const std::string at =
      told["control"]["host"].get<std::string>() + ":" + std::to_string(told["control"]["port"].get<int>());
  EXPECT_EQ(Program({"fault", "--at", at, "device=grid", "kind=lost"}).wait(), 0);
  EXPECT_EQ(Program({"fault", "--at", at, "device=grid", "kind=purple"}).wait(), 1);
  EXPECT_EQ(Program({"fault", "--at", at, "purple"}).wait(), 2);
  EXPECT_EQ(Program({"clear", "--at", at}).wait(), 0);
  EXPECT_EQ(program.wait(SIGTERM), 0);
}

TEST(SluiceHouse, AnyDeviceOfTheLibraryByItsId) {
  const auto start = [](const std::string& id) {
    const std::string path = testing::TempDir() + "/sluice_house_devices.yaml";
    std::ofstream(path) << "trace: constant\ndevices:\n  - {template: " << id << "}\n";
    auto words = own_place();
    words[1] = path;
    return words;
  };
  Program meter(start("eastron-sdm630"));
  EXPECT_TRUE(json::parse(meter.line())["ready"]);
  EXPECT_EQ(meter.wait(SIGTERM), 0);
  EXPECT_EQ(Program(start("toaster")).wait(), 2);
}

TEST(SluiceHouse, BadInputEndsWithTwo) {
  EXPECT_EQ(Program({"--scenario", "/nowhere.yaml"}).wait(), 2);
  EXPECT_EQ(Program({"--speed", "21"}).wait(), 2);
  EXPECT_EQ(Program({"--origin", "yesterday"}).wait(), 2);
  EXPECT_EQ(Program({"--base-address", "192.0.2.0"}).wait(), 2) << "loopback only";
  EXPECT_EQ(Program({"--purple"}).wait(), 2);
}

TEST(SluiceHouse, APortInUseIsAFailure) {
  Program first(own_place());
  ASSERT_TRUE(json::parse(first.line())["ready"]);
  EXPECT_EQ(Program(own_place()).wait(), 1);
  EXPECT_EQ(first.wait(SIGINT), 0);
}

}  // namespace
