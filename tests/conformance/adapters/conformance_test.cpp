/// What every adapter must do, whatever its firmware: run against the emulated firmware over real loopback sockets.
/// The clock runs sixty times faster than real, so that politeness costs milliseconds; socket deadlines stay real.

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <future>
#include <mutex>
#include <thread>

#include "bench_miner.hpp"
#include "io/clock.hpp"
#include "io/net.hpp"
#include "plugin/plugin_miner.hpp"
#include "subjects.hpp"

namespace sluice::conformance {
namespace {

using namespace std::chrono_literals;
using house::MinerFaults;
using ports::MinerApplied;

/// Everything that was logged, for the search after secrets.
class RecordingLog final : public Log {
 public:
  void write(LogLevel, std::string_view component, std::string_view text) override {
    const std::lock_guard lock(mutex_);
    lines_ += fmt::format("{}: {}\n", component, text);
  }
  std::string lines() const {
    const std::lock_guard lock(mutex_);
    return lines_;
  }

 private:
  mutable std::mutex mutex_;
  std::string lines_;
};

/// A port that is free now. Another process could take it first; loopback addresses of our own make that unlikely.
std::uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), length), 0);
  EXPECT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length), 0);
  ::close(fd);
  return ntohs(address.sin_port);
}

std::size_t entries(const char* directory) {
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator(directory), std::filesystem::directory_iterator()));
}

class AdapterConformance : public testing::TestWithParam<Subject> {
 protected:
  void SetUp() override {
    const std::vector<plugin::SearchPath> paths{{SLUICE_BINARY_DIR "/lib/sluice/adapters", true}};
    const plugin::Catalogue catalogue = plugin::discover(paths);
    const auto entry = catalogue.find(GetParam().adapter);
    ASSERT_TRUE(entry) << entry.error().text;
    auto library = plugin::Library::load(**entry);
    ASSERT_TRUE(library) << library.error().text;
    library_ = *library;
    port_ = free_port();
    auto server = GetParam().serve(bench_, clock_, port_);
    ASSERT_TRUE(server) << server.error().text;
    server_ = std::move(*server);
    open();
  }

  void open() { open_with(GetParam().password); }
  void open_with(const std::string& password) {
    plugin::MinerSetup setup;
    setup.name = "bench";
    setup.host = "127.0.0.1";
    setup.port = port_;
    setup.options = GetParam().options;
    if (!password.empty()) setup.password = [password]() -> Result<std::string> { return password; };
    setup.adapter_state = saved_state_;
    setup.save_state = [this](const std::string& state) { saved_state_ = state; };
    auto miner = plugin::open_miner(library_, setup, {clock_, log_, network_});
    ASSERT_TRUE(miner) << miner.error().text;
    miner_ = std::move(*miner);
  }

  MonoTime within(Duration time) const { return clock_.now() + time; }
  void identify() {
    const auto identity = miner_->identify(within(120s));
    ASSERT_TRUE(identity) << identity.error().text;
  }
  Envelope envelope() {
    const auto abilities = miner_->abilities();
    EXPECT_TRUE(abilities) << abilities.error().text;
    return abilities ? abilities->envelope : Envelope{};
  }
  /// A target strictly between the smallest and the largest that the miner can hold.
  Watts middle() {
    const Envelope all = envelope();
    return all.floor((all.min + all.max) / 2.0);
  }
  Result<MinerApplied> apply(Watts target) { return miner_->apply_target(target, within(120s)); }
  /// Injects, and returns once the emulated firmware does it: polls then fail with `kind`, or go well without one.
  void inject(const MinerFaults& faults, std::optional<ErrorKind> kind) {
    bench_.inject(faults);
    await(kind);
  }
  void await(std::optional<ErrorKind> kind) {
    if (!GetParam().breaks_later) return;
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (!poll_ends_with(kind) && std::chrono::steady_clock::now() < deadline) {
    }
  }
  bool poll_ends_with(std::optional<ErrorKind> kind) {
    const auto start = std::chrono::steady_clock::now();
    const auto poll = miner_->poll(within(400ms));
    if (poll || !kind) return poll.has_value() && !kind;
    // On so fast a clock a busy machine runs out of time as well, but not of real time.
    const bool waited = std::chrono::steady_clock::now() - start > 200ms;
    return poll.error().kind == *kind && (waited || *kind != ErrorKind::timeout);
  }
  /// The state that the miner reports once it reports a settled one.
  MinerState settled_state() {
    MinerState state = MinerState::unknown;
    for (int i = 0; i < 20 && state != MinerState::asleep && state != MinerState::running; ++i) {
      if (const auto poll = miner_->poll(within(60s))) state = poll->state;
    }
    return state;
  }

