// Whatever comes in gets a precise answer, and the server goes on.
#include <limits>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/error.h"
#include "tests/integration/rpc/testing/functions_directory.h"
#include "tests/integration/rpc/testing/rpc_server.h"
#include "tests/integration/testing/wait.h"

namespace lamppost::testing {
namespace {

using ::testing::HasSubstr;

constexpr char kId[] = "6f1c2a30-5b1d-4c8e-9f00-0123456789ab";

class BadCall : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_OK(server_.Start()); }
  void TearDown() override {
    // Nothing of it has shaken the server, and none of the ids stands for a call.
    const absl::StatusOr<rpc::v1::CallResponse> good =
        client_->Call(NewRequestId(), "add", R"({"a":1,"b":2})");
    ASSERT_TRUE(good.ok()) << good.status();
    EXPECT_EQ(TextOf(good->outcome()), "3");
    EXPECT_TRUE(server_.process()->IsRunning());
  }

  // CODE REASON, and the clock goes on.
  void Expect(const absl::StatusOr<rpc::v1::CallResponse>& response, absl::StatusCode code,
              const std::string& reason, const std::string& words = "") {
    EXPECT_EQ(response.status().code(), code) << response.status();
    EXPECT_EQ(ErrorReason(response.status()), reason) << response.status();
    EXPECT_THAT(std::string(response.status().message()), HasSubstr(words));
    ASSERT_TRUE(client_->error_clock().has_value());
    EXPECT_GT(client_->error_clock()->counter, clock_);
    clock_ = client_->error_clock()->counter;
  }

  RpcServer server_;
  RpcClient* const client_ = server_.client();
  uint64_t clock_ = 0;
};

TEST_F(BadCall, RequestIds) {
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  Expect(client_->Call("", "add", "{}"), kInvalid, "REQUEST_ID_MISSING", "the client mints one");
  for (const char* id : {"7", "6f1c2a30-5b1d-4c8e-9f00-0123456789a", "6f1c2a30-5b1d-4c8e-9f00-0123456789abc",
                         "6f1c2a30x5b1d-4c8e-9f00-0123456789ab", "00000000-0000-0000-0000-000000000000"}) {
    Expect(client_->Call(id, "add", "{}"), kInvalid, "REQUEST_ID_INVALID");
  }
  // Of version 7: minted in 1970, and in the year 2554.
  Expect(client_->Call("00000000-0001-7000-8000-000000000001", "add", R"({"a":1,"b":2})"),
         absl::StatusCode::kFailedPrecondition, "REQUEST_ID_EXPIRED");
  Expect(client_->Call("10c5a9b6-0000-7000-8000-000000000001", "add", R"({"a":1,"b":2})"),
         absl::StatusCode::kOutOfRange, "REQUEST_ID_FROM_THE_FUTURE");
}

TEST_F(BadCall, Methods) {
  Expect(client_->Call(kId, "ad", R"({"a":1,"b":2})"), absl::StatusCode::kNotFound, "FUNCTION_UNKNOWN",
         "add");
  Expect(client_->Call(kId, "", "{}"), absl::StatusCode::kInvalidArgument, "METHOD_MISSING");
  // Refused is not run: the id is still free.
  EXPECT_EQ(TextOf(client_->Call(kId, "add", R"({"a":1,"b":2})")->outcome()), "3");
}

TEST_F(BadCall, Params) {
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  Expect(client_->Call(kId, "add", R"({"a":"x","b":2})"), kInvalid, "PARAMS_INVALID", "a");
  Expect(client_->Call(kId, "add", R"({"a":1})"), kInvalid, "PARAMS_INVALID", "b");
  Expect(client_->Call(kId, "add", R"({"a":1,"b":2,"c":3})"), kInvalid, "PARAMS_INVALID", "c");
  rpc::v1::CallRequest request = MakeCall(kId, "echo", "{}");
  google::protobuf::Value* value = &(*request.mutable_params()->mutable_fields())["a"];
  for (int i = 0; i < 40; ++i) value = &(*value->mutable_struct_value()->mutable_fields())["a"];
  value->set_number_value(1);
  Expect(client_->Call(request), kInvalid, "PARAMS_TOO_DEEP");
  const std::string large(2 << 20, 'x');
  Expect(client_->Call(kId, "echo", absl::StrCat(R"({"value":")", large, R"("})")), kInvalid,
         "PARAMS_TOO_LARGE");
  request = MakeCall(kId, "add", R"({"a":1,"b":2})");
  (*request.mutable_params()->mutable_fields())["a"].set_number_value(
      std::numeric_limits<double>::quiet_NaN());
  Expect(client_->Call(request), kInvalid, "PARAMS_INVALID");
  request = MakeCall(kId, "add", R"({"a":1,"b":2})");
  request.mutable_clock()->set_counter(std::numeric_limits<uint64_t>::max());
  Expect(client_->Call(request), absl::StatusCode::kOutOfRange, "CLOCK_TOO_FAR_AHEAD");
}

TEST_F(BadCall, Watermarks) {
  rpc::v1::CallRequest request = MakeCall(kId, "add", R"({"a":1,"b":2})");
  request.set_client_id(std::string(65, 'x'));
  Expect(client_->Call(request), absl::StatusCode::kInvalidArgument, "CLIENT_ID_INVALID");
  request.set_client_id("c");
  request.set_watermark(kId);
  Expect(client_->Call(request), absl::StatusCode::kInvalidArgument, "WATERMARK_INVALID");
}

