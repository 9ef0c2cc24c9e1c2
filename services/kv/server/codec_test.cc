#include "services/kv/server/codec.h"

#include <gtest/gtest.h>

#include "services/common/error.h"

namespace lamppost::kv {
namespace {

TEST(CodecTest, AnUnsetValueIsNotAnEmptyOne) {
  v1::PutRequest put;
  put.set_key("k");
  EXPECT_EQ(ErrorReason(ToProposal(put).status()), "VALUE_MISSING");
}

TEST(CodecTest, ABatchKeepsItsOrderAndKinds) {
  v1::WriteRequest request;
  request.add_operations()->mutable_put()->set_key("a");
  request.mutable_operations(0)->mutable_put()->mutable_value()->set_text("");
  request.add_operations()->mutable_delete_()->set_key("b");
  const absl::StatusOr<Proposal> proposal = ToProposal(request);
  ASSERT_TRUE(proposal.ok());
  ASSERT_EQ(proposal->operations.size(), 2u);
  EXPECT_EQ(proposal->operations[0].value, (Value{Value::Kind::kText, ""}));
  EXPECT_EQ(proposal->operations[1].value, std::nullopt);
  request.add_operations();
  EXPECT_EQ(ErrorReason(ToProposal(request).status()), "OPERATION_MISSING");
}

template <typename Request>
void ExpectSessionAndReplicas(Request request) {
  EXPECT_EQ(ToProposal(request)->replicas, 1u);
  request.set_replicas(3);
  auto* head = request.mutable_session()->add_heads();
  head->mutable_origin()->set_node_id("A");
  head->mutable_origin()->set_incarnation(7);
  head->set_counter(5);
  const absl::StatusOr<Proposal> proposal = ToProposal(request);
  ASSERT_TRUE(proposal.ok()) << proposal.status();
  EXPECT_EQ(proposal->replicas, 3u);
  EXPECT_EQ(proposal->session, (Heads{{{"A", 7}, 5}}));
  head->set_counter(0);
  EXPECT_EQ(ErrorReason(ToProposal(request).status()), "SESSION_INVALID");
}

TEST(CodecTest, AllWritesHaveASessionAndReplicas) {
  v1::PutRequest put;
  put.mutable_value()->set_text("v");
  ExpectSessionAndReplicas(put);
  ExpectSessionAndReplicas(v1::DeleteRequest());
  ExpectSessionAndReplicas(v1::WriteRequest());
}

TEST(CodecTest, Ttl) {
  const auto ttl = [](int64_t seconds, int32_t nanos) {
    google::protobuf::Duration duration;
    duration.set_seconds(seconds);
    duration.set_nanos(nanos);
    return TtlMs(duration);
  };
  EXPECT_EQ(*ttl(0, 1'000'000), 1u);
  EXPECT_EQ(*ttl(60, 999'999'999), 60'999u);
  EXPECT_EQ(*ttl(int64_t{3650} * 86400, 0), uint64_t{3650} * 86400 * 1000);
  for (const auto& [seconds, nanos] : std::vector<std::pair<int64_t, int32_t>>{{0, 0},
                                                                               {0, 999'999},
                                                                               {-1, 0},
                                                                               {0, -1},
                                                                               {5, -1},
                                                                               {5, 1'000'000'000},
                                                                               {int64_t{3650} * 86400, 1},
                                                                               {INT64_MAX, 0},
                                                                               {INT64_MIN, INT32_MIN}}) {
    EXPECT_EQ(ErrorReason(ttl(seconds, nanos).status()), "TTL_INVALID") << seconds << " " << nanos;
  }
}

TEST(CodecTest, ATtlOfAPutAndOfABatch) {
  v1::PutRequest put;
  put.set_key("x");
  put.mutable_value()->set_text("1");
  EXPECT_EQ(ToProposal(put)->operations[0].ttl_ms, 0u);
  put.mutable_ttl()->set_seconds(2);
  EXPECT_EQ(ToProposal(put)->operations[0].ttl_ms, 2000u);
  v1::WriteRequest write;
  v1::PutOperation* operation = write.add_operations()->mutable_put();
  operation->set_key("x");
  operation->mutable_value()->set_text("1");
  operation->mutable_ttl()->set_seconds(3);
  EXPECT_EQ(ToProposal(write)->operations[0].ttl_ms, 3000u);
  operation->mutable_ttl()->set_seconds(-3);
  EXPECT_FALSE(ToProposal(write).ok());
}

}  // namespace
}  // namespace lamppost::kv
