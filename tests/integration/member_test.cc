// Members come and go while the others run: nobody is started again, writes go on, and a node that was
// removed comes back with nothing but an empty disk.
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "lamppost/kv/v1/admin_service.grpc.pb.h"
#include "services/common/error.h"
#include "services/common/grpc_status.h"
#include "tests/integration/testing/cluster.h"
#include "tests/integration/testing/ports.h"
#include "tests/integration/testing/steady_writer.h"
#include "tests/integration/testing/wait.h"

namespace lamppost::testing {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Matches;
using ::testing::PrintToString;
using ::testing::StartsWith;

class MemberTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_OK(cluster_.StartAll()); }

  // A node that is not of the cluster yet, and knows its members.
  std::unique_ptr<Node> MakeNode(const std::string& id, std::vector<std::string> flags = {}) {
    NodeOptions options;
    options.id = id;
    options.port = ReservePort().value();
    options.data_directory = NewTestPath(id);
    options.flags = std::move(flags);
    auto node = std::make_unique<Node>(std::move(options));
    std::vector<std::string> peers;
    for (const std::string& member : cluster_.ids())
      peers.push_back("http://" + cluster_.node(member)->address());
    node->set_peers(peers);
    return node;
  }

  template <typename Request, typename Response>
  using Method = grpc::Status (kv::v1::AdminService::Stub::*)(grpc::ClientContext*, const Request&,
                                                              Response*);

  template <typename Request, typename Response>
  absl::StatusOr<Response> Ask(KvClient* node, Method<Request, Response> method, const Request& request) {
    const auto stub = kv::v1::AdminService::NewStub(node->channel());
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(10)));
    Response response;
    const absl::Status status = FromGrpcStatus((stub.get()->*method)(&context, request, &response));
    if (!status.ok()) return status;
    return response;
  }
  absl::Status Add(const std::string& at, const std::string& address, const std::string& id = "") {
    kv::v1::AddMemberRequest request;
    request.set_address(address);
    request.set_node_id(id);
    return Ask(cluster_.client(at), &kv::v1::AdminService::Stub::AddMember, request).status();
  }
  enum class Force { kNo, kYes };
  absl::Status Remove(const std::string& at, const std::string& id, Force force = Force::kNo) {
    kv::v1::RemoveMemberRequest request;
    request.set_node_id(id);
    request.set_force(force == Force::kYes);
    return Ask(cluster_.client(at), &kv::v1::AdminService::Stub::RemoveMember, request).status();
  }
  // "A seed self, B member, …": as the node lists them.
  std::string Members(KvClient* node) {
    const auto listed = Ask(node, &kv::v1::AdminService::Stub::ListMembers, kv::v1::ListMembersRequest());
    if (!listed.ok()) return listed.status().ToString();
    std::string text;
    for (const kv::v1::Member& member : listed->members()) {
      const char* state = member.state() == kv::v1::MEMBER_STATE_SEED      ? "seed"
                          : member.state() == kv::v1::MEMBER_STATE_MEMBER  ? "member"
                          : member.state() == kv::v1::MEMBER_STATE_REMOVED ? "removed"
                                                                           : "?";
      absl::StrAppend(&text, text.empty() ? "" : ", ", member.node_id(), " ", state,
                      member.self() ? " self" : "");
    }
    return text;
  }
  absl::Status WaitMembers(KvClient* node, const std::string& members) {
    return WaitFor(members + ", not " + Members(node), absl::Seconds(15),
                   [&] { return Members(node) == members; });
  }
  // Until the deletion with this counter is forgotten by all.
  absl::Status WaitForgotten(uint64_t deletion) {
    return WaitFor("the deletion to be forgotten", absl::Seconds(30), [&] {
      for (const std::string& id : cluster_.ids()) {
        const auto status = cluster_.client(id)->Status();
        if (!status.ok() || status->tombstones() > 0 || status->horizon() < deletion) return false;
      }
      return true;
    });
  }
  // What the first three have sent to a fourth one that it had missed.
  struct Sent {
    uint64_t full_syncs = 0;
    uint64_t bytes = 0;
  };
  Sent SentTo(const std::string& id) {
    Sent sent;
    for (const std::string& sender : cluster_.ids()) {
      const kv::v1::PeerStatus peer = cluster_.PeerOf(sender, id);
      sent.full_syncs += peer.full_syncs_sent();
      sent.bytes += peer.catch_up_bytes_sent();
    }
    return sent;
  }
  // "C at http://…: has A.1 up to 17 only": as the node tells it.
  std::vector<std::string> StableHeldBy(const std::string& at) {
    const auto status = cluster_.client(at)->Status();
    if (!status.ok()) return {status.status().ToString()};
    std::vector<std::string> holds;
    for (const kv::v1::StableHold& hold : status->stable_held_by()) {
      holds.push_back(absl::StrCat(hold.node_id(), " at ", hold.address(), ": ", hold.detail()));
    }
    return holds;
  }

  Cluster cluster_{{}};
};