  const io::ScaledClock clock_{{60.0, io::ScaledClock::real_monotonic_ns() - 1'000'000'000, 1'700'000'000'000}};
  RecordingLog log_;
  io::LanNetworkFactory network_{clock_};
  BenchMiner bench_;
  std::shared_ptr<const plugin::Library> library_;
  std::uint16_t port_ = 0;
  std::unique_ptr<house::MinerServer> server_;
  std::string saved_state_;
  std::unique_ptr<ports::Miner> miner_;
};

/// The same for firmware that asks for a password.
class PasswordConformance : public AdapterConformance {};

TEST_P(AdapterConformance, SaysWhoIsThere) {
  const auto identity = miner_->identify(within(120s));
  ASSERT_TRUE(identity) << identity.error().text;
  EXPECT_FALSE(identity->firmware.empty());
  EXPECT_FALSE(identity->model.empty());
  EXPECT_EQ(identity->mac, bench_.face().mac);
}

TEST_P(AdapterConformance, OffersAnEnvelopeInsideTheMachines) {
  EXPECT_FALSE(envelope().known()) << "nothing may be known before the miner was asked";
  identify();
  const Envelope all = envelope();
  ASSERT_TRUE(all.known());
  EXPECT_GT(all.min, Watts(0));
  EXPECT_LT(all.min, all.max);
  EXPECT_LE(all.max, bench_.view().max_target + Watts(1));
  const auto abilities = miner_->abilities();
  EXPECT_GT(abilities->dynamics.wake, Duration::zero());
  EXPECT_GT(abilities->dynamics.ramp_up, Duration::zero());
  EXPECT_GT(abilities->dynamics.stop, Duration::zero());
  EXPECT_GT(abilities->dynamics.sleep_power, Watts(0));
}

TEST_P(AdapterConformance, ReportsWhatTheFirmwareReports) {
  identify();
  std::optional<TeraHashes> hashrate;
  for (int i = 0; i < 6; ++i) {
    const auto poll = miner_->poll(within(60s));
    ASSERT_TRUE(poll) << poll.error().text;
    EXPECT_EQ(poll->state, MinerState::running);
    ASSERT_TRUE(poll->power);
    EXPECT_NEAR(poll->power->value(), bench_.view().reported_power.value(), 2.0);
    ASSERT_TRUE(poll->target);
    if (poll->hashrate) hashrate = poll->hashrate;
  }
  ASSERT_TRUE(hashrate) << "after a few polls everything was asked for";
  EXPECT_NEAR(hashrate->value(), bench_.view().hashrate.value(), 1.0);
}

TEST_P(AdapterConformance, LowersAndRaisesAndReadsBack) {
  identify();
  // Read anew each time: some firmware offers another range once its base preset changed.
  const std::function<Watts()> targets[] = {[this] { return middle(); }, [this] { return envelope().min; },
                                            [this] { return envelope().max; }};
  for (const auto& choose : targets) {
    const Watts target = choose();
    const MonoTime before = clock_.now();
    const auto applied = apply(target);
    ASSERT_TRUE(applied) << applied.error().text;
    EXPECT_TRUE(applied->verified);
    EXPECT_NEAR(applied->target.value(), target.value(), 0.02 * target.value());
    EXPECT_NEAR(bench_.target().value(), target.value(), 0.02 * target.value());
    EXPECT_GE(applied->sent_at, before);
    EXPECT_LE(applied->sent_at, clock_.now());
    EXPECT_EQ(miner_->last_sent_at(), applied->sent_at);
  }
}

TEST_P(AdapterConformance, TakesTheLevelBelowATargetBetweenTwo) {
  identify();
  const Envelope all = envelope();
  const Watts between = all.floor(all.max - Watts(1)) + Watts(0.4);
  const auto applied = apply(between);
  ASSERT_TRUE(applied) << applied.error().text;
  EXPECT_LE(applied->target, between + Watts(1));
}

TEST_P(AdapterConformance, RefusesATargetBelowTheSmallest) {
  identify();
  const Watts before = bench_.target();
  const auto applied = apply(envelope().min - Watts(50));
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().kind, ErrorKind::invalid);
  EXPECT_EQ(bench_.target(), before);
  EXPECT_FALSE(miner_->last_sent_at()) << "nothing may be on the wire";
}

TEST_P(AdapterConformance, SleepsOnceAndAgain) {
  identify();
  for (int i = 0; i < 2; ++i) {
    const auto slept = miner_->sleep(within(120s));
    ASSERT_TRUE(slept) << slept.error().text;
    EXPECT_TRUE(slept->verified);
    EXPECT_TRUE(bench_.asleep());
  }
  EXPECT_EQ(settled_state(), MinerState::asleep);
}

TEST_P(AdapterConformance, SleepsInAHurryKnowingOnlyWhoIsThere) {
  const auto identity = miner_->identify_for_stop(within(120s));
  ASSERT_TRUE(identity) << identity.error().text;
  EXPECT_EQ(identity->mac, bench_.face().mac) << "another machine must not be stopped in its place";
  EXPECT_TRUE(miner_->abilities()) << "unknown is an answer";
  const auto slept = miner_->sleep(within(120s));
  ASSERT_TRUE(slept) << slept.error().text;
  EXPECT_TRUE(bench_.asleep());
  identify();
  EXPECT_TRUE(envelope().known());
}

TEST_P(AdapterConformance, WakesTowardsATarget) {
  identify();
  ASSERT_TRUE(miner_->sleep(within(120s)));
  for (int i = 0; i < 2; ++i) {
    const auto woken = miner_->wake(middle(), within(120s));
    ASSERT_TRUE(woken) << woken.error().text;
    EXPECT_FALSE(bench_.asleep());
  }
  EXPECT_EQ(settled_state(), MinerState::running);
  const auto applied = apply(middle());
  ASSERT_TRUE(applied) << applied.error().text;
  EXPECT_NEAR(bench_.target().value(), middle().value(), 0.02 * middle().value());
}

TEST_P(AdapterConformance, DoesNotCallACommandVerifiedThatWasDropped) {
  identify();
  ASSERT_TRUE(apply(envelope().min));
  bench_.inject({.drop_commands = true});
  const auto applied = apply(envelope().max);
  if (applied) {
    EXPECT_FALSE(applied->verified);
  }
}

TEST_P(AdapterConformance, SaysWhyACommandWasRefused) {
  identify();
  bench_.inject({.reject_commands = true});
  const Watts before = bench_.target();
  const auto applied = apply(envelope().max);
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().kind, ErrorKind::rejected);
  EXPECT_GT(applied.error().text.size(), 10U);
  EXPECT_EQ(bench_.target(), before);
  bench_.inject({});
  EXPECT_TRUE(apply(envelope().max)) << "a refusal must not stick";
}

