// What a node must refuse: each with a precise status, the node's clock in the trailers, and nothing changed.
#include <grpcpp/channel.h>
#include <grpcpp/generic/generic_stub.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lamppost/kv/v1/replication_service.grpc.pb.h"
#include "services/common/clock_metadata.h"
#include "services/common/grpc_status.h"
#include "tests/integration/testing/cluster.h"
#include "tests/integration/testing/wait.h"

namespace lamppost::testing {
namespace {

using absl::StatusCode;
namespace v1 = kv::v1;

// One node with one key; every refusal is held against what it had before.
class BadInput : public ::testing::Test {
 protected:
  void SetUp() override {
    ClusterOptions options;
    options.ids = {"A"};
    options.flags = {"--value-bytes-max", "1000000"};
    cluster_ = std::make_unique<Cluster>(options);
    ASSERT_OK(cluster_->StartAll());
    ASSERT_OK(client()->Put("kept", "1", "first-id").status());
    before_ = client()->Status().value();
  }

  KvClient* client() { return cluster_->client("A"); }

  void ExpectRefused(const absl::Status& status, StatusCode code, const std::string& reason) {
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_EQ(ReasonOf(status), reason) << status;
    EXPECT_FALSE(status.message().empty());
    ASSERT_TRUE(client()->error_clock().has_value());
    EXPECT_EQ(client()->error_clock()->origin.node_id, "A");
    EXPECT_EQ(client()->error_clock()->origin.incarnation, before_.incarnation());
    EXPECT_GT(client()->error_clock()->counter, before_.clock().counter());
    ExpectUnchanged();
  }

  void ExpectUnchanged() {
    const auto now = client()->Status();
    ASSERT_OK(now.status());
    EXPECT_EQ(now->content_hash(), before_.content_hash());
    EXPECT_EQ(now->keys(), before_.keys());
    EXPECT_EQ(now->tombstones(), before_.tombstones());
    EXPECT_EQ(client()->Text("kept"), "1");
  }

  // Put, Delete, Get and a batch with this key are all refused for the same reason.
  void ExpectKeyRefused(const std::string& key, const std::string& reason) {
    ExpectRefused(client()->Put(key, "v").status(), StatusCode::kInvalidArgument, reason);
    ExpectRefused(client()->Delete(key).status(), StatusCode::kInvalidArgument, reason);
    ExpectRefused(client()->Get(key).status(), StatusCode::kInvalidArgument, reason);
    const auto batch = client()->Write(Batch({{"fine", "1"}, {key, "2"}}));
    ExpectRefused(batch.status(), StatusCode::kInvalidArgument, reason);
    EXPECT_FALSE(client()->Text("fine"));
  }

