#include "clients/cpp/client.h"

#include <gtest/gtest.h>

#include "clients/cpp/fake_stub.h"
#include "services/common/error.h"

namespace lamppost::client {
namespace {

class ClientTest : public testing::Test {
 protected:
  FakeNetwork network_;
  Client client_{OptionsFor({1}), network_.Environment()};
};

TEST_F(ClientTest, EveryWriteGetsItsOwnId) {
  EXPECT_EQ(client_.Put("x", TextValue("1")).request_id, "id-1");
  EXPECT_EQ(client_.Delete("x").request_id, "id-2");
  EXPECT_EQ(client_.Write({}).request_id, "id-3");
  EXPECT_EQ(network_.seen[2].request_id, "id-3");
}

TEST_F(ClientTest, TheCallersIdIsUsed) {
  CallOptions call;
  call.request_id = "mine";
  EXPECT_EQ(client_.Put("x", TextValue("1"), call).request_id, "mine");
  EXPECT_EQ(network_.seen[0].request_id, "mine");
}

TEST_F(ClientTest, ABadIdIsRefusedBeforeAnythingIsSent) {
  for (const std::string& id : {std::string(65, 'a'), std::string("a\nb"), std::string("\xc3\xa4")}) {
    CallOptions call;
    call.request_id = id;
    const auto put = client_.Put("x", TextValue("1"), call);
    EXPECT_EQ(put.status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(ErrorReason(put.status), "REQUEST_ID_INVALID");
    EXPECT_EQ(put.outcome, Outcome::kFailed);
  }
  EXPECT_TRUE(network_.seen.empty());
}

TEST_F(ClientTest, TextThatIsNoUtf8CannotBeSent) {
  EXPECT_EQ(ErrorReason(client_.Put("\xff", TextValue("1")).status), "KEY_NOT_UTF8");
  EXPECT_EQ(ErrorReason(client_.Put("x", TextValue("\xff")).status), "VALUE_NOT_UTF8");
  EXPECT_EQ(ErrorReason(client_.Get("\xff").status), "KEY_NOT_UTF8");
  EXPECT_EQ(ErrorReason(client_.Delete("\xff").status), "KEY_NOT_UTF8");
  v1::WriteOperation operation;
  operation.mutable_delete_()->set_key("\xff");
  EXPECT_EQ(ErrorReason(client_.Write({operation}).status), "KEY_NOT_UTF8");
  v1::ScanRequest scan;
  scan.set_prefix("\xff");
  EXPECT_EQ(ErrorReason(client_.Scan(scan).status), "SCAN_RANGE_INVALID");
  EXPECT_TRUE(network_.seen.empty());
  EXPECT_TRUE(client_.Put("x", DataValue("\xff")).ok());
}

}  // namespace
}  // namespace lamppost::client
