#include "services/common/clock_metadata.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "grpc/health/v1/health.grpc.pb.h"
#include "services/common/clock_proto.h"

namespace lamppost {
namespace {

using grpc::health::v1::Health;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

// A service that fails every call, after `prepare` has dealt with its context.
class FailingService : public Health::CallbackService {
 public:
  std::function<void(grpc::CallbackServerContext*)> prepare = [](grpc::CallbackServerContext*) {};

  grpc::ServerUnaryReactor* Check(grpc::CallbackServerContext* context, const HealthCheckRequest*,
                                  HealthCheckResponse*) override {
    prepare(context);
    auto* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status(grpc::StatusCode::ABORTED, "as asked"));
    return reactor;
  }
};

class ClockMetadataTest : public testing::Test {
 protected:
  ClockMetadataTest() {
    int port = 0;
    grpc::ServerBuilder builder;
    builder.RegisterService(&service_);
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    server_ = builder.BuildAndStart();
    stub_ = Health::NewStub(
        grpc::CreateChannel("127.0.0.1:" + std::to_string(port), grpc::InsecureChannelCredentials()));
  }

  std::optional<Timestamp> ClockOfACall(std::function<void(grpc::CallbackServerContext*)> prepare) {
    service_.prepare = std::move(prepare);
    grpc::ClientContext context;
    HealthCheckResponse response;
    EXPECT_EQ(stub_->Check(&context, HealthCheckRequest(), &response).error_code(),
              grpc::StatusCode::ABORTED);
    return ClockFromTrailers(context);
  }

  FailingService service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<Health::Stub> stub_;
};

Timestamp At(uint64_t counter) {
  return {counter, {"A", uint64_t{2} << 32 | 0x80000001}};
}

TEST(ClockProto, GoesThereAndBack) {
  for (const uint64_t counter : {uint64_t{0}, uint64_t{1}, std::numeric_limits<uint64_t>::max()}) {
    clock::v1::Timestamp message;
    ToProto(At(counter), &message);
    EXPECT_EQ(FromProto(message), At(counter));
    ToProto(Timestamp{}, &message);
    EXPECT_EQ(FromProto(message), Timestamp{}) << "nothing of the old value may stay";
  }
  clock::v1::Origin origin;
  ToProto(At(1).origin, &origin);
  EXPECT_EQ(FromProto(origin), At(1).origin);
}

TEST_F(ClockMetadataTest, AnErrorCarriesTheClock) {
  EXPECT_EQ(ClockOfACall([](auto* context) { AttachClock(context, At(17)); }), At(17));
}

TEST_F(ClockMetadataTest, ACounterOfZeroIsAClockToo) {
  EXPECT_EQ(ClockOfACall([](auto* context) { AttachClock(context, Timestamp{}); }), Timestamp{});
}

TEST_F(ClockMetadataTest, WithoutOneThereIsNone) {
  EXPECT_EQ(ClockOfACall([](auto*) {}), std::nullopt);
}

TEST_F(ClockMetadataTest, TheHighestOfSeveralCounts) {
  EXPECT_EQ(ClockOfACall([](auto* context) {
              AttachClock(context, At(5));
              AttachClock(context, At(9));
              AttachClock(context, At(7));
            }),
            At(9));
}

TEST_F(ClockMetadataTest, GarbageIsNoClock) {
  EXPECT_EQ(
      ClockOfACall([](auto* context) { context->AddTrailingMetadata(kClockMetadataKey, "\xff\xff\xff"); }),
      std::nullopt);
  EXPECT_EQ(ClockOfACall([](auto* context) {
              clock::v1::Timestamp huge;
              huge.set_node_id(std::string(300, 'A'));
              context->AddTrailingMetadata(kClockMetadataKey, huge.SerializeAsString());
            }),
            std::nullopt);
}

}  // namespace
}  // namespace lamppost
