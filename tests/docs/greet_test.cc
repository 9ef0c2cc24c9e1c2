// The function in C++ of docs/functions.md does what the page says.
#include <memory>

#include "gtest/gtest.h"
#include "services/rpc/functions/builtin.h"
#include "services/rpc/functions/run_collector.h"

namespace lamppost::rpc {

BuiltIn Greet();  // greet.cc, which is made from the page

namespace {

TEST(GreetTest, GreetsAndFailsAsThePageSays) {
  const auto greet = MakeFunction(Greet(), std::make_shared<BuiltInPool>(1));
  ASSERT_TRUE(greet.ok()) << greet.status();
  RunCollector runs;
  EXPECT_EQ(TextOf(runs.Call(**greet, {{"name", "you"}})), R"({"greeting":"hello, you"})");
  EXPECT_EQ(TextOf(runs.Call(**greet, {{"name", "you"}, {"loud", true}})), R"({"greeting":"HELLO, you"})");
  EXPECT_EQ(ReasonOf(runs.Call(**greet, {{"name", "nobody"}})), "NOBODY_THERE");
  EXPECT_FALSE((*greet)->params->Check({{"name", ""}}).ok());
  EXPECT_EQ((*greet)->spec.repeat, Repeat::kIdempotent);
}

}  // namespace
}  // namespace lamppost::rpc
