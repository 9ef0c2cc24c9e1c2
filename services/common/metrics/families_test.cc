#include "services/common/metrics/families.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/metrics/families_text.h"

namespace lamppost {
namespace {

using prometheus::MetricType;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(FamiliesTest, ASeriesThatIsThereAlreadyIsLeftOut) {
  MetricFamilies families;
  FamilyOf family(MetricType::Gauge, "depth", "How deep.");
  family.Add(1, {{"queue", "a"}}).Add(2, {{"queue", "b"}}).Add(3, {{"queue", "a"}}).Add(4, {{"a", "queue"}});
  family.MoveTo(&families);
  const std::string text = TextOf(families);
  EXPECT_THAT(text, HasSubstr("depth{queue=\"a\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("depth{queue=\"b\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("depth{a=\"queue\"} 4\n"));
  EXPECT_THAT(text, Not(HasSubstr(" 3\n")));
}

TEST(FamiliesTest, BucketsAreCumulative) {
  Histogram::Reading reading;
  reading.bounds = {0.1, 1};
  reading.counts = {2, 3, 5};
  reading.sum = 21.5;
  MetricFamilies families;
  FamilyOf(MetricType::Histogram, "took_seconds", "How long.").Add(reading).MoveTo(&families);
  const std::string text = TextOf(families);
  EXPECT_THAT(text, HasSubstr("took_seconds_bucket{le=\"0.1\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("took_seconds_bucket{le=\"1\"} 5\n"));
  EXPECT_THAT(text, HasSubstr("took_seconds_bucket{le=\"+Inf\"} 10\n"));
  EXPECT_THAT(text, HasSubstr("took_seconds_count 10\n"));
  EXPECT_THAT(text, HasSubstr("took_seconds_sum 21.5\n"));
}

TEST(FamiliesTest, OneOfSeveralNamesIsPresent) {
  MetricFamilies families;
  FamilyOf family(MetricType::Gauge, "state", "Which one.");
  family.AddOneOf("up", {"up", "down"}, "state", {{"peer", "B"}});
  family.MoveTo(&families);
  EXPECT_THAT(TextOf(families), HasSubstr("state{peer=\"B\",state=\"up\"} 1\n"));
  EXPECT_THAT(TextOf(families), HasSubstr("state{peer=\"B\",state=\"down\"} 0\n"));
}

}  // namespace
}  // namespace lamppost
