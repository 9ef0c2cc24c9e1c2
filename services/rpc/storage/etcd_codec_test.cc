// What the contract suite cannot bring about: an etcd that holds something else than what was written.
#include "services/rpc/storage/etcd_codec.h"

#include <string>

#include "gtest/gtest.h"
#include "services/common/error.h"

namespace lamppost::rpc {
namespace {

using etcdserverpb::TxnResponse;

RequestId Minted(uint8_t ms) {
  RequestId::Bytes bytes = {};
  bytes[5] = ms;
  bytes[6] = 0x70;
  return RequestId(bytes);
}

class EtcdCodecTest : public testing::Test {
 protected:
  // An answer to a read: a key that is there, or not.
  static void Found(TxnResponse* response, const std::string& key, const std::string& value) {
    mvccpb::KeyValue* const found = response->add_responses()->mutable_response_range()->add_kvs();
    found->set_key(key);
    found->set_value(value);
    found->set_mod_revision(7);
  }
  static void NotFound(TxnResponse* response) { response->add_responses()->mutable_response_range(); }
  std::string Reason(const StoreOperation& operation, const TxnResponse& response) const {
    return ErrorReason(codec_.Decode({1, operation}, response).status);
  }

  const EtcdCodec codec_{"fleet"};
  const std::string number_ = "00000000000000000007";
};

TEST_F(EtcdCodecTest, KeysAreBelowTheFleetsName) {
  EXPECT_EQ(codec_.RecordKey(Minted(1)), "/lamppost/rpc/fleet/records/00000000-0001-7000-0000-000000000000");
  EXPECT_EQ(codec_.OwnerKey("me"), "/lamppost/rpc/fleet/owners/me");
}

TEST_F(EtcdCodecTest, AMissingHorizonIsDamageNotAnExpiredId) {
  TxnResponse response;
  NotFound(&response);
  NotFound(&response);
  EXPECT_EQ(Reason(CreateRecord{Minted(1), ""}, response), "DATA_CORRUPT");
  EXPECT_EQ(Reason(ForgetRecords{1, {}}, TxnResponse()), "DATA_CORRUPT");
  response.clear_responses();
  NotFound(&response);
  Found(&response, "/lamppost/rpc/fleet/horizon", number_);
  EXPECT_EQ(codec_.Decode({1, CreateRecord{Minted(1), ""}}, response).verdict,
            StoreAnswer::Verdict::kExpired);
}

TEST_F(EtcdCodecTest, AMissingClockIsDamage) {
  TxnResponse response;
  NotFound(&response);
  EXPECT_EQ(Reason(ReserveClock{1}, response), "DATA_CORRUPT");
}

TEST_F(EtcdCodecTest, AForeignKeyIsDamage) {
  for (const std::string& key :
       {std::string("/lamppost/rpc/fleet/records/x"), std::string("elsewhere"),
        std::string("/lamppost/rpc/fleet/records/00000000-0001-7000-0000-00000000000A")}) {
    TxnResponse response;
    Found(&response, key, "value");
    EXPECT_EQ(Reason(ScanRecords{}, response), "DATA_CORRUPT") << key;
    EXPECT_EQ(Reason(GetRecord{Minted(1)}, response), "DATA_CORRUPT") << key;
  }
}

// The engine takes 0 for "not there".
TEST_F(EtcdCodecTest, AMissingRevisionIsDamage) {
  TxnResponse response;
  Found(&response, codec_.RecordKey(Minted(1)), "value");
  EXPECT_EQ(Reason(GetRecord{Minted(1)}, response), "");
  response.mutable_responses(0)->mutable_response_range()->mutable_kvs(0)->set_mod_revision(0);
  EXPECT_EQ(Reason(GetRecord{Minted(1)}, response), "DATA_CORRUPT");
  EXPECT_EQ(Reason(ScanRecords{}, response), "DATA_CORRUPT");
  response.set_succeeded(true);
  EXPECT_EQ(Reason(CreateRecord{Minted(1), ""}, response), "DATA_CORRUPT");
  EXPECT_EQ(Reason(ReplaceRecord{Minted(1), 7, ""}, response), "DATA_CORRUPT");
  response.mutable_header()->set_revision(8);
  EXPECT_EQ(codec_.Decode({1, CreateRecord{Minted(1), ""}}, response).revision, 8u);
}

TEST_F(EtcdCodecTest, NoMoreThanWasAskedFor) {
  TxnResponse response;
  Found(&response, codec_.RecordKey(Minted(1)), "value");
  EXPECT_EQ(codec_.Decode({1, ScanRecords{std::nullopt, 1}}, response).records.size(), 1u);
  EXPECT_EQ(codec_.Decode({1, ScanRecords{std::nullopt, 0}}, response).records.size(), 0u);
}

TEST_F(EtcdCodecTest, TheClockIsReadOnlyWhereAllIsThere) {
  TxnResponse response;
  Found(&response, "format", "1");
  Found(&response, "horizon", number_);
  Found(&response, "clock", number_);
  EXPECT_EQ(codec_.DecodeReadClock(response).value(), 7u);
  // The last one is a number, but one behind which there is no room for others.
  for (const char* clock : {"7", "0000000000000000000x", "18446744073709551615"}) {
    response.mutable_responses(2)->mutable_response_range()->mutable_kvs(0)->set_value(clock);
    EXPECT_EQ(ErrorReason(codec_.DecodeReadClock(response).status()), "DATA_CORRUPT") << clock;
  }
  response.mutable_responses(0)->mutable_response_range()->mutable_kvs(0)->set_value("2");
  EXPECT_EQ(ErrorReason(codec_.DecodeReadClock(response).status()), "FORMAT_UNKNOWN");
  EXPECT_EQ(ErrorReason(codec_.DecodeReadClock(TxnResponse()).status()), "DATA_CORRUPT");
}

}  // namespace
}  // namespace lamppost::rpc