TEST_P(AdapterConformance, FailsInTimeAndWithAReasonWhateverThePeerDoes) {
  identify();
  struct Case {
    const char* name;
    MinerFaults faults;
    Duration deadline;
    ErrorKind kind;
  };
  const Duration brief = GetParam().politeness + 400ms;
  const Case cases[] = {{"silent", {.silent = true}, brief, ErrorKind::timeout},
                        {"slow", {.delay = 3s}, brief, ErrorKind::timeout},
                        {"garbage", {.garbage = true}, 60s, ErrorKind::protocol},
                        {"refusing", {.refuse_connections = true}, 60s, ErrorKind::refused}};
  for (const auto& [name, fault, deadline, kind] : cases) {
    SCOPED_TRACE(name);
    inject({}, std::nullopt);
    inject(fault, kind);
    const auto start = std::chrono::steady_clock::now();
    const auto poll = miner_->poll(within(deadline));
    const auto took = std::chrono::steady_clock::now() - start;
    ASSERT_FALSE(poll);
    EXPECT_GT(poll.error().text.size(), 10U);
    EXPECT_EQ(poll.error().kind, kind) << poll.error().text;
    EXPECT_LT(took, brief + 2s) << "a busy machine's share included";
  }
}

TEST_P(AdapterConformance, EndsWithinAHundredMillisecondsOfCancel) {
  identify();
  inject({.silent = true}, ErrorKind::timeout);
  auto quickest = std::chrono::steady_clock::duration::max();
  for (int tries = 0; tries < 5 && quickest >= 100ms; ++tries) {  // a busy machine may delay one of them
    auto poll = std::async(std::launch::async, [&] { return miner_->poll(within(120s)); });
    // Long enough to be inside the call on any machine; were it not, the cancel would be lost and the call too long.
    std::this_thread::sleep_for(100ms);
    const auto start = std::chrono::steady_clock::now();
    miner_->cancel();
    const auto result = poll.get();
    quickest = std::min(quickest, std::chrono::steady_clock::now() - start);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::cancelled);
  }
  EXPECT_LT(quickest, 100ms);
  inject({}, std::nullopt);
  EXPECT_TRUE(miner_->poll(within(60s))) << "a cancel ends one call, not the miner";
}

