/// What the C++ side of the SDK does under hosts that are older or newer than itself: called through the C table, as
/// such a host would.

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstring>

#include "sluice/adapter.hpp"

namespace sluice::plugin {
namespace {

constexpr unsigned char kCanary = 0xA5;

class SdkUnderOtherHosts : public ::testing::Test {
 protected:
  void SetUp() override {
    library_ = ::dlopen(TEST_ADAPTERS "/rogue.so", RTLD_NOW | RTLD_LOCAL);
    ASSERT_NE(library_, nullptr) << ::dlerror();
    const auto entry = reinterpret_cast<decltype(&sluice_adapter_entry)>(::dlsym(library_, "sluice_adapter_entry"));
    ASSERT_NE(entry, nullptr);
    table_ = entry(SLUICE_ABI_MAJOR);
    ASSERT_NE(table_, nullptr);
    EXPECT_EQ(entry(SLUICE_ABI_MAJOR + 1), nullptr) << "another major version is another interface";
    host_.size = sizeof host_;
    settings_.size = sizeof settings_;
    call_.size = sizeof call_;
  }
  void TearDown() override {
    if (instance_ != nullptr) table_->close(instance_);
    if (library_ != nullptr) ::dlclose(library_);
  }
  std::int32_t open() { return table_->open(&host_, &settings_, &instance_, &text_); }

  void* library_ = nullptr;
  const sluice_adapter* table_ = nullptr;
  sluice_host host_{};
  sluice_settings settings_{};
  sluice_call call_{};
  sluice_text text_{};
  sluice_instance* instance_ = nullptr;
};

TEST_F(SdkUnderOtherHosts, NothingIsWrittenBeyondTheSizeOfAnOlderHost) {
  ASSERT_EQ(open(), SLUICE_OK);
  std::array<unsigned char, sizeof(sluice_abilities)> memory{};
  memory.fill(kCanary);
  auto* const abilities = reinterpret_cast<sluice_abilities*>(memory.data());
  constexpr std::size_t kKnown = offsetof(sluice_abilities, stop_ms);
  std::memset(memory.data(), 0, kKnown);
  abilities->size = kKnown;
  ASSERT_EQ(table_->abilities(instance_, &call_, abilities), SLUICE_OK);
  EXPECT_EQ(abilities->max_w, 1500.0);
  EXPECT_EQ(abilities->size, kKnown);
  for (std::size_t i = kKnown; i < memory.size(); ++i) ASSERT_EQ(memory[i], kCanary) << "byte " << i;
}

TEST_F(SdkUnderOtherHosts, WhatANewerHostKnowsBeyondStaysAsItWas) {
  struct {
    sluice_poll today;
    double tomorrow;
  } poll{};
  struct {
    sluice_host today;
    void (*tomorrow)();
  } host{host_, nullptr};
  host.today.size = sizeof host;
  ASSERT_EQ(table_->open(&host.today, &settings_, &instance_, &text_), SLUICE_OK);
  poll.today.size = sizeof poll;
  ASSERT_EQ(table_->poll(instance_, &call_, &poll.today), SLUICE_OK);
  EXPECT_EQ(poll.today.power_w, 1000.0);
  EXPECT_EQ(poll.today.size, sizeof poll);
  EXPECT_EQ(poll.tomorrow, 0.0) << "not told";
}

TEST_F(SdkUnderOtherHosts, OptionsThatHaveGrownAreSteppedOverWhole) {
  struct Grown {
    sluice_option today;
    double tomorrow;
  };
  const Grown options[] = {{{adapter::as_text("other"), adapter::as_text("x")}, 1.0},
                           {{adapter::as_text("mischief"), adapter::as_text("refuse settings")}, 2.0}};
  settings_.options = &options[0].today;
  settings_.option_count = 2;
  settings_.option_size = sizeof(Grown);
  EXPECT_EQ(open(), SLUICE_INVALID);
  EXPECT_EQ(adapter::as_string(text_), "these settings will not do");
}

TEST_F(SdkUnderOtherHosts, AHostThatLendsLessThanTheFirstVersionIsRefused) {
  host_.size = offsetof(sluice_host, get_extension);
  EXPECT_EQ(open(), SLUICE_INTERNAL);
  EXPECT_EQ(adapter::as_string(text_), "this host lends less than ABI 1.0 has");
}

}  // namespace
}  // namespace sluice::plugin
