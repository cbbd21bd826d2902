#include "learn.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "ask.hpp"
#include "exit_codes.hpp"

namespace sluice::cmd {
namespace {

using nlohmann::json;

constexpr timespec kBetweenLooks{0, 300'000'000};

std::string minutes_text(double seconds) {
  if (seconds < 90.0) return fmt::format("{:.0f} s", seconds);
  return fmt::format("{:.0f} minutes", seconds / 60.0);
}

std::string plan_text(const json& plan) {
  return fmt::format(
      "{} will step up and down, sleep, and wake; other miners hold still meanwhile.\n"
      "It takes about {} ({} at most) and about {:.2f} kWh, {:.2f} of it not from the sun as it shines now.\n",
      plan.at("miner").get<std::string>(), minutes_text(plan.at("expected_s")), minutes_text(plan.at("longest_s")),
      plan.at("energy_wh").get<double>() / 1000.0, plan.at("beyond_sun_wh").get<double>() / 1000.0);
}

bool agreed() {
  fmt::print(stderr, "Begin? [y/N] ");
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

/// What is going on, on a line of its own for whoever reads a log, on one line for whoever looks on.
class Ticker {
 public:
  void show(const json& progress) {
    const std::string stage = progress.value("sentence", "");
    if (!terminal_) {
      if (stage != shown_) fmt::print(stderr, "{}\n", stage);
      shown_ = stage;
      return;
    }
    fmt::print(stderr, "\r\x1b[K{:4.0f} s  {}; {} steps up and {} down were clear, {} blurred, about {:.0f} W",
               progress.value("elapsed_s", 0.0), stage, progress.value("clean_steps_up", 0),
               progress.value("clean_steps_down", 0), progress.value("blurred_steps", 0),
               progress.value("expected_w", 0.0));
    shown_ = stage;
  }
  void done() const {
    if (terminal_ && !shown_.empty()) fmt::print(stderr, "\n");
  }

 private:
  const bool terminal_ = isatty(STDERR_FILENO) != 0;
  std::string shown_;
};

std::string number(const json& value, const char* otherwise) {
  return value.is_number() ? fmt::format("{:.4g}", value.get<double>()) : otherwise;
}

std::string result_text(const json& result) {
  std::string out = fmt::format("{:<20} {:>10} {:>10} {:>8} {:>10}\n", "", "learned", "+-", "samples", "declared");
  for (const json& row : result) {
    const std::string warning = row.at("warning").get<std::string>();
    out += fmt::format("{:<20} {:>10} {:>10} {:>8} {:>10}{}\n", row.at("name").get<std::string>(),
                       number(row.at("learned"), "not clear"), number(row.at("plus_minus"), ""),
                       row.at("samples").get<int>(), number(row.at("declared"), "?"),
                       warning.empty() ? "" : "  " + warning);
  }
  return out;
}

int complain(const Error& error) {
  const bool no_daemon = error.kind == ErrorKind::not_found;
  fmt::print(stderr, "sluice learn: {}{}\n", error.text,
             no_daemon ? ": a run needs the running daemon, which owns the devices and guards their limits" : "");
  return kExitFailed;
}

/// The run from its beginning to its end, or to a signal.
Result<json> follow(const LearnOptions& options, const sigset_t& ends) {
  Result<json> begun = ask_daemon(options.socket, {{"do", "learn"}, {"miner", options.miner}});
  if (!begun) return begun;
  const json run = begun->at("run");
  const json stop{{"do", "learn_stop"}, {"run", run}};
  Ticker ticker;
  Result<json> progress = json::object();
  bool interrupted = false;
  while (!interrupted) {
    progress = ask_daemon(options.socket, {{"do", "learn_progress"}, {"run", run}});
    if (!progress) break;
    progress = progress->at("progress");
    ticker.show(*progress);
    if (progress->at("over").get<bool>()) break;
    interrupted = sigtimedwait(&ends, nullptr, &kBetweenLooks) > 0;
  }
  ticker.done();
  // Also when it is over: the next run need not wait until this one is forgotten.
  Result<json> stopped = ask_daemon(options.socket, stop);
  if (interrupted) {
    if (!stopped) return stopped;
    (*progress)["end"] = "taken_back";
    (*progress)["end_sentence"] = "it was stopped";
  }
  return progress;
}

}  // namespace

int learn(const LearnOptions& options) {
  const Result<json> planned = ask_daemon(options.socket, {{"do", "learn_plan"}, {"miner", options.miner}});
  if (!planned) return complain(planned.error());
  fmt::print(stderr, "{}", plan_text(planned->at("plan")));
  if (!options.yes) {
    if (isatty(STDIN_FILENO) == 0) {
      fmt::print(stderr, "sluice learn: nobody to ask whether it may begin: give --yes\n");
      return kExitBadInput;
    }
    if (!agreed()) return kExitFailed;
  }
  // A signal from here on ends the run first.
  sigset_t ends;
  sigemptyset(&ends);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&ends, signal);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  const Result<json> outcome = follow(options, ends);
  if (!outcome) return complain(outcome.error());
  const std::string end = outcome->value("end", "");
  if (options.as_json) {
    fmt::print("{}\n", outcome->dump(2));
  } else if (outcome->contains("result")) {
    fmt::print("{}", result_text(outcome->at("result")));
  }
  if (end == "complete") return kExitOk;
  fmt::print(stderr, "sluice learn: {}; the miner is under normal control, and what was learned until then is kept\n",
             outcome->value("end_sentence", ""));
  return kExitFailed;
}

}  // namespace sluice::cmd
