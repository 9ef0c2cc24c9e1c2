#include "clients/cli/duration.h"

#include <gtest/gtest.h>

namespace lamppost::cli {
namespace {

TEST(DurationTest, Parses) {
  EXPECT_EQ(ParseDurationMs("500ms").value(), 500);
  EXPECT_EQ(ParseDurationMs("10s").value(), 10'000);
  EXPECT_EQ(ParseDurationMs("1.5s").value(), 1500);
  EXPECT_EQ(ParseDurationMs("1m").value(), 60'000);
  EXPECT_EQ(ParseDurationMs("1h").value(), 3'600'000);
  EXPECT_EQ(ParseDurationMs("1m30s").value(), 90'000);
  EXPECT_EQ(ParseDurationMs("168h").value(), kDurationMsMax);
}

TEST(DurationTest, RefusesEverythingElse) {
  for (const char* text : {"", "10", "s", "-1s", "+1s", "10 s", "1x", "inf", "0s", "0", "1us", "169h", "1s ",
                           "99999999999999999999h", "1d"}) {
    const auto parsed = ParseDurationMs(text);
    EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(DurationTest, ATtlMayBeTenYears) {
  EXPECT_EQ(ParseTtlMs("1ms").value(), 1);
  EXPECT_EQ(ParseTtlMs("169h").value(), int64_t{169} * 3'600'000);
  EXPECT_EQ(ParseTtlMs("87600h").value(), int64_t{87600} * 3'600'000);
  EXPECT_FALSE(ParseTtlMs("87600h1ms").ok());
  EXPECT_FALSE(ParseTtlMs("0s").ok());
}

TEST(DurationTest, Formats) {
  EXPECT_EQ(FormatDurationMs(-5), "0ms");
  EXPECT_EQ(FormatDurationMs(850), "850ms");
  EXPECT_EQ(FormatDurationMs(12'900), "12s");
  EXPECT_EQ(FormatDurationMs(200'000), "3m20s");
  EXPECT_EQ(FormatDurationMs(7'500'000), "2h5m");
  EXPECT_EQ(FormatDurationMs(356'400'000), "4d3h");
}

}  // namespace
}  // namespace lamppost::cli
