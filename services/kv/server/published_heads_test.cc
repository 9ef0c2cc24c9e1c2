#include "services/kv/server/published_heads.h"

#include <gtest/gtest.h>

#include <thread>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace lamppost::kv {
namespace {

const Origin kA{"A", 1};

TEST(PublishedHeads, WhatIsUpcomingIsNotYetCommitted) {
  PublishedHeads heads;
  heads.SetUpcoming({{kA, 5}});
  EXPECT_EQ(heads.Now().committed->At(kA), 0u);
  EXPECT_EQ(heads.Now().upcoming->At(kA), 5u);
  heads.Publish({{kA, 5}});
  EXPECT_EQ(heads.Now().committed->At(kA), 5u);
}

TEST(PublishedHeads, ACommitWithoutNewHeadsIsNoNews) {
  PublishedHeads heads;
  heads.Publish({{kA, 5}});
  const uint64_t number = heads.Now().number;
  heads.Publish({{kA, 5}});
  EXPECT_EQ(heads.Now().number, number);
  heads.Publish({{kA, 6}});
  EXPECT_GT(heads.Now().number, number);
}

TEST(PublishedHeads, AWaitEndsWithNewHeadsItsDeadlineOrTheEnd) {
  PublishedHeads heads;
  const uint64_t number = heads.Now().number;
  EXPECT_EQ(heads.AwaitAfter(number, absl::Now() + absl::Milliseconds(10)).number, number);
  std::thread publisher([&heads] { heads.Publish({{kA, 7}}); });
  EXPECT_EQ(heads.AwaitAfter(number, absl::Now() + absl::Seconds(20)).committed->At(kA), 7u);
  publisher.join();
  std::thread closer([&heads] { heads.Close(); });
  const absl::Time begun = absl::Now();
  heads.AwaitAfter(heads.Now().number, begun + absl::Seconds(20));
  EXPECT_LT(absl::Now() - begun, absl::Seconds(10));
  closer.join();
  EXPECT_TRUE(heads.IsClosed());
}

TEST(PublishedHeads, TellsItsListenerOfChangesAlone) {
  PublishedHeads heads;
  int told = 0;
  heads.SetListener([&] {
    ++told;
    heads.Now();  // it may look
  });
  heads.SetUpcoming({{kA, 5}});
  heads.SetForgotten({{kA, 2}});
  EXPECT_EQ(told, 0);
  EXPECT_EQ(heads.Now().forgotten->At(kA), 2u);
  heads.Publish({{kA, 5}});
  heads.Publish({{kA, 5}});
  EXPECT_EQ(told, 1);
}

}  // namespace
}  // namespace lamppost::kv