TEST_F(MemberTest, AFourthNodeJoinsAndFillsWhileWritesGoOn) {
  ASSERT_OK(cluster_.client("A")->Fill("old", 5000, "here"));
  // A forgotten deletion is what a node that knows nothing must be given everything for.
  const auto deleted = cluster_.client("A")->Delete("old000000");
  ASSERT_OK(deleted.status());
  ASSERT_OK(WaitForgotten(deleted->version().counter()));
  ASSERT_OK(cluster_.WaitConverged());
  EXPECT_EQ(Members(cluster_.client("A")), "A seed self, B seed, C seed");
  const uint64_t uptime_before = cluster_.client("B")->Status()->uptime_ms();
  auto d = MakeNode("D");
  ASSERT_OK(d->Launch());
  SteadyWriter writer(cluster_.node("B")->address(), "new");
  ASSERT_OK(WaitFor("D to answer", absl::Seconds(15), [&] { return d->client()->Status().ok(); }));

  ASSERT_OK(Add("A", "http://" + d->address()));
  ASSERT_OK(d->WaitServing());
  const std::vector<Node*> all = {cluster_.node("A"), cluster_.node("B"), cluster_.node("C"), d.get()};
  ASSERT_OK(WaitFor("the old keys to be at D", absl::Seconds(20),
                    [&] { return d->client()->Text("old004999") == "here"; }));
  ASSERT_OK(d->client()->Put("from D", "1").status());
  ASSERT_OK(WaitFor("B to have what D wrote", absl::Seconds(10),
                    [&] { return cluster_.client("B")->Text("from D") == "1"; }));
  ASSERT_OK(WaitFor("writes to go on", absl::Seconds(20), [&] { return writer.written() > 100; }));
  ExpectSteady(&writer);
  ASSERT_OK(WaitConverged(all, absl::Seconds(30)));
  const Sent sent = SentTo("D");
  EXPECT_GE(sent.full_syncs, 1u);
  EXPECT_GE(sent.bytes, 4999 * (sizeof("old000001") - 1 + sizeof("here") - 1));
  EXPECT_EQ(d->client()->Status()->keys(), cluster_.client("A")->Status()->keys());
  EXPECT_GT(cluster_.client("B")->Status()->uptime_ms(), uptime_before) << "nobody was started again";
  // Everybody lists everybody, and what the lists are made of is no key.
  for (const std::string& id : cluster_.ids()) {
    EXPECT_OK(WaitFor(Members(cluster_.client(id)), absl::Seconds(10), [&] {
      const std::string members = Members(cluster_.client(id));
      return members.find("seed") == std::string::npos && members.find("D member") != std::string::npos;
    }));
  }
  EXPECT_EQ(Members(d->client()), "A member, B member, C member, D member self");
  EXPECT_EQ(d->client()->Everything()->begin()->first, "from D");

  // Started again with nothing but its disk and one peer, it finds all the others.
  ASSERT_EQ(d->Stop().value(), 0);
  d->set_peers({"http://" + cluster_.node("A")->address()});
  ASSERT_OK(d->Start());
  ASSERT_OK(cluster_.client("C")->Put("later", "2").status());
  EXPECT_OK(WaitConverged(all, absl::Seconds(30)));
  EXPECT_EQ(Members(d->client()), "A member, B member, C member, D member self");
  EXPECT_EQ(SentTo("D").full_syncs, sent.full_syncs) << "it had lost nothing";
}

