#include "services/security/refusal_log.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "services/common/error.h"

namespace lamppost::security {
namespace {

using Verdict = RefusalLog::Verdict;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

absl::Status Refusal(absl::string_view message) {
  return MakeError(absl::StatusCode::kUnauthenticated, "TOKEN_UNKNOWN", message);
}

TEST(RefusalLogTest, EachOnceAnHour) {
  RefusalLog log;
  EXPECT_EQ(log.Judge("10.0.0.1", Refusal("a"), kNow), Verdict::kTell);
  EXPECT_EQ(log.Judge("10.0.0.1", Refusal("a"), kNow), Verdict::kKnown);
  EXPECT_EQ(log.Judge("10.0.0.1", Refusal("b"), kNow), Verdict::kTell);
  EXPECT_EQ(log.Judge("10.0.0.2", Refusal("a"), kNow), Verdict::kTell);
  EXPECT_EQ(log.Judge("10.0.0.1", Refusal("a"), kNow + absl::Minutes(59)), Verdict::kKnown);
  EXPECT_EQ(log.Judge("10.0.0.1", Refusal("a"), kNow + RefusalLog::kAgainAfter), Verdict::kTell);
}

TEST(RefusalLogTest, ManyDoNotFillTheLog) {
  RefusalLog log;
  size_t told = 0;
  size_t more = 0;
  const auto refuse = [&](int i, absl::Time now) {
    const Verdict verdict = log.Judge(absl::StrCat("host", i), Refusal("a"), now);
    told += verdict == Verdict::kTell ? 1 : 0;
    more += verdict == Verdict::kTellThatThereAreMore ? 1 : 0;
  };
  for (int i = 0; i < 10'000; ++i) refuse(i, kNow);
  EXPECT_EQ(told, RefusalLog::kRefusalsMax);
  EXPECT_EQ(more, 1u);
  refuse(20'000, kNow + RefusalLog::kAgainAfter);
  EXPECT_EQ(told, RefusalLog::kRefusalsMax + 1);
}

TEST(RefusalLogTest, HostsOfPeers) {
  EXPECT_EQ(HostOfPeer("ipv4:10.0.0.5:51234"), "10.0.0.5");
  EXPECT_EQ(HostOfPeer("ipv6:%5B::1%5D:51234"), "[::1]");
  EXPECT_EQ(HostOfPeer("ipv6:[fe80::1]:51234"), "[fe80::1]");
}

}  // namespace
}  // namespace lamppost::security
