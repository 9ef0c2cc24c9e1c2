// The interceptor on a real server, with the API that the servers use: callbacks on raw bytes.
#include "services/common/metrics/request_metrics.h"

#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/client_unary_call.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lamppost/kv/v1/kv_service.grpc.pb.h"
#include "services/common/metrics/families_text.h"
#include "services/common/server.h"

namespace lamppost {
namespace {

using kv::v1::KvService;
using ::testing::HasSubstr;
using ::testing::Not;

using RawService = KvService::WithRawCallbackMethod_Put<
    KvService::WithRawCallbackMethod_Get<KvService::WithRawCallbackMethod_Watch<KvService::Service>>>;

// Put is answered, Get fails, Watch goes on until it is cancelled.
class FakeKv : public RawService {
 public:
  grpc::ServerUnaryReactor* Put(grpc::CallbackServerContext* context, const grpc::ByteBuffer*,
                                grpc::ByteBuffer* out) override {
    *out = grpc::ByteBuffer(nullptr, 0);
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
  grpc::ServerUnaryReactor* Get(grpc::CallbackServerContext* context, const grpc::ByteBuffer*,
                                grpc::ByteBuffer*) override {
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status(grpc::StatusCode::NOT_FOUND, "no"));
    return reactor;
  }
  grpc::ServerWriteReactor<grpc::ByteBuffer>* Watch(grpc::CallbackServerContext*,
                                                    const grpc::ByteBuffer*) override {
    class Endless : public grpc::ServerWriteReactor<grpc::ByteBuffer> {
     public:
      Endless() { StartSendInitialMetadata(); }
      void OnCancel() override { Finish(grpc::Status(grpc::StatusCode::CANCELLED, "")); }
      void OnDone() override { delete this; }
    };
    return new Endless;
  }
};

class RequestMetricsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ServerOptions options;
    options.services = {{&service_, KvService::service_full_name()}};
    options.interceptors = {metrics_.interceptors()};
    server_ = std::make_unique<Server>(std::move(options));
    ASSERT_TRUE(server_->Start().ok());
    channel_ =
        grpc::CreateChannel(absl::StrCat("127.0.0.1:", server_->port()), grpc::InsecureChannelCredentials());
    stub_ = KvService::NewStub(channel_);
  }

  grpc::StatusCode Put() {
    grpc::ClientContext context;
    kv::v1::PutResponse response;
    return stub_->Put(&context, {}, &response).error_code();
  }
  grpc::StatusCode Get() {
    grpc::ClientContext context;
    kv::v1::GetResponse response;
    return stub_->Get(&context, {}, &response).error_code();
  }
  std::string Text() const { return TextOf(metrics_.Collect()); }
  void AwaitText(const std::string& part) {
    const absl::Time deadline = absl::Now() + absl::Seconds(20);
    while (Text().find(part) == std::string::npos && absl::Now() < deadline) {
      absl::SleepFor(absl::Milliseconds(5));
    }
    EXPECT_THAT(Text(), HasSubstr(part));
  }
  static std::string Total(const std::string& method, const std::string& code) {
    return absl::StrCat("lamppost_requests_total{service=\"lamppost.kv.v1.KvService\",method=\"", method,
                        "\",code=\"", code, "\"} ");
  }

  RequestMetrics metrics_{{KvService::service_full_name(), "no.such.Service"}};
  FakeKv service_;
  std::unique_ptr<Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<KvService::Stub> stub_;
};

TEST_F(RequestMetricsTest, UnaryCallsAreCountedByTheirCode) {
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Put(), grpc::StatusCode::OK);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(Get(), grpc::StatusCode::NOT_FOUND);
  const std::string text = Text();
  EXPECT_THAT(text, HasSubstr(Total("Put", "OK") + "3\n"));
  EXPECT_THAT(text, HasSubstr(Total("Get", "NOT_FOUND") + "2\n"));
  EXPECT_THAT(text, HasSubstr(Total("Get", "OK") + "0\n"));
  EXPECT_THAT(
      text,
      HasSubstr("lamppost_request_seconds_count{service=\"lamppost.kv.v1.KvService\",method=\"Put\"} 3\n"));
  EXPECT_THAT(
      text,
      HasSubstr("lamppost_requests_under_way{service=\"lamppost.kv.v1.KvService\",method=\"Put\"} 0\n"));
}

TEST_F(RequestMetricsTest, StreamsAreOpenUntilTheyEndAndHaveNoLatency) {
  const std::string open = "lamppost_open_streams{service=\"lamppost.kv.v1.KvService\",method=\"Watch\"} ";
  {
    grpc::ClientContext context;
    const auto reader = stub_->Watch(&context, {});
    reader->WaitForInitialMetadata();
    AwaitText(open + "1\n");
    EXPECT_THAT(Text(), HasSubstr(Total("Watch", "OK") + "0\n"));
    context.TryCancel();
    reader->Finish();
  }
  AwaitText(open + "0\n");
  EXPECT_THAT(Text(), HasSubstr(Total("Watch", "CANCELLED") + "1\n"));
  EXPECT_THAT(Text(), Not(HasSubstr("lamppost_request_seconds_count{service=\"lamppost.kv.v1.KvService\","
                                    "method=\"Watch\"}")));
}

TEST_F(RequestMetricsTest, CallersMakeUpNoSeries) {
  for (const char* path : {"/a.B/C", "/d.E/F", "/lamppost.kv.v1.KvService/Nonsense"}) {
    grpc::ClientContext context;
    const grpc::internal::RpcMethod method(path, grpc::internal::RpcMethod::NORMAL_RPC);
    kv::v1::PutResponse response;
    EXPECT_EQ(
        grpc::internal::BlockingUnaryCall(channel_.get(), method, &context, kv::v1::PutRequest(), &response)
            .error_code(),
        grpc::StatusCode::UNIMPLEMENTED);
  }
  const std::string text = Text();
  EXPECT_THAT(text, Not(HasSubstr("a.B")));
  EXPECT_THAT(text, Not(HasSubstr("Nonsense")));
  EXPECT_THAT(text, HasSubstr(R"(lamppost_requests_total{service="other",method="other",code="OK"} 0)"));
}

}  // namespace
}  // namespace lamppost
