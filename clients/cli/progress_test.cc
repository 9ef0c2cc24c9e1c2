#include "clients/cli/progress.h"

#include <gtest/gtest.h>

#include <sstream>

namespace lamppost::cli {
namespace {

class StandingTime final : public client::TimeSource {
 public:
  int64_t NowUs() override { return now_us; }
  void SleepMs(int64_t) override {}
  int64_t now_us = 0;
};

TEST(ProgressTest, Renders) {
  ProgressState state{ProgressUnit::kBytes, 3 << 20, 10 << 20, 25'000, 2000};
  EXPECT_EQ(RenderProgress(state),
            "[=======>                ]  30%  3.0 MiB of 10.0 MiB  12.5k keys/s  ETA 4s");
  state = {ProgressUnit::kKeys, 50, 50, 50, 1000};
  EXPECT_EQ(RenderProgress(state), "[========================] 100%  50 of 50  50 keys/s  ETA 0ms");
  state = {ProgressUnit::kKeys, 60, 50, 60, 1000};  // keys were added meanwhile
  EXPECT_EQ(RenderProgress(state), "[========================] 100%  60 of 50  60 keys/s  ETA 0ms");
  state = {ProgressUnit::kKeys, 0, 50, 0, 0};
  EXPECT_EQ(RenderProgress(state), "[>                       ]   0%  0 of 50  0 keys/s");
  state = {ProgressUnit::kBytes, 1 << 20, std::nullopt, 10, 5000};
  EXPECT_EQ(RenderProgress(state), "1.0 MiB  2 keys/s  5s");
}

TEST(ProgressTest, DrawsOnlyIfOnAndNotTooOften) {
  StandingTime time;
  std::ostringstream err;
  Io io{nullptr, nullptr, &err};
  Progress off(io, &time, ProgressUnit::kKeys, 10);
  off.Update(1, 1);
  off.Clear();
  EXPECT_EQ(err.str(), "");

  io.progress = ProgressBar::kOn;
  Progress on(io, &time, ProgressUnit::kKeys, 10);
  on.Update(1, 1);
  const std::string once = err.str();
  EXPECT_NE(once, "");
  on.Update(2, 2);
  EXPECT_EQ(err.str(), once);
  time.now_us += 100'000;
  on.Update(3, 3);
  EXPECT_GT(err.str().size(), once.size());
  on.Clear();
  EXPECT_EQ(err.str().substr(err.str().size() - 4), "\r\x1b[K");
}

}  // namespace
}  // namespace lamppost::cli
