#include "clients/cpp/uuid_v7.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace lamppost::client {
namespace {

using rpc::RequestId;

TEST(UuidV7Test, HasTheLayoutOfRfc9562) {
  // The time and the random bits of the example in its appendix A.6.
  uint64_t random = 0x4c3;
  UuidV7Minter minter([] { return uint64_t{0x017f22e279b0}; },
                      [&random] { return std::exchange(random, uint64_t{0x18c4dc0c0c07398f}); });
  const RequestId id = minter.Mint();
  EXPECT_EQ(rpc::ToString(id), "017f22e2-79b0-74c3-98c4-dc0c0c07398f");
  EXPECT_EQ(id.minted_ms(), uint64_t{0x017f22e279b0});
}

TEST(UuidV7Test, RisesWithinAMillisecond) {
  UuidV7Minter minter([] { return 1000; });
  RequestId last = minter.Mint();
  for (int i = 0; i < 10'000; ++i) {
    const RequestId next = minter.Mint();
    ASSERT_LT(last, next);
    EXPECT_EQ(next.minted_ms(), 1000u);
    last = next;
  }
}

TEST(UuidV7Test, RisesWhenTheClockStepsBack) {
  uint64_t now_ms = 5000;
  UuidV7Minter minter([&now_ms] { return now_ms; });
  const RequestId before = minter.Mint();
  now_ms = 10;
  const RequestId after = minter.Mint();
  EXPECT_LT(before, after);
  now_ms = 6000;
  EXPECT_EQ(minter.Mint().minted_ms(), 6000u);
}

TEST(UuidV7Test, ACarryGoesUpToTheTime) {
  UuidV7Minter minter([] { return 1000; }, [] { return ~uint64_t{0}; });
  RequestId last = minter.Mint();
  bool carried = false;
  for (int i = 0; i < 3 * 4096 && !carried; ++i) {
    const RequestId next = minter.Mint();
    ASSERT_LT(last, next);
    EXPECT_EQ(next.bytes()[6] >> 4, 7);
    EXPECT_EQ(next.bytes()[8] >> 6, 2);
    carried = next.bytes()[7] != last.bytes()[7];
    last = next;
  }
  EXPECT_TRUE(carried) << "62 bits of ones and a step must carry";
}

TEST(UuidV7Test, NoTwoAreEqualAcrossThreadsAndMinters) {
  UuidV7Minter shared;
  std::vector<std::vector<RequestId>> ids(4);
  std::vector<std::thread> threads;
  for (std::vector<RequestId>& mine : ids) {
    threads.emplace_back([&shared, &mine] {
      for (int i = 0; i < 500; ++i) {
        mine.push_back(shared.Mint());
        mine.push_back(MintUuidV7());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<std::string> all;
  for (const std::vector<RequestId>& mine : ids) {
    for (const RequestId& id : mine) all.insert(rpc::ToString(id));
  }
  EXPECT_EQ(all.size(), 4000u);
}

}  // namespace
}  // namespace lamppost::client
