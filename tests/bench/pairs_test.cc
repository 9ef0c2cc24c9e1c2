#include "tests/bench/pairs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace lamppost::bench {
namespace {

using ::testing::ElementsAre;

// Yields the rates given, one a round.
Contender Scripted(std::string name, std::vector<double> rates, std::vector<std::string>* order) {
  Contender contender;
  contender.name = name;
  contender.run = [name, rates, order, round = size_t{0}](int64_t) mutable -> absl::StatusOr<LoadResult> {
    order->push_back(name);
    LoadResult result;
    result.calls = rates[round] > 0 ? 1 : 0;
    result.calls_per_second = rates[round];
    result.first_error = "14: down";
    ++round;
    return result;
  };
  return contender;
}

TEST(PairsTest, TakesTheMedianOfTheRatiosOfNeighbours) {
  std::vector<std::string> order;
  // The machine halves its speed in the middle; the pairs do not notice.
  const Contender base = Scripted("b", {100, 100, 50, 50}, &order);
  const Contender subject = Scripted("s", {1, 60, 30, 20}, &order);
  const absl::StatusOr<Ratio> ratio = MeasurePairs(base, subject, {3, 10, 10});
  ASSERT_TRUE(ratio.ok()) << ratio.status();
  EXPECT_DOUBLE_EQ(ratio->median, 0.6);
  EXPECT_DOUBLE_EQ(ratio->min, 0.4);
  EXPECT_DOUBLE_EQ(ratio->max, 0.6);
  EXPECT_DOUBLE_EQ(ratio->base.per_second, 50);
  EXPECT_THAT(order, ElementsAre("b", "s", "b", "s", "b", "s", "b", "s"));
}

TEST(PairsTest, ARoundWithoutSuccessIsAnError) {
  std::vector<std::string> order;
  const absl::StatusOr<Ratio> ratio =
      MeasurePairs(Scripted("b", {100}, &order), Scripted("s", {0}, &order), {1, 10, 0});
  ASSERT_FALSE(ratio.ok());
  EXPECT_THAT(std::string(ratio.status().message()), testing::HasSubstr("14: down"));
}

TEST(PairsTest, MedianOfAnEvenNumberIsTheMiddle) {
  EXPECT_DOUBLE_EQ(Median({4, 1, 3, 2}), 2.5);
  EXPECT_DOUBLE_EQ(Median({}), 0);
}

// Answers at once, or with an error.
class FakeLane : public Lane {
 public:
  explicit FakeLane(grpc::Status status) : status_(std::move(status)) {}
  void Start(Done done) override {
    if (++calls == 50) done_later_ = done;
    calls < 50 ? done(status_) : void();
  }
  void Cancel() override { done_later_(grpc::Status(grpc::StatusCode::CANCELLED, "cancelled")); }
  int calls = 0;

 private:
  const grpc::Status status_;
  Done done_later_;
};

TEST(LoadTest, CountsSuccessesAndErrorsApart) {
  Lanes lanes;
  lanes.push_back(std::make_unique<FakeLane>(grpc::Status::OK));
  lanes.push_back(std::make_unique<FakeLane>(grpc::Status(grpc::StatusCode::INTERNAL, "broken")));
  LoadLimits limits;
  limits.duration_ms = 1000;
  limits.enough = [&lanes] {
    return static_cast<FakeLane&>(*lanes[0]).calls >= 40 && static_cast<FakeLane&>(*lanes[1]).calls != 1;
  };
  const LoadResult result = RunLoad(lanes, limits);
  EXPECT_EQ(result.calls, 40u);
  EXPECT_GE(result.errors, 1u);
  EXPECT_EQ(result.first_error, "13: broken");
}

}  // namespace
}  // namespace lamppost::bench
