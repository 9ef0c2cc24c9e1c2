// The member commands against an operator's service in memory: who is asked before a member goes, what is
// sent, and how it ends.
#include <gmock/gmock.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "clients/cli/run_words.h"
#include "lamppost/kv/v1/admin_service.grpc.pb.h"
#include "services/common/error.h"
#include "services/common/grpc_status.h"

namespace lamppost::cli {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

// Notes what it is asked, as "remove C by force". Thread-safe.
class FakeAdminService final : public kv::v1::AdminService::Service {
 public:
  void Refuse(absl::Status status) {
    std::lock_guard<std::mutex> lock(mutex_);
    refusal_ = std::move(status);
  }
  std::vector<std::string> asked() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return asked_;
  }

  grpc::Status ListMembers(grpc::ServerContext*, const kv::v1::ListMembersRequest*,
                           kv::v1::ListMembersResponse* response) override {
    kv::v1::Member* member = response->add_members();
    member->set_node_id("A");
    member->set_state(kv::v1::MEMBER_STATE_MEMBER);
    member->set_self(true);
    return Answer("list");
  }
  grpc::Status AddMember(grpc::ServerContext*, const kv::v1::AddMemberRequest* request,
                         kv::v1::AddMemberResponse* response) override {
    response->mutable_member()->set_node_id(request->node_id().empty() ? "D" : request->node_id());
    response->mutable_member()->set_address(request->address());
    response->mutable_member()->set_state(kv::v1::MEMBER_STATE_MEMBER);
    return Answer("add " + request->address() +
                  (request->node_id().empty() ? "" : " as " + request->node_id()));
  }
  grpc::Status RemoveMember(grpc::ServerContext*, const kv::v1::RemoveMemberRequest* request,
                            kv::v1::RemoveMemberResponse*) override {
    return Answer("remove " + request->node_id() + (request->force() ? " by force" : ""));
  }

 private:
  grpc::Status Answer(std::string what) {
    std::lock_guard<std::mutex> lock(mutex_);
    asked_.push_back(std::move(what));
    return ToGrpcStatus(refusal_);
  }

  mutable std::mutex mutex_;
  std::vector<std::string> asked_;
  absl::Status refusal_;
};

class MemberVerbTest : public testing::Test {
 protected:
  void SetUp() override {
    unsetenv("LAMPPOST_NODE");
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
  }
  void TearDown() override { server_->Shutdown(std::chrono::system_clock::now()); }

  Ran Run(std::vector<std::string> words, const std::string& input = "",
          InputKind in_kind = InputKind::kOther) {
    const std::vector<std::string> patient = {
        "--node", "127.0.0.1:" + std::to_string(port_), "--attempt-timeout", "20s", "--timeout", "60s"};
    words.insert(words.begin(), patient.begin(), patient.end());
    return RunWords(std::move(words), input, in_kind);
  }
  Ran RunOnTerminal(const std::vector<std::string>& words, const std::string& typed) {
    return Run(words, typed, InputKind::kTerminal);
  }

