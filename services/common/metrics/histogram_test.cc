#include "services/common/metrics/histogram.h"

#include <algorithm>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamppost {
namespace {

using ::testing::ElementsAre;

TEST(HistogramTest, EachValueIsCountedInItsRange) {
  Histogram histogram({1, 10});
  for (const double value : {0.5, 1.0, 1.5, 10.0, 11.0, 1000.0}) histogram.Observe(value);
  const Histogram::Reading reading = histogram.Read();
  EXPECT_THAT(reading.bounds, ElementsAre(1, 10));
  EXPECT_THAT(reading.counts, ElementsAre(2, 2, 2));
  EXPECT_EQ(reading.sum, 1024);
}

TEST(HistogramTest, WithoutBoundsAllIsOneRange) {
  Histogram histogram({});
  histogram.Observe(3);
  EXPECT_THAT(histogram.Read().counts, ElementsAre(1));
}

TEST(HistogramTest, ThreadsLoseNothing) {
  Histogram histogram({1});
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&histogram] {
      for (int n = 0; n < 10000; ++n) histogram.Observe(n % 2 == 0 ? 1 : 2);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(histogram.Read().counts, ElementsAre(20000, 20000));
  EXPECT_EQ(histogram.Read().sum, 60000);
}

TEST(HistogramTest, LatencyBoundsAscend) {
  const std::vector<double> bounds = LatencyBounds();
  EXPECT_TRUE(std::is_sorted(bounds.begin(), bounds.end()));
}

}  // namespace
}  // namespace lamppost
