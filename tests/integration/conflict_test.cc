// The conflict ledger on real nodes: what loses is listed by all, whoever settles it settles it for all, and
// bad input changes nothing.
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "lamppost/kv/v1/admin_service.grpc.pb.h"
#include "services/common/grpc_status.h"
#include "tests/integration/testing/cluster.h"
#include "tests/integration/testing/wait.h"

namespace lamppost::testing {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

class ConflictTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ClusterOptions options;
    options.links = Links::kProxied;
    cluster_ = std::make_unique<Cluster>(options);
    ASSERT_OK(cluster_->StartAll());
    ASSERT_OK(cluster_->WaitConverged());
  }

  void SetAll(LinkProxy::Mode mode) {
    cluster_->SetBoth("A", "B", mode);
    cluster_->SetBoth("A", "C", mode);
    cluster_->SetBoth("B", "C", mode);
  }

  // Each node writes the keys without the others' knowing.
  void Disagree(const std::vector<std::string>& keys, const std::vector<std::string>& ids) {
    SetAll(LinkProxy::Mode::kCut);
    for (const std::string& id : ids) {
      for (const std::string& key : keys)
        ASSERT_OK(cluster_->client(id)->Put(key, absl::StrCat("from ", id)).status());
    }
    SetAll(LinkProxy::Mode::kOpen);
    ASSERT_OK(cluster_->WaitConverged());
  }

  template <typename Request, typename Response>
  using Method = grpc::Status (kv::v1::AdminService::Stub::*)(grpc::ClientContext*, const Request&,
                                                              Response*);

  template <typename Request, typename Response>
  absl::StatusOr<Response> Ask(const std::string& id, Method<Request, Response> method,
                               const Request& request) {
    const auto stub = kv::v1::AdminService::NewStub(cluster_->client(id)->channel());
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(10)));
    Response response;
    const absl::Status status = FromGrpcStatus((stub.get()->*method)(&context, request, &response));
    if (!status.ok()) return status;
    return response;
  }

  absl::StatusOr<kv::v1::ListConflictsResponse> List(const std::string& id,
                                                     const kv::v1::ListConflictsRequest& request = {}) {
    return Ask(id, &kv::v1::AdminService::Stub::ListConflicts, request);
  }
  absl::StatusOr<kv::v1::ResolveConflictResponse> Resolve(const std::string& id,
                                                          const kv::v1::ResolveConflictRequest& request) {
    return Ask(id, &kv::v1::AdminService::Stub::ResolveConflict, request);
  }

  // The conflicts of a node, without its clock.
  std::string Ledger(const std::string& id) {
    auto list = List(id);
    EXPECT_OK(list.status());
    if (!list.ok()) return "";
    list->clear_clock();
    return list->DebugString();
  }

  std::unique_ptr<Cluster> cluster_;
};

