#include "services/rpc/functions/builtin.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "services/common/error.h"
#include "services/rpc/functions/run_collector.h"

namespace lamppost::rpc {
namespace {

using testing::HasSubstr;
using Result = absl::StatusOr<Json>;

class BuiltInTest : public testing::Test {
 protected:
  std::shared_ptr<const Function> Make(BuiltIn builtin) {
    const auto function = MakeFunction(std::move(builtin), pool_);
    EXPECT_TRUE(function.ok()) << function.status();
    return *function;
  }

  RunCollector runs_;
  std::shared_ptr<BuiltInPool> pool_ = std::make_shared<BuiltInPool>(4);
};

TEST_F(BuiltInTest, ADefinitionSaysAllThereIsToKnow) {
  const auto function =
      Make(Define("f", "Does.", Param<double>{"a", "One."},
                  Param<std::optional<std::vector<std::string>>>{"b", "Two."},
                  Param<int64_t>{"c", "Three.", {{"minimum", 1}}})
               .Idempotent()
               .CancelledWhenAbandoned(7)
               .TimeLimitMs(8)
               .ConcurrencyMax(9)
               .QueueMax(10)
               .Runs([](CallContext&, double, const std::optional<std::vector<std::string>>&,
                        int64_t) -> Result { return Json(); }));
  EXPECT_EQ(function->spec.name, "f");
  EXPECT_EQ(function->spec.repeat, Repeat::kIdempotent);
  EXPECT_EQ(function->spec.when_abandoned, WhenAbandoned::kKill);
  EXPECT_EQ(function->spec.abandon_grace_ms, 7u);
  EXPECT_EQ(function->spec.time_limit_ms, 8u);
  EXPECT_EQ(function->spec.concurrency_max, 9u);
  EXPECT_EQ(function->spec.queue_max, 10u);
  EXPECT_EQ(function->params->text(), Json::parse(R"({
    "type": "object",
    "properties": {
      "a": {"type": "number", "description": "One."},
      "b": {"type": "array", "items": {"type": "string"}, "description": "Two."},
      "c": {"type": "integer", "minimum": 1, "description": "Three."}},
    "required": ["a", "c"],
    "additionalProperties": false})"));
  EXPECT_TRUE(function->params->Check({{"a", 1}, {"c", 1}}).ok());
  EXPECT_FALSE(function->params->Check({{"a", 1}, {"c", 0}}).ok());
}

TEST_F(BuiltInTest, ParamsComeAsTheirTypes) {
  const auto function = Make(
      Define("f", "", Param<double>{"number", ""}, Param<bool>{"truth", ""}, Param<std::string>{"text", ""},
             Param<Json>{"any", ""}, Param<std::optional<int64_t>>{"maybe", ""})
          .Runs([](CallContext&, double number, bool truth, const std::string& text, const Json& any,
                   std::optional<int64_t> maybe) -> Result {
            return Json({number, truth, text, any, maybe ? Json(*maybe) : Json("none")});
          }));
  EXPECT_EQ(TextOf(runs_.Call(*function, {{"number", 1.5}, {"truth", true}, {"text", "t"}, {"any", {1}}})),
            R"([1.5,true,"t",[1],"none"])");
  EXPECT_EQ(TextOf(runs_.Call(
                *function, {{"number", 2}, {"truth", false}, {"text", ""}, {"any", nullptr}, {"maybe", 3}})),
            R"([2,false,"",null,3])");
}

TEST_F(BuiltInTest, ErrorsAndExceptionsAreTheFunctionsFailure) {
  const auto with_reason = Make(Define("f", "").Runs([](CallContext&) -> Result {
    return MakeError(absl::StatusCode::kInternal, "OUT_OF_MILK", "none left");
  }));
  EXPECT_EQ(TextOf(runs_.Call(*with_reason, {})), "OUT_OF_MILK: none left");
  const auto plain =
      Make(Define("f", "").Runs([](CallContext&) -> Result { return absl::InternalError("oh"); }));
  EXPECT_EQ(TextOf(runs_.Call(*plain, {})), "FUNCTION_FAILED: oh");
  const auto throws =
      Make(Define("f", "").Runs([](CallContext&) -> Result { throw std::runtime_error("thrown"); }));
  EXPECT_EQ(TextOf(runs_.Call(*throws, {})), "FUNCTION_FAILED: the function threw an exception: thrown");
  const auto throws_anything = Make(Define("f", "").Runs([](CallContext&) -> Result { throw 7; }));
  EXPECT_EQ(ReasonOf(runs_.Call(*throws_anything, {})), "FUNCTION_FAILED");
}

TEST_F(BuiltInTest, ResultsAreBounded) {
  const auto function =
      Make(Define("f", "", Param<int64_t>{"n", ""}).Runs([](CallContext&, int64_t n) -> Result {
        return Json(std::string(static_cast<size_t>(n), 'x'));
      }));
  EXPECT_EQ(ReasonOf(runs_.Call(*function, {{"n", 100}})), "");
  EXPECT_EQ(ReasonOf(runs_.Call(*function, {{"n", 2 << 20}})), "RESULT_TOO_LARGE");
}

TEST_F(BuiltInTest, ProgressIsMadeToFit) {
  const auto function = Make(Define("f", "").Runs([](CallContext& call) -> Result {
    call.ReportProgress(0.5, "half");
    call.ReportProgress(7, std::string(1000, 'x') + "\xff");
    call.ReportProgress(-1, "\xff");
    return Json();
  }));
  const RunId run = runs_.Start(*function, {});
  runs_.Wait(run);
  const auto progress = runs_.ProgressOf(run);
  ASSERT_EQ(progress.size(), 3u);
  EXPECT_EQ(progress[0].fraction, 0.5);
  EXPECT_EQ(progress[0].message, "half");
  EXPECT_EQ(progress[1].fraction, 1);
  EXPECT_EQ(progress[1].message.size(), kProgressMessageBytesMax);
  EXPECT_EQ(progress[2].fraction, 0);
  EXPECT_EQ(progress[2].message, "\xef\xbf\xbd");
}

BuiltIn Waits() {
  return Define("waits", "", Param<std::string>{"then", ""})
      .Runs([](CallContext& call, const std::string& then) -> Result {
        call.ReportProgress(0);
        if (call.WaitFor(3'600'000) == CallContext::Waited::kAll) return Json("waited");
        if (then == "succeed") return Json("done all the same");
        return absl::CancelledError("cancelled");
      });
}

TEST_F(BuiltInTest, AKilledRunEndsAtOnce) {
  const auto function = Make(Waits());
  const RunId run = runs_.Start(*function, {{"then", "fail"}});
  runs_.WaitForProgress(run);
  function->runnable->Kill(run);
  function->runnable->Kill(run);
  EXPECT_EQ(ReasonOf(runs_.Wait(run)), kKilled);
  function->runnable->Kill(run);
  function->runnable->Kill(999);
}

TEST_F(BuiltInTest, AResultThatIsThereBeatsTheKill) {
  const auto function = Make(Waits());
  const RunId run = runs_.Start(*function, {{"then", "succeed"}});
  runs_.WaitForProgress(run);
  function->runnable->Kill(run);
  EXPECT_EQ(TextOf(runs_.Wait(run)), "\"done all the same\"");
}

TEST_F(BuiltInTest, MoreRunsThanThreadsWaitTheirTurn) {
  const auto waits = Make(Waits());
  const auto quick = Make(Define("quick", "").Runs([](CallContext&) -> Result { return Json(1); }));
  std::vector<RunId> busy;
  for (int i = 0; i < 4; ++i) busy.push_back(runs_.Start(*waits, {{"then", "fail"}}));
  for (const RunId run : busy) runs_.WaitForProgress(run);
  const RunId waiting = runs_.Start(*quick, {});
  const RunId killed_in_the_queue = runs_.Start(*quick, {});
  quick->runnable->Kill(killed_in_the_queue);
  waits->runnable->Kill(busy[0]);
  EXPECT_EQ(TextOf(runs_.Wait(waiting)), "1");
  EXPECT_EQ(ReasonOf(runs_.Wait(killed_in_the_queue)), kKilled);
}

TEST_F(BuiltInTest, StopEndsWhatRunsAndWhatWaits) {
  const auto function = Make(Waits());
  std::vector<RunId> started;
  for (int i = 0; i < 10; ++i) started.push_back(runs_.Start(*function, {{"then", "fail"}}));
  runs_.WaitForProgress(started[0]);
  pool_->Stop();
  started.push_back(runs_.Start(*function, {{"then", "fail"}}));
  for (const RunId run : started) EXPECT_EQ(ReasonOf(runs_.Wait(run)), kKilled);
}

}  // namespace
}  // namespace lamppost::rpc
