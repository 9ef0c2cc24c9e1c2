// Golden outputs: what docs/cli.md promises, byte for byte.
#include "clients/cli/member_format.h"

#include <gtest/gtest.h>

namespace lamppost::cli {
namespace {

constexpr int64_t kNow = 1'800'000'000;

client::Result<kv::v1::ListMembersResponse> Example() {
  client::Result<kv::v1::ListMembersResponse> result;
  result.node = "h:1";
  result.response.mutable_clock()->set_counter(19);
  kv::v1::Member* member = result.response.add_members();
  member->set_node_id("A");
  member->set_state(kv::v1::MEMBER_STATE_SEED);
  member->set_self(true);
  member = result.response.add_members();
  member->set_node_id("B\x1b");
  member->set_address("http://h:2");
  member->set_state(kv::v1::MEMBER_STATE_MEMBER);
  member->mutable_last_answer()->set_seconds(kNow - 3);
  member = result.response.add_members();
  member->set_node_id("C");
  member->set_address("http://h:3");
  member->set_state(kv::v1::MEMBER_STATE_REMOVED);
  return result;
}

std::string List(OutputFormat format) {
  return FormatMembers(Example(), absl::FromUnixSeconds(kNow), format, Colour::kOff);
}

TEST(MemberFormatTest, List) {
  EXPECT_EQ(List(OutputFormat::kTable),
            "NODE   STATE    ANSWERED   ADDRESS\n"
            "A      seed     this node\n"
            "B\\x1b  member   3s ago     http://h:2\n"
            "C      removed  -          http://h:3\n");
  EXPECT_EQ(List(OutputFormat::kRaw), "A\nB\\x1b\n");
  EXPECT_EQ(List(OutputFormat::kJson),
            R"({"members":[{"node_id":"A","address":"","state":"seed","self":true,"last_answer":null},)"
            R"({"node_id":"B\u001b","address":"http://h:2","state":"member","self":false,)"
            R"("last_answer":"2027-01-15T07:59:57Z"},)"
            R"({"node_id":"C","address":"http://h:3","state":"removed","self":false,"last_answer":null}],)"
            R"("clock":19,"node":"h:1"})"
            "\n");
}

TEST(MemberFormatTest, AddAndRemove) {
  client::Result<kv::v1::AddMemberResponse> added;
  added.node = "h:1";
  added.response.mutable_clock()->set_counter(19);
  added.response.mutable_member()->set_node_id("D");
  added.response.mutable_member()->set_address("http://h:4");
  added.response.mutable_member()->set_state(kv::v1::MEMBER_STATE_MEMBER);
  EXPECT_EQ(FormatAdded(added, OutputFormat::kTable), "OK D at http://h:4 is a member\n");
  EXPECT_EQ(FormatAdded(added, OutputFormat::kRaw), "D\n");
  EXPECT_EQ(FormatAdded(added, OutputFormat::kJson),
            R"({"node_id":"D","address":"http://h:4","state":"member","clock":19,"node":"h:1"})"
            "\n");
  client::Result<kv::v1::RemoveMemberResponse> removed;
  removed.node = "h:1";
  EXPECT_EQ(FormatRemoved("C", removed, OutputFormat::kTable), "OK C is removed\n");
  EXPECT_EQ(FormatRemoved("C", removed, OutputFormat::kRaw), "C\n");
  EXPECT_EQ(FormatRemoved("C", removed, OutputFormat::kJson),
            "{\"node_id\":\"C\",\"state\":\"removed\",\"clock\":0,\"node\":\"h:1\"}\n");
}

}  // namespace
}  // namespace lamppost::cli
