// grpcurl with no proto files.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/rpc/testing/rpc_server.h"
#include "tests/integration/testing/outside_tool.h"
#include "tests/integration/testing/wait.h"

namespace lamppost::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Grpcurl : public ::testing::Test {
 protected:
  void SetUp() override {
    SKIP_WITHOUT_TOOL("GRPCURL");
    ASSERT_OK(server_.Start());
  }

  Finished Run(const std::vector<std::string>& flags, const std::vector<std::string>& words) {
    ProcessOptions options;
    options.command = {ToolPath("GRPCURL"), "-plaintext", "-max-time", "10"};
    options.command.insert(options.command.end(), flags.begin(), flags.end());
    options.command.push_back(server_.address());
    options.command.insert(options.command.end(), words.begin(), words.end());
    return RunToEnd(options, absl::Seconds(30));
  }
  Finished Call(const std::string& json) {
    return Run({"-d", json}, {"lamppost.rpc.v1.FunctionService/Call"});
  }

  RpcServer server_;
};

TEST_F(Grpcurl, CallsOnceAndReplays) {
  const std::string call =
      R"({"request_id":"6f1c2a30-5b1d-4c8e-9f00-0123456789ab","method":"add","params":{"a":1,"b":2}})";
  const Finished first = Call(call);
  ASSERT_EQ(first.exit_code, 0) << first.err;
  EXPECT_THAT(first.out, HasSubstr("\"result\": 3"));
  EXPECT_THAT(first.out, Not(HasSubstr("replayed")));
  const Finished second = Call(call);
  ASSERT_EQ(second.exit_code, 0) << second.err;
  EXPECT_THAT(second.out, HasSubstr("\"result\": 3"));
  EXPECT_THAT(second.out, HasSubstr("\"replayed\": true"));
}

TEST_F(Grpcurl, EverythingIsDescribed) {
  for (const char* service : {"lamppost.rpc.v1.FunctionService", "lamppost.rpc.v1.FaultService",
                              "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"}) {
    EXPECT_THAT(Run({}, {"list"}).out, HasSubstr(service));
    const Finished described = Run({}, {"describe", service});
    EXPECT_THAT(described.out, HasSubstr("is a service")) << described.err;
  }
  EXPECT_THAT(Run({}, {"grpc.health.v1.Health/Check"}).out, HasSubstr("SERVING"));
  const Finished list = Run({}, {"lamppost.rpc.v1.FunctionService/ListFunctions"});
  for (const char* name :
       {"add", "counter", "echo", "hash", "host", "reverse", "sleep", "sum", "uppercase", "uptime"}) {
    EXPECT_THAT(list.out, HasSubstr(absl::StrCat("\"name\": \"", name, "\"")));
  }
}

TEST_F(Grpcurl, StreamsProgressAndThenTheOutcome) {
  const Finished stream = Run(
      {"-d", R"({"request_id":"6f1c2a30-5b1d-4c8e-9f00-0123456789ac","method":"sleep","params":{"ms":400}})"},
      {"lamppost.rpc.v1.FunctionService/CallStream"});
  ASSERT_EQ(stream.exit_code, 0) << stream.err;
  EXPECT_THAT(stream.out, HasSubstr("\"progress\""));
  EXPECT_LT(stream.out.find("\"progress\""), stream.out.find("\"outcome\""));
}

TEST_F(Grpcurl, ShowsWhatAnErrorIsAbout) {
  const Finished refused = Call(R"({"method":"add","params":{"a":1,"b":2}})");
  EXPECT_THAT(refused.err, HasSubstr("InvalidArgument"));
  EXPECT_THAT(refused.err, HasSubstr("REQUEST_ID_MISSING"));
}

}  // namespace
}  // namespace lamppost::testing
