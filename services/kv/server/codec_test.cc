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

}  // namespace
}  // namespace lamppost::kv
