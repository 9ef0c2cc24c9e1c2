#include "services/rpc/storage/operation_order.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace lamppost::rpc {
namespace {

using Numbers = std::vector<uint64_t>;

RequestId Id(uint8_t number) {
  RequestId::Bytes bytes = {};
  bytes[15] = number;
  return RequestId(bytes);
}

class OperationOrderTest : public testing::Test {
 protected:
  void Add(uint64_t number, StoreOperation operation) { order_.Add({number, std::move(operation)}); }
  // Begins all that may be begun; their numbers. The tickets are as the numbers, which count from 1.
  Numbers Begin() {
    Numbers numbers;
    while (const auto begun = order_.Begin()) {
      EXPECT_EQ(begun->ticket, begun->operation.number);
      numbers.push_back(begun->ticket);
    }
    return numbers;
  }

  OperationOrder order_{4};
};

TEST_F(OperationOrderTest, OneIdAtATime) {
  Add(1, CreateRecord{Id(1), ""});
  Add(2, ReplaceRecord{Id(1), 1, ""});
  Add(3, GetRecord{Id(2)});
  Add(4, GetRecord{Id(1)});
  EXPECT_EQ(Begin(), (Numbers{1, 3}));
  order_.Done(3);
  EXPECT_EQ(Begin(), Numbers());
  order_.Done(1);
  EXPECT_EQ(Begin(), (Numbers{2}));
  order_.Done(2);
  EXPECT_EQ(Begin(), (Numbers{4}));
  order_.Done(4);
  EXPECT_TRUE(order_.empty());
}

TEST_F(OperationOrderTest, SeveralIdsWaitForEach) {
  Add(1, CreateRecord{Id(1), ""});
  Add(2, CreateRecord{Id(2), ""});
  Add(3, ForgetRecords{0, {{Id(1), 1}, {Id(2), 1}, {Id(1), 2}}});
  Add(4, CreateRecord{Id(2), ""});
  EXPECT_EQ(Begin(), (Numbers{1, 2}));
  order_.Done(1);
  EXPECT_EQ(Begin(), Numbers());
  order_.Done(2);
  EXPECT_EQ(Begin(), (Numbers{3}));
  order_.Done(3);
  EXPECT_EQ(Begin(), (Numbers{4}));
}

TEST_F(OperationOrderTest, WhatIsOfNoIdWaitsForNone) {
  Add(1, CreateRecord{Id(1), ""});
  Add(2, ScanRecords{});
  Add(3, ReserveClock{1});
  Add(4, ReserveClock{2});
  EXPECT_EQ(Begin(), (Numbers{1, 2, 3, 4}));
}

TEST_F(OperationOrderTest, NotTooManyAtATime) {
  for (uint8_t i = 1; i <= 6; ++i) Add(i, GetRecord{Id(i)});
  EXPECT_EQ(Begin(), (Numbers{1, 2, 3, 4}));
  EXPECT_EQ(order_.under_way(), 4u);
  order_.Done(2);
  EXPECT_EQ(Begin(), (Numbers{5}));
}

}  // namespace
}  // namespace lamppost::rpc