TEST_F(MemberTest, ANodeThatIsNoMemberGetsNothing) {
  ASSERT_OK(cluster_.client("A")->Put("x", "1").status());
  auto d = MakeNode("D");
  ASSERT_OK(d->Start());
  ASSERT_OK(WaitFor("D to be refused", absl::Seconds(15), [&] {
    const auto status = d->client()->Status();
    return status.ok() && status->peers_size() == 3 && status->peers(0).state() == kv::v1::PEER_STATE_REFUSED;
  }));
  EXPECT_THAT(d->client()->Status()->peers(0).detail(), HasSubstr("among its members"));
  EXPECT_FALSE(d->client()->Text("x"));
  EXPECT_OK(cluster_.WaitConverged());
}

// What it took could bring back, once it is added, what is deleted meanwhile.
TEST_F(MemberTest, ANodeThatIsNoMemberTakesNoWrites) {
  auto d = MakeNode("D");
  ASSERT_OK(d->Start());
  ASSERT_OK(WaitFor("D to hear that it is none", absl::Seconds(20), [&] {
    const auto status = d->client()->Status();
    return status.ok() && status->write_refusal() == "NOT_A_MEMBER";
  }));
  const auto before = d->client()->Status();
  ASSERT_OK(before.status());
  const auto put = d->client()->Put("y", "1", "once");
  EXPECT_EQ(put.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(put.status()), "NOT_A_MEMBER");
  EXPECT_TRUE(RetryDelayMs(put.status()).has_value());
  EXPECT_EQ(ReasonOf(d->client()->Delete("y").status()), "NOT_A_MEMBER");
  EXPECT_EQ(ReasonOf(d->client()->Write(Batch({{"y", "1"}, {"z", "1"}})).status()), "NOT_A_MEMBER");
  const auto after = d->client()->Status();
  ASSERT_OK(after.status());
  EXPECT_EQ(after->content_hash(), before->content_hash());
  EXPECT_EQ(after->keys(), 0u);
  EXPECT_EQ(after->tombstones(), 0u);
  const auto got = d->client()->Get("y");
  ASSERT_OK(got.status());
  EXPECT_FALSE(got->found());

  // Once it is added the same call goes through, and writes for the first time.
  ASSERT_OK(Add("A", d->address()));
  absl::StatusOr<kv::v1::PutResponse> again;
  ASSERT_OK(WaitFor("D to take writes", absl::Seconds(15), [&] {
    again = d->client()->Put("y", "1", "once");
    return again.ok();
  }));
  EXPECT_FALSE(again->replayed());
  EXPECT_EQ(d->client()->Status()->write_refusal(), "");
  for (const std::string& id : cluster_.ids()) EXPECT_OK(cluster_.WaitText(id, "y", "1", absl::Seconds(10)));
  EXPECT_FALSE(cluster_.client("A")->Text("z"));
}

TEST_F(MemberTest, WhoHoldsStabilityUpIsNamed) {
  ASSERT_OK(cluster_.client("C")->Put("x", "1").status());
  ASSERT_OK(cluster_.WaitConverged());
  ASSERT_EQ(cluster_.node("C")->Stop().value(), 0);
  const auto deleted = cluster_.client("A")->Delete("x");
  ASSERT_OK(deleted.status());
  const std::string c = "C at http://" + cluster_.node("C")->address();
  for (const std::string id : {"A", "B"}) {
    const auto only = ElementsAre(AllOf(StartsWith(c + ": has "), EndsWith(" only")));
    EXPECT_OK(WaitFor(id + " to name C", absl::Seconds(15), [&] { return Matches(only)(StableHeldBy(id)); }))
        << PrintToString(StableHeldBy(id));
    EXPECT_LT(cluster_.client(id)->Status()->stable(), deleted->version().counter());
    EXPECT_EQ(cluster_.client(id)->Status()->tombstones(), 1u);
  }
  // One that has started since does not know who is there.
  ASSERT_EQ(cluster_.node("B")->Stop().value(), 0);
  ASSERT_OK(cluster_.node("B")->Start());
  EXPECT_THAT(StableHeldBy("B"), Contains(c + ": has not answered since this node started"));

  ASSERT_OK(cluster_.node("C")->Start());
  ASSERT_OK(WaitForgotten(deleted->version().counter()));
  for (const std::string& id : cluster_.ids()) {
    EXPECT_OK(WaitFor(id + " to wait for nobody", absl::Seconds(15), [&] {
      return StableHeldBy(id).empty();
    })) << PrintToString(StableHeldBy(id));
  }
}

