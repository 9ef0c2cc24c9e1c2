#include "clients/cpp/watermark.h"

#include <gtest/gtest.h>

#include <vector>

namespace lamppost::client {
namespace {

using rpc::RequestId;

TEST(WatermarkTest, StandsAtTheOldestOpenId) {
  UuidV7Minter minter;
  WatermarkKeeper keeper;
  EXPECT_EQ(keeper.watermark(), RequestId());
  const RequestId first = keeper.Open(&minter);
  const RequestId second = keeper.Open(&minter);
  const RequestId third = keeper.Open(&minter);
  EXPECT_EQ(keeper.watermark(), first);
  keeper.Close(second);
  EXPECT_EQ(keeper.watermark(), first) << "the oldest is still open";
  EXPECT_FALSE(keeper.IsOpen(second));
  keeper.Close(first);
  EXPECT_EQ(keeper.watermark(), third);
  keeper.Close(third);
  EXPECT_EQ(keeper.watermark(), third)
      << "the newest id itself may not be passed before a later one is minted";
}

TEST(WatermarkTest, StandsStillWhenTooManyStayOpen) {
  UuidV7Minter minter([] { return 1; }, [] { return 1; });
  WatermarkKeeper keeper;
  std::vector<RequestId> ids;
  for (size_t i = 0; i < WatermarkKeeper::kOpenMax + 2; ++i) ids.push_back(keeper.Open(&minter));
  EXPECT_EQ(keeper.watermark(), ids.front());
  for (const RequestId& id : ids) keeper.Close(id);
  EXPECT_EQ(keeper.watermark(), ids.front());
  EXPECT_TRUE(keeper.IsOpen(ids.back())) << "its client id still goes with it";
}

}  // namespace
}  // namespace lamppost::client