  std::unique_ptr<Cluster> cluster_;
  v1::StatusResponse before_;
};

TEST_F(BadInput, EmptyKey) {
  ExpectKeyRefused("", "KEY_EMPTY");
}

TEST_F(BadInput, NulInKey) {
  ExpectKeyRefused(std::string("a\0b", 3), "KEY_HAS_NUL");
}

TEST_F(BadInput, OverlongKeyAndTheLongestThatFits) {
  ExpectKeyRefused(std::string(1025, 'k'), "KEY_TOO_LONG");
  EXPECT_OK(client()->Put(std::string(1024, 'k'), "v").status());
}

TEST_F(BadInput, OverlargeValueAndTheLargestThatFits) {
  ExpectRefused(client()->Put("big", std::string(1000001, 'v')).status(), StatusCode::kInvalidArgument,
                "VALUE_TOO_LARGE");
  EXPECT_OK(client()->Put("big", std::string(1000000, 'v')).status());
  EXPECT_EQ(client()->Text("big")->size(), 1000000u);
}

TEST_F(BadInput, MissingValue) {
  v1::PutRequest put;
  put.set_key("x");
  ExpectRefused(client()->Put(put).status(), StatusCode::kInvalidArgument, "VALUE_MISSING");
  v1::WriteRequest batch = Batch({{"fine", "1"}});
  batch.add_operations()->mutable_put()->set_key("x");
  ExpectRefused(client()->Write(batch).status(), StatusCode::kInvalidArgument, "VALUE_MISSING");
  batch.mutable_operations(1)->clear_kind();
  ExpectRefused(client()->Write(batch).status(), StatusCode::kInvalidArgument, "OPERATION_MISSING");
}

TEST_F(BadInput, Batches) {
  ExpectRefused(client()->Write({}).status(), StatusCode::kInvalidArgument, "BATCH_EMPTY");
  TextPairs many;
  for (int i = 0; i < 1001; ++i) many.emplace_back("key" + std::to_string(i), "v");
  ExpectRefused(client()->Write(Batch(many)).status(), StatusCode::kInvalidArgument, "BATCH_TOO_LARGE");
  ExpectRefused(client()->Write(Batch({{"a", "1"}, {"a", "2"}})).status(), StatusCode::kInvalidArgument,
                "KEY_REPEATED");
  const std::string large(900000, 'v');
  ExpectRefused(client()->Write(Batch({{"a", large}, {"b", large}, {"c", large}})).status(),
                StatusCode::kInvalidArgument, "BATCH_TOO_LARGE");
}

TEST_F(BadInput, RequestIds) {
  for (const std::string& id : {std::string(65, 'i'), std::string("two words"), std::string("\x01")}) {
    ExpectRefused(client()->Put("x", "v", id).status(), StatusCode::kInvalidArgument, "REQUEST_ID_INVALID");
  }
  ExpectRefused(client()->Put("kept", "2", "first-id").status(), StatusCode::kInvalidArgument,
                "REQUEST_ID_REUSED");
  ExpectRefused(client()->Put("other", "1", "first-id").status(), StatusCode::kInvalidArgument,
                "REQUEST_ID_REUSED");
  v1::DeleteRequest erase;
  erase.set_key("kept");
  erase.set_request_id("first-id");
  ExpectRefused(client()->Delete(erase).status(), StatusCode::kInvalidArgument, "REQUEST_ID_REUSED");
  const auto replayed = client()->Put("kept", "1", "first-id");
  ASSERT_OK(replayed.status());
  EXPECT_TRUE(replayed->replayed());
  EXPECT_EQ(replayed->version().counter(), client()->Get("kept")->version().counter());
  ExpectUnchanged();
}

TEST_F(BadInput, ACounterFarAheadMovesNoClock) {
  for (const uint64_t forged : {UINT64_MAX, UINT64_MAX - 1, uint64_t{1} << 60}) {
    v1::PutRequest put;
    put.set_key("x");
    put.mutable_value()->set_text("v");
    put.mutable_clock()->set_counter(forged);
    ExpectRefused(client()->Put(put).status(), StatusCode::kOutOfRange, "CLOCK_TOO_FAR_AHEAD");
    v1::GetRequest get;
    get.set_key("kept");
    get.mutable_clock()->set_counter(forged);
    ExpectRefused(client()->Get(get).status(), StatusCode::kOutOfRange, "CLOCK_TOO_FAR_AHEAD");
  }
  // A few dozen calls have passed, no more.
  EXPECT_LT(client()->Status()->clock().counter(), before_.clock().counter() + 1000);
}

TEST_F(BadInput, ACounterAheadWithinReasonIsFollowed) {
  v1::GetRequest get;
  get.set_key("kept");
  get.mutable_clock()->set_counter(before_.clock().counter() + 50'000'000);
  const auto got = client()->Get(get);
  ASSERT_OK(got.status());
  EXPECT_GT(got->clock().counter(), get.clock().counter());
  EXPECT_GT(client()->Put("x", "v")->version().counter(), get.clock().counter());
}

TEST_F(BadInput, Scans) {
  v1::ScanRequest swapped;
  swapped.set_start_key("z");
  swapped.set_end_key("a");
  ExpectRefused(client()->Scan(swapped).status(), StatusCode::kInvalidArgument, "SCAN_RANGE_INVALID");
  v1::ScanRequest both;
  both.set_prefix("a");
  both.set_start_key("a");
  ExpectRefused(client()->Scan(both).status(), StatusCode::kInvalidArgument, "SCAN_RANGE_INVALID");
  for (const std::string& token : {std::string("not base64!"), absl::WebSafeBase64Escape("zzz")}) {
    v1::ScanRequest other_page;
    other_page.set_prefix("k");
    other_page.set_page_token(token);
    ExpectRefused(client()->Scan(other_page).status(), StatusCode::kInvalidArgument, "PAGE_TOKEN_INVALID");
  }
}

// Sends bytes as they are, past the checks of the generated code.
grpc::Status CallWithBytes(const std::shared_ptr<grpc::ChannelInterface>& channel, const std::string& method,
                           const std::string& bytes, Timestamp* error_clock) {
  grpc::TemplatedGenericStub<grpc::ByteBuffer, grpc::ByteBuffer> stub{channel};
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(10)));
  const grpc::Slice slice(bytes);
  const grpc::ByteBuffer request(&slice, 1);
  grpc::ByteBuffer response;
  grpc::Status result;
  absl::Notification done;
  stub.UnaryCall(&context, method, grpc::StubOptions(), &request, &response, [&](grpc::Status status) {
    result = std::move(status);
    done.Notify();
  });
  done.WaitForNotification();
  *error_clock = ClockFromTrailers(context).value_or(Timestamp());
  return result;
}