TEST_F(MemberTest, ARemovedNodeReleasesStabilityAndComesBackOnlyEmpty) {
  ASSERT_OK(cluster_.client("C")->Put("from C", "1").status());
  ASSERT_OK(cluster_.WaitConverged());
  cluster_.node("C")->Kill();
  const auto deleted = cluster_.client("A")->Delete("from C");
  ASSERT_OK(deleted.status());
  const uint64_t deletion = deleted->version().counter();
  ASSERT_OK(WaitFor("A to notice", absl::Seconds(10),
                    [&] { return cluster_.PeerOf("A", "C").state() == kv::v1::PEER_STATE_DOWN; }));
  EXPECT_LT(cluster_.client("A")->Status()->stable(), deletion) << "who is away holds stability up";

  ASSERT_OK(Remove("B", "C"));
  ASSERT_OK(Remove("B", "C")) << "once more is the same";
  for (const std::string id : {"A", "B"}) {
    EXPECT_OK(WaitFor(id + ": stability to go on", absl::Seconds(10),
                      [&] { return cluster_.client(id)->Status()->stable() >= deletion; }));
    EXPECT_OK(WaitFor(id + " to be level with the other one", absl::Seconds(10),
                      [&] { return cluster_.client(id)->Status()->converged(); }));
    EXPECT_EQ(cluster_.client(id)->Status()->peers_size(), 1);
  }
  ASSERT_OK(WaitMembers(cluster_.client("A"), "A member self, B member, C removed"));

  // As it was it is refused, and says so; what it holds can be read there.
  ASSERT_OK(cluster_.node("C")->Launch());
  ASSERT_OK(WaitFor("C to know", absl::Seconds(15), [&] {
    const auto status = cluster_.client("C")->Status();
    return status.ok() && status->removed();
  }));
  EXPECT_EQ(cluster_.client("C")->Status()->write_refusal(), "NODE_REMOVED");
  const auto write = cluster_.client("C")->Put("y", "1");
  EXPECT_EQ(write.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(write.status()), "NODE_REMOVED");
  EXPECT_EQ(cluster_.client("C")->Text("from C"), "1");
  EXPECT_OK(WaitFor("C to be out of service", absl::Seconds(5),
                    [&] { return !cluster_.client("C")->IsServing(); }));
  EXPECT_EQ(ReasonOf(Add("A", cluster_.node("C")->address())), "MEMBER_NOT_EMPTY");
  EXPECT_EQ(Members(cluster_.client("A")), "A member self, B member, C removed");
  EXPECT_EQ(ReasonOf(cluster_.client("C")->Put("y", "1").status()), "NODE_REMOVED");
  EXPECT_FALSE(cluster_.client("A")->Text("from C"));

  // With an empty disk it is welcome.
  EXPECT_EQ(cluster_.node("C")->Stop().value(), 0);
  cluster_.node("C")->WipeDisk();
  ASSERT_OK(cluster_.node("C")->Launch());
  ASSERT_OK(WaitFor("C to listen", absl::Seconds(15), [&] { return cluster_.client("C")->Status().ok(); }));
  ASSERT_OK(Add("A", cluster_.node("C")->address()));
  ASSERT_OK(WaitMembers(cluster_.client("B"), "A member, B member self, C member"));
  ASSERT_OK(cluster_.WaitConverged());
  EXPECT_FALSE(cluster_.client("C")->Status()->removed());
  EXPECT_FALSE(cluster_.client("C")->Text("from C"));
  ASSERT_OK(cluster_.client("C")->Put("again", "1").status());
  EXPECT_OK(cluster_.WaitText("A", "again", "1", absl::Seconds(5)));
}

