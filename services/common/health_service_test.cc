#include "services/common/health_service.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "services/common/error.h"
#include "services/common/grpc_status.h"

namespace lamppost {
namespace {

using grpc::health::v1::Health;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

constexpr HealthLimits kLimits = {5, 3};

HealthCheckRequest RequestFor(const std::string& service) {
  HealthCheckRequest request;
  request.set_service(service);
  return request;
}

class HealthServiceTest : public testing::Test {
 protected:
  HealthServiceTest() {
    int port = 0;
    grpc::ServerBuilder builder;
    builder.RegisterService(&health_);
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    server_ = builder.BuildAndStart();
    stub_ = Health::NewStub(
        grpc::CreateChannel("127.0.0.1:" + std::to_string(port), grpc::InsecureChannelCredentials()));
  }

  absl::Status Check(const std::string& service, HealthCheckResponse* response) {
    grpc::ClientContext context;
    return FromGrpcStatus(stub_->Check(&context, RequestFor(service), response));
  }

  struct Watch {
    Watch(Health::Stub* stub, const std::string& service) {
      context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
      reader = stub->Watch(&context, RequestFor(service));
    }
    // The next state, or UNKNOWN when the stream has ended.
    HealthCheckResponse::ServingStatus Next() {
      HealthCheckResponse response;
      return reader->Read(&response) ? response.status() : HealthCheckResponse::UNKNOWN;
    }
    absl::Status Finish() { return FromGrpcStatus(reader->Finish()); }

    grpc::ClientContext context;
    std::unique_ptr<grpc::ClientReader<HealthCheckResponse>> reader;
  };

  bool WatchersBecome(size_t count) {
    for (int i = 0; i < 2000; ++i) {
      if (health_.watchers() == count) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }

  HealthService health_{kLimits};
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<Health::Stub> stub_;
};

TEST_F(HealthServiceTest, CheckTellsTheState) {
  health_.Set("", ServingState::kServing);
  health_.Set("a.B", ServingState::kNotServing);
  HealthCheckResponse response;
  EXPECT_TRUE(Check("", &response).ok());
  EXPECT_EQ(response.status(), HealthCheckResponse::SERVING);
  EXPECT_TRUE(Check("a.B", &response).ok());
  EXPECT_EQ(response.status(), HealthCheckResponse::NOT_SERVING);
}

TEST_F(HealthServiceTest, CheckRefusesWhatItDoesNotKnow) {
  HealthCheckResponse response;
  const absl::Status unknown = Check("nobody", &response);
  EXPECT_EQ(unknown.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ErrorReason(unknown), "SERVICE_UNKNOWN");
  EXPECT_EQ(ErrorReason(Check(std::string(257, 'x'), &response)), "SERVICE_NAME_TOO_LONG");
  Watch watch(stub_.get(), std::string(257, 'x'));
  EXPECT_EQ(ErrorReason(watch.Finish()), "SERVICE_NAME_TOO_LONG");
}

TEST_F(HealthServiceTest, WatchTellsThePresentStateAndEachChange) {
  Watch watch(stub_.get(), "a.B");
  EXPECT_EQ(watch.Next(), HealthCheckResponse::SERVICE_UNKNOWN);
  health_.Set("a.B", ServingState::kServing);
  EXPECT_EQ(watch.Next(), HealthCheckResponse::SERVING);
  health_.Set("a.B", ServingState::kServing);
  health_.Set("other", ServingState::kNotServing);
  health_.Set("a.B", ServingState::kNotServing);
  EXPECT_EQ(watch.Next(), HealthCheckResponse::NOT_SERVING) << "neither repeated nor another's";
}

TEST_F(HealthServiceTest, ShutdownTellsAndEndsWatches) {
  health_.Set("", ServingState::kServing);
  Watch watch(stub_.get(), "");
  Watch unknown(stub_.get(), "nobody");
  EXPECT_EQ(watch.Next(), HealthCheckResponse::SERVING);
  EXPECT_EQ(unknown.Next(), HealthCheckResponse::SERVICE_UNKNOWN);
  health_.Shutdown();
  health_.Set("", ServingState::kServing);  // too late
  EXPECT_EQ(watch.Next(), HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(watch.Next(), HealthCheckResponse::UNKNOWN);
  EXPECT_EQ(unknown.Next(), HealthCheckResponse::UNKNOWN);
  const absl::Status status = watch.Finish();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ErrorReason(status), "SHUTTING_DOWN");
  EXPECT_EQ(unknown.Finish().code(), absl::StatusCode::kUnavailable);

  Watch late(stub_.get(), "");
  EXPECT_EQ(late.Next(), HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(ErrorReason(late.Finish()), "SHUTTING_DOWN");
  HealthCheckResponse response;
  EXPECT_TRUE(Check("", &response).ok());
  EXPECT_EQ(response.status(), HealthCheckResponse::NOT_SERVING);
}

TEST_F(HealthServiceTest, WatchersOfAHostAreBounded) {
  std::vector<std::unique_ptr<Watch>> watches;
  for (size_t i = 0; i < kLimits.watchers_of_host_max; ++i) {
    watches.push_back(std::make_unique<Watch>(stub_.get(), "s"));
    EXPECT_EQ(watches.back()->Next(), HealthCheckResponse::SERVICE_UNKNOWN);
  }
  Watch refused(stub_.get(), "s");
  EXPECT_EQ(refused.Next(), HealthCheckResponse::UNKNOWN);
  const absl::Status status = refused.Finish();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ErrorReason(status), "TOO_MANY_WATCHERS");
  EXPECT_TRUE(RetryDelayMs(status).has_value());

  // Another host has its places still, up to the bound of all.
  const auto other = Health::NewStub(server_->InProcessChannel({}));
  std::vector<std::unique_ptr<Watch>> others;
  for (size_t i = kLimits.watchers_of_host_max; i < kLimits.watchers_max; ++i) {
    others.push_back(std::make_unique<Watch>(other.get(), "s"));
    EXPECT_EQ(others.back()->Next(), HealthCheckResponse::SERVICE_UNKNOWN);
  }
  Watch too_many(other.get(), "s");
  EXPECT_EQ(ErrorReason(too_many.Finish()), "TOO_MANY_WATCHERS");

  watches.front()->context.TryCancel();
  EXPECT_EQ(watches.front()->Finish().code(), absl::StatusCode::kCancelled);
  ASSERT_TRUE(WatchersBecome(kLimits.watchers_max - 1));
  Watch next(stub_.get(), "s");
  EXPECT_EQ(next.Next(), HealthCheckResponse::SERVICE_UNKNOWN);
}

TEST_F(HealthServiceTest, SurvivesChangesComingsAndGoingsAtOnce) {
  std::atomic<bool> stop{false};
  std::thread setter([&] {
    for (int i = 0; !stop; ++i)
      health_.Set("s", i % 2 == 0 ? ServingState::kServing : ServingState::kNotServing);
  });
  for (int i = 0; i < 100; ++i) {
    Watch watch(stub_.get(), "s");
    for (int n = 0; n < i % 4; ++n) (void)watch.Next();
    watch.context.TryCancel();
    (void)watch.Finish();
  }
  health_.Shutdown();
  stop = true;
  setter.join();
  ASSERT_TRUE(WatchersBecome(0));
}

}  // namespace
}  // namespace lamppost