// A protobuf field of a string, as bytes.
std::string Field(int number, const std::string& content) {
  return std::string(1, static_cast<char>(number << 3 | 2)) + static_cast<char>(content.size()) + content;
}

TEST_F(BadInput, KeysAndTextsThatAreNotUtf8) {
  for (const std::string broken : {"\xff", "a\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xf5\x80\x80\x80"}) {
    SCOPED_TRACE(absl::CHexEscape(broken));
    for (const std::string& request :
         {Field(2, broken) + Field(3, Field(1, "v")), Field(2, "x") + Field(3, Field(1, broken))}) {
      Timestamp clock;
      const grpc::Status status =
          CallWithBytes(client()->channel(), "/lamppost.kv.v1.KvService/Put", request, &clock);
      EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << status.error_message();
      EXPECT_NE(ReasonOf(FromGrpcStatus(status)), "");
      EXPECT_EQ(clock.origin.node_id, "A");
      ExpectUnchanged();
    }
  }
}

TEST_F(BadInput, MessagesThatAreNoMessages) {
  for (const std::string& bytes :
       {std::string("\xff\xff\xff\xff"), std::string(100, '\x0a'), std::string("\x12\x7fshort")}) {
    Timestamp clock;
    const grpc::Status status =
        CallWithBytes(client()->channel(), "/lamppost.kv.v1.KvService/Put", bytes, &clock);
    EXPECT_FALSE(status.ok());
    ExpectUnchanged();
  }
  Timestamp clock;
  EXPECT_EQ(CallWithBytes(client()->channel(), "/lamppost.kv.v1.KvService/Nothing", "", &clock).error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
}

// What a peer sends is held against its checksum before anything else is made of it.
TEST_F(BadInput, ADamagedMessageOfAPeerMovesNoClock) {
  const auto stub = v1::ReplicationService::NewStub(client()->channel());
  for (const auto& [counter, checksum] :
       std::vector<std::pair<uint64_t, uint64_t>>{{1 << 30, 1}, {1 << 30, 0}}) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(10)));
    const auto stream = stub->Sync(&context);
    v1::SyncRequest request;
    request.mutable_clock()->set_counter(counter);
    request.set_checksum(checksum);
    stream->Write(request);
    v1::SyncResponse response;
    EXPECT_FALSE(stream->Read(&response));
    const absl::Status status = FromGrpcStatus(stream->Finish());
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << status;
    EXPECT_EQ(ReasonOf(status), "MESSAGE_DAMAGED");
  }
  EXPECT_LT(client()->Status()->clock().counter(), before_.clock().counter() + 1000);
  ExpectUnchanged();
}

}  // namespace
}  // namespace lamppost::testing
