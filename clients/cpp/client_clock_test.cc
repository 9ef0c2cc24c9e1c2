#include "clients/cpp/client_clock.h"

#include <gtest/gtest.h>

#include <set>
#include <thread>
#include <vector>

namespace lamppost::client {
namespace {

TEST(ClientClockTest, TicksAndObserves) {
  ClientClock clock;
  EXPECT_EQ(clock.Tick(), 1u);
  clock.Observe(10);
  EXPECT_EQ(clock.now(), 11u);
  clock.Observe(3);
  EXPECT_EQ(clock.now(), 12u);
  EXPECT_EQ(clock.Tick(), 13u);
}

TEST(ClientClockTest, AForgedCounterDoesNotMoveIt) {
  ClientClock clock;
  clock.Observe(~uint64_t{0});
  EXPECT_EQ(clock.now(), 1u);
}

TEST(ClientClockTest, ThreadsNeverGetTheSameCounter) {
  ClientClock clock;
  std::vector<std::vector<uint64_t>> issued(4);
  std::vector<std::thread> threads;
  for (auto& mine : issued) {
    threads.emplace_back([&clock, &mine] {
      for (int i = 0; i < 5000; ++i) {
        mine.push_back(clock.Tick());
        clock.Observe(static_cast<uint64_t>(i));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<uint64_t> all;
  for (const auto& mine : issued) all.insert(mine.begin(), mine.end());
  EXPECT_EQ(all.size(), 20000u);
}

}  // namespace
}  // namespace lamppost::client