TEST_F(BadCall, TheSameIdForSomethingElse) {
  ASSERT_TRUE(client_->Call(kId, "add", R"({"a":1,"b":2})").ok());
  Expect(client_->Call(kId, "add", R"({"a":1,"b":3})"), absl::StatusCode::kInvalidArgument,
         "REQUEST_ID_REUSED");
  Expect(client_->Call(kId, "sum", R"({"numbers":[1]})"), absl::StatusCode::kInvalidArgument,
         "REQUEST_ID_REUSED");
  const absl::StatusOr<rpc::v1::CallResponse> replay = client_->Call(kId, "add", R"({"b":2,"a":1})");
  ASSERT_TRUE(replay.ok());
  EXPECT_TRUE(replay->replayed());
}

TEST_F(BadCall, FaultsWithoutLeave) {
  EXPECT_EQ(ErrorReason(client_->AddFault(rpc::v1::FAULT_KIND_CRASH, 1, 0, 1)), "FAULTS_DISABLED");
}

class BadFunction : public ::testing::Test {
 protected:
  // The outcome of calling it.
  rpc::v1::Outcome OutcomeOf(const std::string& function, const std::string& params = "{}") {
    const absl::StatusOr<rpc::v1::CallResponse> response =
        server_.client()->Call(NewRequestId(), function, params);
    EXPECT_TRUE(response.ok()) << function << ": " << response.status();
    return response.ok() ? response->outcome() : rpc::v1::Outcome();
  }

  FunctionsDirectory functions_;
  RpcServer server_{{"--functions-dir", functions_.path()}};
};

TEST_F(BadFunction, EveryFailureIsAnOutcomeThatSaysWhy) {
  functions_.AddShell("text", "echo no JSON");
  functions_.AddShell("large", "head -c 3000000 /dev/zero | tr '\\0' 1");
  functions_.AddShell("exits", "echo sorry >&2; exit 7");
  functions_.AddShell("dies", "kill -9 $$");
  functions_.AddShell("silent", "cat >/dev/null");
  functions_.AddShell("hangs", "sleep 100", R"("time_limit_ms":300,)");
  functions_.AddShell("tells", R"(echo '{"error":{"reason":"OUT_OF_STOCK","message":"none left"}}'; exit 1)");
  functions_.AddShell("vanishes", "echo 1");
  ASSERT_OK(server_.Start());
  EXPECT_EQ(TextOf(OutcomeOf("text")), "error RESULT_NOT_JSON");
  EXPECT_EQ(TextOf(OutcomeOf("large")), "error RESULT_TOO_LARGE");
  const rpc::v1::Outcome exits = OutcomeOf("exits");
  EXPECT_EQ(TextOf(exits), "error EXIT_CODE");
  EXPECT_EQ(exits.error().exit_code(), 7);
  EXPECT_THAT(exits.error().error_output(), HasSubstr("sorry"));
  const rpc::v1::Outcome dies = OutcomeOf("dies");
  EXPECT_EQ(TextOf(dies), "error SIGNAL");
  EXPECT_EQ(dies.error().signal(), 9);
  EXPECT_EQ(TextOf(OutcomeOf("silent")), "error RESULT_NOT_JSON");
  EXPECT_EQ(TextOf(OutcomeOf("hangs")), "error TIME_LIMIT");
  const rpc::v1::Outcome tells = OutcomeOf("tells");
  EXPECT_EQ(TextOf(tells), "error OUT_OF_STOCK");
  EXPECT_EQ(tells.error().message(), "none left");
  EXPECT_EQ(TextOf(OutcomeOf("vanishes")), "1");
  std::filesystem::remove(functions_.path() + "/vanishes.sh");
  // Either the watcher has not seen it yet, and the start fails; or it has, and there is no such function.
  const absl::StatusOr<rpc::v1::CallResponse> gone = server_.client()->Call(NewRequestId(), "vanishes", "{}");
  if (gone.ok()) {
    EXPECT_EQ(TextOf(gone->outcome()), "error NOT_EXECUTABLE");
  } else {
    EXPECT_EQ(ErrorReason(gone.status()), "FUNCTION_UNKNOWN");
  }
}

TEST_F(BadFunction, ABadManifestLeavesTheOthersWorkingAndIsSeenWhenItIsMended) {
  functions_.AddShell("good", "echo 1");
  functions_.Write("broken.json", "{");
  functions_.Write("odd.json", R"({"name":"odd","description":"","command":["./good.sh"],"colour":"red"})");
  functions_.Write("missing.json", R"({"name":"missing","description":"","command":["./nothing"]})");
  ASSERT_OK(server_.Start());
  EXPECT_EQ(TextOf(OutcomeOf("good")), "1");
  const absl::StatusOr<rpc::v1::ListFunctionsResponse> list = server_.client()->ListFunctions();
  ASSERT_TRUE(list.ok());
  std::string problems;
  for (const rpc::v1::FunctionProblem& problem : list->problems()) {
    absl::StrAppend(&problems, problem.file(), ": ", problem.message(), "\n");
  }
  EXPECT_THAT(problems, HasSubstr("broken.json: "));
  EXPECT_THAT(problems, HasSubstr("colour"));
  EXPECT_THAT(problems, HasSubstr("./nothing"));
  EXPECT_EQ(list->problems_size(), 3) << problems;

  functions_.AddShell("broken", "echo 2");
  EXPECT_OK(WaitFor("the mended function", absl::Seconds(10), [&] {
    const auto response = server_.client()->Call(NewRequestId(), "broken", "{}");
    return response.ok() && TextOf(response->outcome()) == "2";
  }));
}

}  // namespace
}  // namespace lamppost::testing