  FakeAdminService service_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

TEST_F(MemberVerbTest, TheTypedIdConfirms) {
  const Ran ran = RunOnTerminal({"member", "remove", "C"}, "C\nmore");
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_EQ(ran.out, "OK C is removed\n");
  EXPECT_EQ(ran.err,
            "Removing C is for good: it can come back only with an empty data directory. "
            "Type its id to go on: ");
  EXPECT_EQ(ran.left, "more");
  EXPECT_EQ(RunOnTerminal({"member", "remove", "C"}, " C \r\n").exit_code, 0);
  EXPECT_EQ(RunOnTerminal({"member", "remove", "C", "-o", "raw"}, "C").out, "C\n");
  EXPECT_THAT(service_.asked(), ElementsAre("remove C", "remove C", "remove C"));
}

TEST_F(MemberVerbTest, AnythingElseThatIsTypedRemovesNothing) {
  for (const char* typed : {"B\n", "c\n", "\n", "", "yes\nC\n", "C C\n", "CC\n"}) {
    const Ran ran = RunOnTerminal({"member", "remove", "C"}, typed);
    EXPECT_EQ(ran.exit_code, 2) << typed;
    EXPECT_EQ(ran.out, "");
    EXPECT_THAT(ran.err, HasSubstr("USAGE: that is not the id: nothing was removed")) << typed;
  }
  EXPECT_THAT(service_.asked(), IsEmpty());
}

TEST_F(MemberVerbTest, WithoutATerminalNobodyIsAsked) {
  const Ran ran = Run({"member", "remove", "C"}, "C\n");
  EXPECT_EQ(ran.exit_code, 2);
  EXPECT_EQ(
      ran.err,
      "lamppost: failed: INVALID_ARGUMENT/USAGE: removing a member needs --yes, or a terminal to ask\n");
  EXPECT_EQ(ran.left, "C\n");
  const Ran told = Run({"member", "remove", "C", "-o", "json"}, "C\n");
  EXPECT_EQ(told.exit_code, 2);
  EXPECT_EQ(json::parse(told.err)["error"]["reason"], "USAGE");
  EXPECT_EQ(json::parse(told.err)["error"]["outcome"], "failed");
  EXPECT_THAT(service_.asked(), IsEmpty());
}

TEST_F(MemberVerbTest, YesStandsInForTheTypedId) {
  const Ran ran = Run({"member", "remove", "C", "--yes"});
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_EQ(ran.out, "OK C is removed\n");
  EXPECT_EQ(ran.err, "");
  // On a terminal neither asks nor reads.
  const Ran there = RunOnTerminal({"member", "remove", "C", "--yes"}, "B\n");
  EXPECT_EQ(there.exit_code, 0);
  EXPECT_EQ(there.err, "");
  EXPECT_EQ(there.left, "B\n");
  EXPECT_THAT(service_.asked(), ElementsAre("remove C", "remove C"));
}

TEST_F(MemberVerbTest, ForceIsPassedOnAndConfirmsNothing) {
  EXPECT_EQ(Run({"member", "remove", "C", "--force"}, "C\n").exit_code, 2);
  EXPECT_EQ(RunOnTerminal({"member", "remove", "C", "--force"}, "B\n").exit_code, 2);
  EXPECT_THAT(service_.asked(), IsEmpty());
  EXPECT_EQ(RunOnTerminal({"member", "remove", "C", "--force"}, "C\n").exit_code, 0);
  EXPECT_EQ(Run({"member", "remove", "C", "--force", "--yes"}).exit_code, 0);
  EXPECT_THAT(service_.asked(), ElementsAre("remove C by force", "remove C by force"));
}

TEST_F(MemberVerbTest, ARefusalIsAFailureForCertain) {
  service_.Refuse(MakeError(absl::StatusCode::kFailedPrecondition, "MEMBER_IS_LIVE", "C answers"));
  const Ran ran = Run({"member", "remove", "C", "--yes"});
  EXPECT_EQ(ran.exit_code, 3);
  EXPECT_EQ(ran.out, "");
  EXPECT_EQ(ran.err, "lamppost: failed: FAILED_PRECONDITION/MEMBER_IS_LIVE: C answers\n");
  service_.Refuse(MakeError(absl::StatusCode::kAlreadyExists, "MEMBER_EXISTS", "D is a member"));
  const Ran added = Run({"member", "add", "h:1", "-o", "json"});
  EXPECT_EQ(added.exit_code, 3);
  EXPECT_EQ(json::parse(added.err)["error"]["reason"], "MEMBER_EXISTS");
  EXPECT_THAT(service_.asked(), ElementsAre("remove C", "add h:1"));
}

TEST_F(MemberVerbTest, ListsAndAdds) {
  EXPECT_THAT(Run({"member", "list"}).out, StartsWith("NODE"));
  EXPECT_EQ(Run({"member", "list", "-o", "raw"}).out, "A\n");
  EXPECT_EQ(Run({"member", "add", "h:1"}).out, "OK D at h:1 is a member\n");
  EXPECT_EQ(Run({"member", "add", "h:1", "--id", "E", "-o", "raw"}).out, "E\n");
  EXPECT_THAT(service_.asked(), ElementsAre("list", "list", "add h:1", "add h:1 as E"));
}

TEST_F(MemberVerbTest, WrongUsageReachesNobody) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"member"},
                                             {"member", "remove"},
                                             {"member", "remove", "C", "D", "--yes"},
                                             {"member", "remove", "C", "--yes", "--id", "C"},
                                             {"member", "add"},
                                             {"member", "add", "h:1", "--force"},
                                             {"member", "list", "--yes"},
                                             {"member", "rename", "C"}}) {
    const Ran ran = RunOnTerminal(words, "C\n");
    EXPECT_EQ(ran.exit_code, 2) << words.back();
    EXPECT_EQ(ran.out, "");
    EXPECT_NE(ran.err, "");
    EXPECT_EQ(ran.left, "C\n");
  }
  EXPECT_THAT(service_.asked(), IsEmpty());
}

}  // namespace
}  // namespace lamppost::cli