TEST_F(ConflictTest, AllNodesListTheSameLosers) {
  Disagree({"x", "y"}, {"A", "B", "C"});
  const auto list = List("B");
  ASSERT_OK(list.status());
  ASSERT_THAT(list->conflicts(), SizeIs(4)) << "of each key two have lost";
  // Not always the same node for both: between its two writes a node's clock may tick.
  std::map<std::string, std::string> winners;
  for (const char* key : {"x", "y"}) winners[key] = *cluster_->client("A")->Text(key);
  for (const kv::v1::Conflict& conflict : list->conflicts()) {
    const std::string author = conflict.loser().version().node_id();
    EXPECT_EQ(conflict.loser().value().text(), absl::StrCat("from ", author));
    EXPECT_EQ(conflict.resolution(), kv::v1::CONFLICT_RESOLUTION_OPEN);
    EXPECT_NE(conflict.decided_by(), kv::v1::CONFLICT_RULE_UNSPECIFIED);
    EXPECT_GT(conflict.found_at().seconds(), 1'700'000'000);
    EXPECT_NE(conflict.loser().value().text(), winners[conflict.key()]) << conflict.key();
  }
  EXPECT_EQ(list->dropped(), 0u);
  EXPECT_EQ(Ledger("A"), Ledger("B"));
  EXPECT_EQ(Ledger("C"), Ledger("B"));
  const auto status = cluster_->client("C")->Status();
  EXPECT_EQ(status->ledger_entries(), 4u);
  EXPECT_EQ(status->ledger_open(), 4u);
  EXPECT_EQ(status->keys(), 2u) << "the ledger is no key";
  ASSERT_THAT(cluster_->client("A")->Everything().value(), SizeIs(2));
}

TEST_F(ConflictTest, PageByPageAndByKey) {
  Disagree({"a", "b", "c"}, {"A", "B"});
  kv::v1::ListConflictsRequest request;
  request.set_page_size(2);
  const auto first = List("A", request);
  ASSERT_OK(first.status());
  EXPECT_THAT(first->conflicts(), SizeIs(2));
  request.set_page_token(first->next_page_token());
  const auto second = List("C", request);
  ASSERT_OK(second.status());
  EXPECT_THAT(second->conflicts(), SizeIs(1));
  EXPECT_THAT(second->next_page_token(), IsEmpty());
  request.Clear();
  request.set_key("b");
  ASSERT_THAT(List("C", request)->conflicts(), SizeIs(1));
  EXPECT_EQ(List("C", request)->conflicts(0).key(), "b");
}

TEST_F(ConflictTest, WhoeverSettlesItSettlesItForAll) {
  Disagree({"x", "y", "z"}, {"A", "B"});
  kv::v1::ListConflictsRequest of_x;
  of_x.set_key("x");
  const auto before = List("A", of_x);
  ASSERT_OK(before.status());
  ASSERT_THAT(before->conflicts(), SizeIs(1));
  kv::v1::ResolveConflictRequest request;
  request.set_key("x");
  request.set_keep_loser(true);
  request.set_request_id("once");
  const auto resolved = Resolve("C", request);
  ASSERT_OK(resolved.status());
  EXPECT_EQ(resolved->resolved(), 1u);
  EXPECT_FALSE(resolved->has_more());
  request.clear_request_id();
  request.set_key("y");
  request.mutable_value()->set_text("both");
  ASSERT_OK(Resolve("A", request).status());
  request.set_key("z");
  request.set_keep_winner(true);
  const std::string z = *cluster_->client("B")->Text("z");
  ASSERT_OK(Resolve("B", request).status());
  ASSERT_OK(cluster_->WaitConverged());
  EXPECT_EQ(cluster_->client("B")->Text("x"), before->conflicts(0).loser().value().text());
  EXPECT_EQ(cluster_->client("B")->Text("y"), "both");
  EXPECT_EQ(cluster_->client("B")->Text("z"), z);
  kv::v1::ListConflictsRequest open;
  open.set_open_only(true);
  for (const std::string& id : cluster_->ids()) {
    EXPECT_THAT(List(id, open)->conflicts(), IsEmpty()) << id;
    EXPECT_EQ(cluster_->client(id)->Status()->ledger_open(), 0u);
    EXPECT_EQ(Ledger(id), Ledger("A"));
  }
  const auto list = List("B", of_x);
  EXPECT_EQ(list->conflicts(0).resolution(), kv::v1::CONFLICT_RESOLUTION_LOSER);
  // The same request again, at another node even, writes nothing.
  request.Clear();
  request.set_key("x");
  request.set_keep_loser(true);
  request.set_request_id("once");
  const auto again = Resolve("A", request);
  ASSERT_OK(again.status());
  EXPECT_TRUE(again->replayed());
  EXPECT_EQ(again->version().counter(), resolved->version().counter());
}

TEST_F(ConflictTest, SurvivesARestartAndANodeThatWasAway) {
  EXPECT_EQ(cluster_->node("C")->Stop().value(), 0);
  SetAll(LinkProxy::Mode::kCut);
  ASSERT_OK(cluster_->client("A")->Put("x", "from A").status());
  ASSERT_OK(cluster_->client("B")->Put("x", "from B").status());
  SetAll(LinkProxy::Mode::kOpen);
  ASSERT_OK(WaitFor("both list it", absl::Seconds(20),
                    [&] { return List("A")->conflicts_size() == 1 && List("B")->conflicts_size() == 1; }));
  cluster_->node("A")->Kill();
  ASSERT_OK(cluster_->node("A")->Start());
  ASSERT_OK(cluster_->node("C")->Start());
  ASSERT_OK(cluster_->WaitConverged());
  EXPECT_THAT(List("C")->conflicts(), SizeIs(1));
  EXPECT_EQ(Ledger("C"), Ledger("A"));
  EXPECT_EQ(cluster_->client("C")->Status()->ledger_open(), 1u);
}

TEST_F(ConflictTest, AWatchTellsOfThem) {
  kv::v1::WatchRequest request;
  request.set_conflicts(true);
  request.set_key("x");
  request.mutable_session();
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(30)));
  const auto reader = cluster_->client("C")->stub()->Watch(&context, request);
  Disagree({"w", "x"}, {"A", "B"});
  kv::v1::WatchResponse response;
  while (response.events().empty() && reader->Read(&response)) continue;
  ASSERT_THAT(response.events(), SizeIs(1));
  EXPECT_EQ(response.events(0).key(), "x");
  EXPECT_EQ(response.events(0).conflict().resolution(), kv::v1::CONFLICT_RESOLUTION_OPEN);
  kv::v1::ResolveConflictRequest resolve;
  resolve.set_key("x");
  resolve.set_keep_winner(true);
  ASSERT_OK(Resolve("A", resolve).status());
  const auto is_told = [&] {
    for (const kv::v1::WatchEvent& event : response.events()) {
      if (event.conflict().resolution() == kv::v1::CONFLICT_RESOLUTION_WINNER) return true;
    }
    return false;
  };
  while (!is_told() && reader->Read(&response)) continue;
  EXPECT_TRUE(is_told());
  context.TryCancel();
  while (reader->Read(&response)) continue;
  (void)reader->Finish();
}

