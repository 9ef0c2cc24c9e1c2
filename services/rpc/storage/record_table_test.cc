// What only the table itself has; the rest is in the contract suite.
#include "services/rpc/storage/record_table.h"

#include "gtest/gtest.h"

namespace lamppost::rpc {
namespace {

RequestId Id(uint8_t number) {
  RequestId::Bytes bytes = {};
  bytes[15] = number;
  return RequestId(bytes);
}

TEST(RecordTableTest, AnswersCarryTheNumber) {
  RecordTable table;
  EXPECT_EQ(table.Apply(NumberedOperation{7, GetRecord{Id(1)}}).number, 7u);
  EXPECT_EQ(table.Apply(GetRecord{Id(1)}).number, 0u);
}

TEST(RecordTableTest, CopiesAreIndependent) {
  RecordTable table;
  table.AddOwner("a");
  table.Apply(CreateRecord{Id(1), "before"});
  RecordTable earlier = table;
  table.Apply(CreateRecord{Id(2), "after"});
  table.Apply(ForgetRecords{5, {}});
  table.Apply(ReserveClock{100});
  table.RemoveOwner("a");

  EXPECT_EQ(earlier.records().size(), 1u);
  EXPECT_EQ(earlier.horizon_ms(), 0u);
  EXPECT_EQ(earlier.clock_limit(), 0u);
  EXPECT_TRUE(earlier.Apply(FindOwner{"a"}).owner_is_alive);
  EXPECT_FALSE(table.Apply(FindOwner{"a"}).owner_is_alive);
  EXPECT_EQ(table.records().size(), 2u);
}

}  // namespace
}  // namespace lamppost::rpc
