// grpcurl with no proto files: it learns everything from the node's reflection.
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/testing/cluster.h"
#include "tests/integration/testing/outside_tool.h"
#include "tests/integration/testing/wait.h"

namespace lamppost::testing {
namespace {

using ::testing::HasSubstr;

constexpr char kKvService[] = "lamppost.kv.v1.KvService";
constexpr char kAdminService[] = "lamppost.kv.v1.AdminService";
constexpr int kDeadlineExceeded = 64 + 4;  // as grpcurl's exit code

class Grpcurl : public ::testing::Test {
 protected:
  void SetUp() override {
    SKIP_WITHOUT_TOOL("GRPCURL");
    ClusterOptions options;
    options.ids = {"A", "B"};
    cluster_ = std::make_unique<Cluster>(options);
    ASSERT_OK(cluster_->StartAll());
  }

  // arguments: before the address, then what comes behind it.
  Finished Run(const std::vector<std::string>& flags, const std::vector<std::string>& words) {
    ProcessOptions options;
    options.command = {ToolPath("GRPCURL"), "-plaintext", "-max-time", "10"};
    options.command.insert(options.command.end(), flags.begin(), flags.end());
    options.command.push_back(cluster_->node("A")->address());
    options.command.insert(options.command.end(), words.begin(), words.end());
    return RunToEnd(options, absl::Seconds(30));
  }

  // Of versions of grpcurl, some write "nodeId" and some "node_id".
  static std::string Field(const std::string& name) {
    return "\"" + absl::StrReplaceAll(name, {{"_", ""}}) + "\":";
  }
  static std::string Plain(const std::string& json) {
    return absl::AsciiStrToLower(absl::StrReplaceAll(json, {{"_", ""}}));
  }

  Finished Call(const std::string& method, const std::string& json) {
    return Run({"-emit-defaults", "-d", json}, {method});
  }

