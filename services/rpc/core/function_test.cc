#include "services/rpc/core/function.h"

#include <string>

#include "gtest/gtest.h"

namespace lamppost::rpc {
namespace {

std::string ReasonOf(const RunResult& result) {
  const auto* const error = std::get_if<FunctionError>(&result);
  return error == nullptr ? "" : error->reason;
}

TEST(MakeResultTest, WhatIsWithinBoundsIsCanonicalText) {
  const RunResult result = MakeResult(Json::parse(R"({"b": 1.0, "a": [true]})"), 100);
  ASSERT_EQ(ReasonOf(result), "");
  EXPECT_EQ(std::get<std::string>(result), R"({"a":[true],"b":1})");
  EXPECT_EQ(ReasonOf(MakeResult(Json("12345678"), 10)), "");
}

TEST(MakeResultTest, WhatIsNotSaysWhichBoundItBreaks) {
  EXPECT_EQ(ReasonOf(MakeResult(Json("123456789"), 10)), "RESULT_TOO_LARGE");
  EXPECT_EQ(ReasonOf(MakeResult(Json(9007199254740993), 100)), "RESULT_NOT_EXACT");
  Json deep = 1;
  for (size_t i = 0; i <= kJsonDepthMax; ++i) deep = Json::array({deep});
  EXPECT_EQ(ReasonOf(MakeResult(deep, 1000)), "RESULT_TOO_DEEP");
}

}  // namespace
}  // namespace lamppost::rpc