TEST_F(MemberTest, BadRequestsChangeNothing) {
  const std::string before = Members(cluster_.client("A"));
  const auto expect = [&](const absl::Status& status, absl::StatusCode code, const std::string& reason) {
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_EQ(ReasonOf(status), reason) << status;
  };
  expect(Add("A", "nonsense"), absl::StatusCode::kInvalidArgument, "ADDRESS_INVALID");
  expect(Add("A", ""), absl::StatusCode::kInvalidArgument, "ADDRESS_INVALID");
  expect(Add("A", "127.0.0.1:1", "no good"), absl::StatusCode::kInvalidArgument, "NODE_ID_INVALID");
  const int nobody = ReservePort().value();
  expect(Add("A", absl::StrCat("127.0.0.1:", nobody)), absl::StatusCode::kUnavailable, "MEMBER_UNREACHABLE");
  expect(Add("A", cluster_.node("B")->address()), absl::StatusCode::kAlreadyExists, "MEMBER_EXISTS");
  expect(Add("A", cluster_.node("A")->address()), absl::StatusCode::kAlreadyExists, "MEMBER_EXISTS");
  expect(Add("A", cluster_.node("B")->address(), "E"), absl::StatusCode::kFailedPrecondition,
         "MEMBER_MISMATCH");
  auto other = MakeNode("O", {"--cluster", "other"});
  other->set_peers({});
  ASSERT_OK(other->Start());
  expect(Add("A", other->address()), absl::StatusCode::kFailedPrecondition, "MEMBER_MISMATCH");
  expect(Add("A", other->address(), "O"), absl::StatusCode::kFailedPrecondition, "MEMBER_MISMATCH");
  expect(Remove("A", "X"), absl::StatusCode::kNotFound, "MEMBER_UNKNOWN");
  expect(Remove("A", ""), absl::StatusCode::kInvalidArgument, "NODE_ID_INVALID");
  expect(Remove("A", "A", Force::kYes), absl::StatusCode::kInvalidArgument, "MEMBER_IS_SELF");
  expect(Remove("A", "B"), absl::StatusCode::kFailedPrecondition, "MEMBER_IS_LIVE");
  EXPECT_EQ(Members(cluster_.client("A")), before);
  EXPECT_EQ(cluster_.client("A")->Status()->peers_size(), 2);
}

TEST_F(MemberTest, ALiveMemberIsRemovedByForce) {
  ASSERT_OK(cluster_.client("A")->Put("x", "1").status());
  ASSERT_OK(cluster_.WaitConverged());
  ASSERT_OK(Remove("A", "C", Force::kYes));
  EXPECT_OK(
      WaitFor("C to know", absl::Seconds(10), [&] { return cluster_.client("C")->Status()->removed(); }));
  ASSERT_OK(WaitMembers(cluster_.client("B"), "A member, B member self, C removed"));
  EXPECT_OK(WaitFor("C to list itself as removed", absl::Seconds(5), [&] {
    return Members(cluster_.client("C")).find("C removed self") != std::string::npos;
  }));
}

// A node that has not answered may be added by its id, and joins when it comes.
TEST_F(MemberTest, ANodeIsAddedBeforeItIsThere) {
  auto d = MakeNode("D");
  ASSERT_OK(Add("C", d->address(), "D"));
  ASSERT_OK(cluster_.client("A")->Put("x", "1").status());
  ASSERT_OK(WaitFor("A to wait for D", absl::Seconds(10), [&] {
    return cluster_.client("A")->Status()->peers_size() == 3 && cluster_.client("A")->Status()->stable() == 0;
  }));
  ASSERT_OK(d->Start());
  EXPECT_OK(WaitFor("D to have x", absl::Seconds(15), [&] { return d->client()->Text("x") == "1"; }));
  EXPECT_OK(
      WaitFor("stability", absl::Seconds(15), [&] { return cluster_.client("A")->Status()->stable() > 0; }));
}

}  // namespace
}  // namespace lamppost::testing