  std::unique_ptr<Cluster> cluster_;
};

TEST_F(Grpcurl, ListsAndDescribesEveryService) {
  const Finished list = Run({}, {"list"});
  ASSERT_EQ(list.exit_code, 0) << list.err;
  for (const char* service :
       {kKvService, kAdminService, "lamppost.kv.v1.ReplicationService", "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection", "grpc.reflection.v1.ServerReflection"}) {
    EXPECT_THAT(list.out, HasSubstr(service));
    const Finished described = Run({}, {"describe", service});
    EXPECT_EQ(described.exit_code, 0) << service << ": " << described.err;
    EXPECT_THAT(described.out, HasSubstr("is a service"));
  }
  for (const char* method : {"Put", "Get", "Delete", "Scan", "Write", "BulkWrite", "Watch", "Status"}) {
    EXPECT_EQ(Run({}, {"describe", std::string(kKvService) + "." + method}).exit_code, 0) << method;
  }
  for (const char* method : {"Snapshot", "ListMembers", "AddMember", "RemoveMember"}) {
    EXPECT_EQ(Run({}, {"describe", std::string(kAdminService) + "." + method}).exit_code, 0) << method;
  }
  for (const char* message :
       {"lamppost.kv.v1.PutRequest", "lamppost.kv.v1.StatusResponse", "lamppost.clock.v1.Timestamp"}) {
    const Finished described = Run({"-msg-template"}, {"describe", message});
    EXPECT_EQ(described.exit_code, 0) << described.err;
    EXPECT_THAT(described.out, HasSubstr("is a message"));
  }
}

TEST_F(Grpcurl, PutsGetsAndDeletes) {
  const Finished put = Call("lamppost.kv.v1.KvService/Put", R"({"key":"x","value":{"text":"10"}})");
  ASSERT_EQ(put.exit_code, 0) << put.err;
  EXPECT_THAT(put.out, HasSubstr("\"version\""));
  EXPECT_THAT(Plain(put.out), HasSubstr(Field("node_id") + " \"a\""));
  const Finished get = Call("lamppost.kv.v1.KvService/Get", R"({"key":"x"})");
  ASSERT_EQ(get.exit_code, 0) << get.err;
  EXPECT_THAT(get.out, HasSubstr("\"found\": true"));
  EXPECT_THAT(get.out, HasSubstr("\"text\": \"10\""));
  EXPECT_OK(cluster_->WaitText("B", "x", "10", absl::Seconds(1)));
  const Finished scan = Call("lamppost.kv.v1.KvService/Scan", R"({"prefix":"x"})");
  EXPECT_THAT(scan.out, HasSubstr("\"key\": \"x\""));
  const Finished erase = Call("lamppost.kv.v1.KvService/Delete", R"({"key":"x"})");
  EXPECT_THAT(erase.out, HasSubstr("\"found\": true"));
  const Finished batch =
      Call("lamppost.kv.v1.KvService/Write",
           R"({"operations":[{"put":{"key":"y","value":{"data":"AAH/"}}},{"delete":{"key":"x"}}]})");
  EXPECT_EQ(batch.exit_code, 0) << batch.err;
  EXPECT_EQ(cluster_->client("A")->Get("y")->value().data(), std::string("\x00\x01\xff", 3));
}

TEST_F(Grpcurl, WritesInBulkAndWatches) {
  const Finished bulk = Call("lamppost.kv.v1.KvService/BulkWrite",
                             R"({"sequence":1,"operations":[{"put":{"key":"w/x","value":{"text":"1"}}}]})"
                             R"({"sequence":2,"operations":[{"put":{"key":"w/y","value":{"text":"2"}}}]})"
                             R"({"sequence":3,"operations":[{"delete":{"key":"w/x"}}]})");
  ASSERT_EQ(bulk.exit_code, 0) << bulk.err;
  for (const char* sequence : {"1", "2", "3"}) {
    EXPECT_THAT(bulk.out, HasSubstr(absl::StrCat("\"sequence\": \"", sequence, "\"")));
  }
  EXPECT_EQ(cluster_->client("A")->Text("w/y"), "2");
  EXPECT_FALSE(cluster_->client("A")->Text("w/x"));
  const Finished refused = Call("lamppost.kv.v1.KvService/BulkWrite", R"({"sequence":1})");
  EXPECT_NE(refused.exit_code, 0);
  EXPECT_THAT(refused.err, HasSubstr("BATCH_EMPTY"));

  // It goes on until its time is up.
  const Finished watch =
      Run({"-max-time", "2", "-d", R"({"prefix":"w/","session":{}})"}, {"lamppost.kv.v1.KvService/Watch"});
  EXPECT_EQ(watch.exit_code, kDeadlineExceeded) << watch.err;
  EXPECT_THAT(watch.err, HasSubstr("DeadlineExceeded"));
  EXPECT_THAT(watch.out, HasSubstr("\"key\": \"w/y\""));
  EXPECT_THAT(watch.out, HasSubstr("\"text\": \"2\""));
}

TEST_F(Grpcurl, ListsMembersAndTakesASnapshot) {
  const Finished members = Call("lamppost.kv.v1.AdminService/ListMembers", "{}");
  ASSERT_EQ(members.exit_code, 0) << members.err;
  EXPECT_THAT(Plain(members.out), HasSubstr(Field("node_id") + " \"b\""));
  const Finished snapshot = Call("lamppost.kv.v1.AdminService/Snapshot", "{}");
  ASSERT_EQ(snapshot.exit_code, 0) << snapshot.err;
  EXPECT_THAT(snapshot.out, HasSubstr("\"chunk\": \"\""));  // the last one, which tells that it is whole
}

TEST_F(Grpcurl, ShowsStatusAndHealth) {
  const Finished status = Call("lamppost.kv.v1.KvService/Status", "{}");
  ASSERT_EQ(status.exit_code, 0) << status.err;
  for (const char* field : {"node_id", "incarnation", "clock", "heads", "keys", "tombstones", "content_hash",
                            "stable", "peers", "address", "state", "lag", "converged"}) {
    EXPECT_THAT(Plain(status.out), HasSubstr(Field(field)));
  }
  for (const std::string& service : {std::string(), std::string(kKvService)}) {
    const Finished health = Call("grpc.health.v1.Health/Check", R"({"service":")" + service + R"("})");
    ASSERT_EQ(health.exit_code, 0) << health.err;
    EXPECT_THAT(health.out, HasSubstr("\"status\": \"SERVING\""));
  }
  const Finished unknown = Call("grpc.health.v1.Health/Check", R"({"service":"nobody"})");
  EXPECT_NE(unknown.exit_code, 0);
  EXPECT_THAT(unknown.err, HasSubstr("NotFound"));
}

TEST_F(Grpcurl, ShowsWhatAnErrorIsAbout) {
  const Finished refused = Call("lamppost.kv.v1.KvService/Put", R"({"key":"","value":{"text":"10"}})");
  EXPECT_NE(refused.exit_code, 0);
  EXPECT_THAT(refused.err, HasSubstr("InvalidArgument"));
  EXPECT_THAT(refused.err, HasSubstr("the key is empty"));
  EXPECT_THAT(refused.err, HasSubstr("KEY_EMPTY"));
}

}  // namespace
}  // namespace lamppost::testing
