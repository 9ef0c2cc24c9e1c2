#include "services/rpc/core/places.h"

#include "gtest/gtest.h"

namespace lamppost::rpc {
namespace {

RequestId Id(uint8_t number) {
  RequestId::Bytes bytes = {};
  bytes[15] = number;
  return RequestId(bytes);
}

TEST(PlacesTest, WhoWaitsLongestIsFirst) {
  Places places;
  EXPECT_TRUE(places.Take("f", 1));
  EXPECT_FALSE(places.Take("f", 1));
  EXPECT_TRUE(places.Wait("f", 2, Id(1)));
  EXPECT_TRUE(places.Wait("f", 2, Id(2)));
  EXPECT_FALSE(places.Wait("f", 2, Id(3)));
  EXPECT_FALSE(places.TakeFirst("f", 1));
  places.GiveBack("f");
  // A free place is not for those who come later.
  EXPECT_FALSE(places.Take("f", 1));
  EXPECT_EQ(places.First("f"), Id(1));
  EXPECT_TRUE(places.TakeFirst("f", 1));
  EXPECT_EQ(places.First("f"), Id(2));
  EXPECT_EQ(places.taken("f"), 1u);
  EXPECT_EQ(places.waiting("f"), 1u);
}

TEST(PlacesTest, FunctionsDoNotDisturbEachOther) {
  Places places;
  EXPECT_TRUE(places.Take("f", 1));
  EXPECT_TRUE(places.Take("g", 1));
  places.Withdraw("h", Id(1));
  EXPECT_TRUE(places.Wait("f", 1, Id(1)));
  places.Withdraw("f", Id(1));
  EXPECT_EQ(places.First("f"), std::nullopt);
  places.GiveBack("f");
  EXPECT_EQ(places.taken("f"), 0u);
  EXPECT_EQ(places.taken("g"), 1u);
}

}  // namespace
}  // namespace lamppost::rpc