TEST_P(AdapterConformance, ComesBackAfterAReboot) {
  identify();
  bench_.set_booted(false);
  await(ErrorKind::refused);
  EXPECT_FALSE(miner_->poll(within(1s)));
  bench_.set_booted(true);
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  bool back = false;
  while (!back && std::chrono::steady_clock::now() < deadline) back = miner_->identify(within(120s)).has_value();
  ASSERT_TRUE(back);
  const auto applied = apply(middle());
  EXPECT_TRUE(applied) << applied.error().text;
}

TEST_P(PasswordConformance, SaysThatThePasswordIsWrongAndNeverWhatItIs) {
  open_with("hunter2-is-wrong");
  Result<void> outcome;
  if (const auto identity = miner_->identify(within(60s)); !identity) outcome = tl::unexpected(identity.error());
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind, ErrorKind::unauthorized);
  EXPECT_NE(outcome.error().text.find("password"), std::string::npos) << outcome.error().text;
  EXPECT_EQ(outcome.error().text.find("hunter2"), std::string::npos);
  EXPECT_EQ(log_.lines().find("hunter2"), std::string::npos);
}

TEST_P(PasswordConformance, NeverLogsItsPassword) {
  identify();
  EXPECT_TRUE(apply(middle()));
  bench_.inject({.reject_commands = true});
  const auto refused = apply(envelope().max);
  ASSERT_FALSE(refused);
  EXPECT_EQ((log_.lines() + refused.error().text).find(GetParam().password), std::string::npos);
}

TEST_P(PasswordConformance, DoesNotHammerALockedDoor) {
  open_with("hunter2-is-wrong");
  for (int i = 0; i < 12; ++i) EXPECT_FALSE(miner_->identify(within(60s)));
  open();
  EXPECT_TRUE(miner_->identify(within(60s))) << "twelve calls with a wrong password must not have locked the owner out";
}

TEST_P(AdapterConformance, LeavesNoThreadAndNoFileBehind) {
  const auto use_once = [this] {
    open();
    identify();
    EXPECT_TRUE(apply(middle()));
    miner_.reset();
  };
  // Once before: the emulated firmware and its library may start threads when they are first talked to.
  use_once();
  const std::size_t files = entries("/proc/self/fd");
  const std::size_t threads = entries("/proc/self/task");
  for (int i = 0; i < 3; ++i) use_once();
  // The emulated firmware closes its end a moment later, so look until it did.
  const auto deadline = std::chrono::steady_clock::now() + 5s;
  const auto left_behind = [&] { return entries("/proc/self/fd") > files || entries("/proc/self/task") > threads; };
  while (left_behind() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_LE(entries("/proc/self/fd"), files);
  EXPECT_LE(entries("/proc/self/task"), threads);
}

std::vector<Subject> subjects_with_password() {
  std::vector<Subject> some = subjects();
  std::erase_if(some, [](const Subject& subject) { return subject.password.empty(); });
  return some;
}

INSTANTIATE_TEST_SUITE_P(Adapters, AdapterConformance, testing::ValuesIn(subjects()),
                         [](const auto& instance) { return instance.param.name; });
INSTANTIATE_TEST_SUITE_P(Adapters, PasswordConformance, testing::ValuesIn(subjects_with_password()),
                         [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace sluice::conformance
