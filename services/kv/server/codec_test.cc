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

}  // namespace
}  // namespace lamppost::kv
