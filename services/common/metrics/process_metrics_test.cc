#include "services/common/metrics/process_metrics.h"

#include <time.h>

#include <map>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/metrics/families_text.h"

namespace lamppost {
namespace {

using ::testing::HasSubstr;

// By name; all are of one series.
std::map<std::string, double> ValuesOf(const MetricFamilies& families) {
  std::map<std::string, double> values;
  for (const prometheus::MetricFamily& family : families) {
    EXPECT_FALSE(family.help.empty()) << family.name;
    EXPECT_EQ(family.metric.size(), 1u) << family.name;
    values[family.name] = family.type == prometheus::MetricType::Counter ? family.metric[0].counter.value
                                                                         : family.metric[0].gauge.value;
  }
  return values;
}

TEST(ProcessMetricsTest, AllOfItIsPlausible) {
  const ProcessMetrics metrics("lamppost-test", "1.2.3", 5'000'000);
  // So that the process has used some time.
  const clock_t began = clock();
  while (clock() < began + CLOCKS_PER_SEC / 20) {
  }
  auto values = ValuesOf(metrics.Collect());
  EXPECT_EQ(values.size(), 8u);
  EXPECT_EQ(values["lamppost_memory_bound_bytes"], 5'000'000);
  EXPECT_GT(values["process_resident_memory_bytes"], 1'000'000);
  EXPECT_GE(values["process_cpu_seconds_total"], 0.03);
  EXPECT_LT(values["process_cpu_seconds_total"], 600);
  EXPECT_GE(values["process_open_fds"], 3);
  EXPECT_GT(values["process_max_fds"], values["process_open_fds"]);
  EXPECT_EQ(values["process_threads"], 1);
  EXPECT_NEAR(values["process_start_time_seconds"], static_cast<double>(time(nullptr)), 60);
  EXPECT_EQ(ValuesOf(metrics.Collect())["process_start_time_seconds"], values["process_start_time_seconds"]);
}

TEST(ProcessMetricsTest, TheProgramIsNamed) {
  EXPECT_THAT(TextOf(ProcessMetrics("lamppost-test", "1.2.3", 1).Collect()),
              HasSubstr(R"(lamppost_build_info{program="lamppost-test",version="1.2.3"} 1)"));
}

}  // namespace
}  // namespace lamppost
