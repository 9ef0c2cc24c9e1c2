#include "clients/cpp/snapshot_client.h"

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <atomic>
#include <memory>
#include <string>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "lamppost/kv/v1/admin_service.grpc.pb.h"
#include "services/common/error.h"
#include "services/common/grpc_status.h"

namespace lamppost::client {
namespace {

// Sends "one", "two" and the end, but for the calls that it spoils.
class FakeAdmin final : public v1::AdminService::Service {
 public:
  enum class Spoil { kNothing, kBreaksOff, kEndsEarly, kFallsSilent, kRefuses };

  grpc::Status Snapshot(grpc::ServerContext* context, const v1::SnapshotRequest*,
                        grpc::ServerWriter<v1::SnapshotResponse>* writer) override {
    const Spoil spoil = calls_++ == 0 ? first_ : Spoil::kNothing;
    if (spoil == Spoil::kRefuses) {
      return ToGrpcStatus(MakeError(absl::StatusCode::kFailedPrecondition, "NO", "no"));
    }
    Send("one", writer);
    if (spoil == Spoil::kBreaksOff) return grpc::Status(grpc::StatusCode::UNAVAILABLE, "gone");
    if (spoil == Spoil::kEndsEarly) return grpc::Status::OK;
    while (spoil == Spoil::kFallsSilent && !context->IsCancelled()) absl::SleepFor(absl::Milliseconds(5));
    Send("two", writer);
    Send("", writer);
    return grpc::Status::OK;
  }

  void SpoilFirst(Spoil spoil) { first_ = spoil; }
  int calls() const { return calls_; }

 private:
  static void Send(const std::string& chunk, grpc::ServerWriter<v1::SnapshotResponse>* writer) {
    v1::SnapshotResponse message;
    message.mutable_clock()->set_counter(40);
    message.set_chunk(chunk);
    message.set_estimated_bytes(6);
    writer->Write(message);
  }

  std::atomic<int> calls_{0};
  Spoil first_ = Spoil::kNothing;
};

class Taker : public SnapshotReceiver {
 public:
  absl::Status Begin() override {
    ++begun;
    file.clear();
    return absl::OkStatus();
  }
  absl::Status Take(absl::string_view bytes, uint64_t estimated_bytes) override {
    EXPECT_EQ(estimated_bytes, 6u);
    file.append(bytes.data(), bytes.size());
    return end_with;
  }

  int begun = 0;
  std::string file;
  absl::Status end_with;
};

class SnapshotClientTest : public ::testing::Test {
 protected:
  SnapshotClientTest() {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&admin_);
    server_ = builder.BuildAndStart();
    options_.nodes = {{AddressScheme::kHttp, "127.0.0.1", port}};
    options_.retry.attempt_timeout_ms = 5000;
  }
  Result<v1::SnapshotResponse> Fetch() { return SnapshotClient(options_).Fetch({}, &taker_); }

  FakeAdmin admin_;
  std::unique_ptr<grpc::Server> server_;
  ClientOptions options_;
  Taker taker_;
};

TEST_F(SnapshotClientTest, GivesTheFileInOrder) {
  const auto result = Fetch();
  ASSERT_TRUE(result.ok()) << result.status;
  EXPECT_EQ(taker_.file, "onetwo");
  EXPECT_EQ(result.attempts, 1);
  EXPECT_EQ(result.response.clock().counter(), 40u);
}

TEST_F(SnapshotClientTest, BeginsAgainAfterABrokenStream) {
  admin_.SpoilFirst(FakeAdmin::Spoil::kBreaksOff);
  const auto result = Fetch();
  ASSERT_TRUE(result.ok()) << result.status;
  EXPECT_EQ(taker_.begun, 2);
  EXPECT_EQ(taker_.file, "onetwo");
}

TEST_F(SnapshotClientTest, AStreamWithoutItsEndIsNotWhole) {
  admin_.SpoilFirst(FakeAdmin::Spoil::kEndsEarly);
  const auto result = Fetch();
  ASSERT_TRUE(result.ok()) << result.status;
  EXPECT_EQ(taker_.begun, 2);
  EXPECT_EQ(taker_.file, "onetwo");
}

TEST_F(SnapshotClientTest, DoesNotWaitForeverForTheNextPiece) {
  admin_.SpoilFirst(FakeAdmin::Spoil::kFallsSilent);
  options_.retry.attempt_timeout_ms = 300;
  const auto result = Fetch();
  ASSERT_TRUE(result.ok()) << result.status;
  EXPECT_EQ(taker_.begun, 2);
}

TEST_F(SnapshotClientTest, ARefusalIsNotRepeated) {
  admin_.SpoilFirst(FakeAdmin::Spoil::kRefuses);
  const auto result = Fetch();
  EXPECT_EQ(ErrorReason(result.status), "NO");
  EXPECT_EQ(admin_.calls(), 1);
}

TEST_F(SnapshotClientTest, TheReceiverCanEndIt) {
  taker_.end_with = absl::DataLossError("the disk is full");
  const auto result = Fetch();
  EXPECT_EQ(result.status.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(admin_.calls(), 1);
  EXPECT_EQ(taker_.file, "one");
}

}  // namespace
}  // namespace lamppost::client
