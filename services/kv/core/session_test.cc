#include "services/kv/core/session.h"

#include <gtest/gtest.h>

namespace lamppost::kv {
namespace {

const Origin kA{"A", 1};
const Origin kB{"B", 1};

TEST(Session, IsServedByHeadsThatCoverAllOfIt) {
  EXPECT_TRUE(MayServe({}, {}));
  EXPECT_TRUE(MayServe({{kA, 5}, {kB, 3}}, {{kA, 5}}));
  EXPECT_FALSE(MayServe({{kA, 4}, {kB, 9}}, {{kA, 5}}));
  EXPECT_FALSE(MayServe({{kA, 5}}, {{kA, 5}, {kB, 1}}));
}

TEST(Session, AReadRaisesItToWhatTheCommitUnderWayBrought) {
  Heads session = {{kA, 5}};
  RaiseByRead({7, kA}, {{kA, 8}}, &session);
  EXPECT_EQ(session, (Heads{{kA, 7}}));
  RaiseByRead({3, kA}, {{kA, 8}}, &session);
  EXPECT_EQ(session, (Heads{{kA, 7}}));
}

TEST(Session, APartOfAnUnfinishedSyncIsNotClaimed) {
  Heads session = {{kA, 5}};
  RaiseByRead({9, kB}, {{kA, 8}, {kB, 2}}, &session);
  EXPECT_EQ(session, (Heads{{kA, 5}}));
}

}  // namespace
}  // namespace lamppost::kv