TEST_F(ConflictTest, BadInputIsRefusedAndChangesNothing) {
  Disagree({"x"}, {"A", "B", "C"});
  const std::string ledger = Ledger("A");
  const auto hash = cluster_->client("A")->Status()->content_hash();
  const auto expect = [&](const kv::v1::ResolveConflictRequest& request, absl::StatusCode code,
                          const std::string& reason) {
    const auto refused = Resolve("A", request);
    EXPECT_EQ(refused.status().code(), code) << reason;
    EXPECT_EQ(ReasonOf(refused.status()), reason);
  };
  const auto with = [](const std::string& key) {
    kv::v1::ResolveConflictRequest request;
    request.set_key(key);
    request.set_keep_loser(true);
    return request;
  };
  expect(with("x"), absl::StatusCode::kFailedPrecondition, "CONFLICT_AMBIGUOUS");
  expect(with("y"), absl::StatusCode::kNotFound, "CONFLICT_UNKNOWN");
  expect(with(""), absl::StatusCode::kInvalidArgument, "KEY_EMPTY");
  expect(with(std::string(1025, 'k')), absl::StatusCode::kInvalidArgument, "KEY_TOO_LONG");
  kv::v1::ResolveConflictRequest request = with("x");
  request.mutable_loser()->set_counter(1);
  expect(request, absl::StatusCode::kNotFound, "CONFLICT_UNKNOWN");
  request = with("x");
  request.set_keep_loser(false);
  expect(request, absl::StatusCode::kInvalidArgument, "RESOLUTION_MISSING");
  request.mutable_value();
  expect(request, absl::StatusCode::kInvalidArgument, "VALUE_MISSING");
  request.mutable_value()->set_text(std::string((1 << 20) + 1, 'v'));
  expect(request, absl::StatusCode::kInvalidArgument, "VALUE_TOO_LARGE");
  request = with("x");
  request.set_request_id("with space");
  expect(request, absl::StatusCode::kInvalidArgument, "REQUEST_ID_INVALID");
  request.clear_request_id();
  request.set_replicas(4);
  expect(request, absl::StatusCode::kInvalidArgument, "REPLICAS_TOO_MANY");
  kv::v1::ListConflictsRequest list;
  list.set_page_token("no token");
  EXPECT_EQ(ReasonOf(List("A", list).status()), "PAGE_TOKEN_INVALID");
  list.Clear();
  list.set_key(std::string(1025, 'k'));
  EXPECT_EQ(ReasonOf(List("A", list).status()), "KEY_TOO_LONG");
  kv::v1::PutRequest put;
  put.set_key(std::string("\0conflict/x", 11));
  put.mutable_value()->set_text("v");
  EXPECT_EQ(ReasonOf(cluster_->client("A")->Put(put).status()), "KEY_HAS_NUL") << "nobody writes it by hand";
  EXPECT_EQ(Ledger("A"), ledger);
  EXPECT_EQ(cluster_->client("A")->Status()->content_hash(), hash);
}

}  // namespace
}  // namespace lamppost::testing
