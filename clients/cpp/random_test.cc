#include "clients/cpp/random.h"

#include <gtest/gtest.h>

#include <set>

namespace lamppost::client {
namespace {

TEST(RandomTest, RequestIdsAre32HexDigitsAndDiffer) {
  std::set<std::string> ids;
  for (int i = 0; i < 1000; ++i) {
    const std::string id = MintRequestId();
    EXPECT_EQ(id.size(), 32u);
    EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), std::string::npos);
    ids.insert(id);
  }
  EXPECT_EQ(ids.size(), 1000u);
}

TEST(RandomTest, JitterIsWithinItsRange) {
  const RandomSource random = MakeRandomSource();
  double lowest = 1;
  double highest = 0;
  for (int i = 0; i < 1000; ++i) {
    const double value = random();
    lowest = std::min(lowest, value);
    highest = std::max(highest, value);
  }
  EXPECT_GE(lowest, 0);
  EXPECT_LT(lowest, 0.1);
  EXPECT_LT(highest, 1);
  EXPECT_GT(highest, 0.9);
}

}  // namespace
}  // namespace lamppost::client
