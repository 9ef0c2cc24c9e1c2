// Streams that are open when their callers are taken out: each ends before its next message, with the error
// that a new call would get.
#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lamppost/kv/v1/admin_service.grpc.pb.h"
#include "lamppost/kv/v1/replication_service.grpc.pb.h"
#include "services/common/error.h"
#include "services/common/grpc_status.h"
#include "services/kv/server/sync_checksum.h"
#include "tests/integration/testing/cluster.h"
#include "tests/integration/testing/tls_files.h"
#include "tests/integration/testing/wait.h"

namespace lamppost::testing {
namespace {

namespace v1 = kv::v1;

constexpr absl::Duration kPatience = absl::Seconds(30);

// A client of a node, and a call of it that lasts.
struct Caller {
  Caller(Node* node, const KvClient::Credentials& credentials) : client(node->ClientWith(credentials)) {
    context.set_deadline(absl::ToChronoTime(absl::Now() + kPatience));
  }
  std::unique_ptr<KvClient> client;
  grpc::ClientContext context;
};

std::string ReasonOf(const grpc::Status& status) {
  return ErrorReason(FromGrpcStatus(status));
}

class TlsStreams : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(
        tls_.Init({"node/A=127.0.0.1", "user/ops=admin", "user/guest=read,write", "user/looker=admin"}));
    ASSERT_OK(other_.Init({"node/B=127.0.0.1", "user/other=read"}));
    tls_.Replace("ca.crt", absl::StrCat(tls_.Text("ca.crt"), other_.Text("ca.crt")));
    ClusterOptions options;
    options.ids = {"A"};
    options.flags = {"--log-level", "info", "--listen", "127.0.0.1"};
    options.tls_directory = tls_.path();
    options.credentials = tls_.Showing("user-ops");
    cluster_ = std::make_unique<Cluster>(options);
    ASSERT_OK(cluster_->StartAll());
  }
  Node* node() { return cluster_->node("A"); }
  KvClient::Credentials Token(const std::string& user) { return tls_.WithToken(tls_.Token(user)); }
  std::string ReasonOfGet(const KvClient::Credentials& credentials) {
    return ErrorReason(node()->ClientWith(credentials)->Get("x").status());
  }
  void TakeOut(const std::string& user) {
    tls_.TakeOut({user});
    ASSERT_OK(WaitFor("the user to be refused", kPatience,
                      [&] { return ReasonOfGet(Token(user)) == "TOKEN_UNKNOWN"; }));
  }

  TlsDirectory tls_;
  TlsDirectory other_;
  std::unique_ptr<Cluster> cluster_;
};

TEST_F(TlsStreams, AWatchHearsNoMore) {
  Caller guest(node(), Token("guest"));
  v1::WatchRequest request;
  const auto watch = guest.client->stub()->Watch(&guest.context, request);
  v1::WatchResponse message;
  ASSERT_TRUE(watch->Read(&message)) << watch->Finish().error_message();
  TakeOut("guest");
  ASSERT_OK(cluster_->client("A")->Put("secret", "1").status());
  while (watch->Read(&message)) EXPECT_EQ(message.events_size(), 0) << message.DebugString();
  EXPECT_EQ(ReasonOf(watch->Finish()), "TOKEN_UNKNOWN");
}

TEST_F(TlsStreams, ABulkWriteWritesNoMore) {
  Caller guest(node(), Token("guest"));
  const auto bulk = guest.client->stub()->BulkWrite(&guest.context);
  v1::BulkWriteResponse answer;
  const auto write = [&bulk](uint64_t sequence, const std::string& key) {
    v1::BulkWriteRequest batch;
    batch.set_sequence(sequence);
    v1::PutOperation* put = batch.add_operations()->mutable_put();
    put->set_key(key);
    put->mutable_value()->set_text("1");
    return bulk->Write(batch);
  };
  ASSERT_TRUE(write(1, "before"));
  ASSERT_TRUE(bulk->Read(&answer)) << bulk->Finish().error_message();
  TakeOut("guest");
  write(2, "after");
  EXPECT_FALSE(bulk->Read(&answer));
  EXPECT_EQ(ReasonOf(bulk->Finish()), "TOKEN_UNKNOWN");
  EXPECT_EQ(cluster_->client("A")->Text("before"), "1");
  EXPECT_EQ(cluster_->client("A")->Text("after"), std::nullopt);
}

TEST_F(TlsStreams, ATraceShowsNoMore) {
  Caller looker(node(), Token("looker"));
  const auto admin = v1::AdminService::NewStub(looker.client->channel());
  const auto trace = admin->Trace(&looker.context, {});
  v1::TraceResponse message;
  ASSERT_TRUE(trace->Read(&message)) << trace->Finish().error_message();
  TakeOut("looker");
  ASSERT_OK(cluster_->client("A")->Put("secret", "1").status());
  while (trace->Read(&message)) EXPECT_EQ(message.events_size(), 0) << message.DebugString();
  EXPECT_EQ(ReasonOf(trace->Finish()), "TOKEN_UNKNOWN");
}

// More than the connection's buffers hold, so that there is something left to refuse.
TEST_F(TlsStreams, ASnapshotIsBrokenOff) {
  for (char key = 'a'; key <= 'p'; ++key)
    ASSERT_OK(cluster_->client("A")->Put(std::string(1, key), std::string(900'000, key)).status());
  Caller looker(node(), Token("looker"));
  const auto admin = v1::AdminService::NewStub(looker.client->channel());
  const auto snapshot = admin->Snapshot(&looker.context, {});
  v1::SnapshotResponse message;
  ASSERT_TRUE(snapshot->Read(&message)) << snapshot->Finish().error_message();
  TakeOut("looker");
  while (snapshot->Read(&message)) {
  }
  EXPECT_EQ(ReasonOf(snapshot->Finish()), "TOKEN_UNKNOWN");
}

TEST_F(TlsStreams, APeersLinkEndsWithItsAuthority) {
  Caller peer(node(), tls_.ShowingOneOf(other_, "node-B"));
  const auto stub = v1::ReplicationService::NewStub(peer.client->channel());
  const auto link = stub->Sync(&peer.context);
  v1::SyncRequest greeting;
  greeting.mutable_clock()->set_node_id("B");
  greeting.mutable_clock()->set_counter(1);
  greeting.set_cluster("lamppost");
  greeting.set_checksum(kv::ChecksumOf(greeting));
  ASSERT_TRUE(link->Write(greeting));
  v1::SyncResponse answer;
  ASSERT_TRUE(link->Read(&answer)) << link->Finish().error_message();

  const std::string both = tls_.Text("ca.crt");
  tls_.Replace("ca.crt", both.substr(0, both.size() - other_.Text("ca.crt").size()));
  ASSERT_OK(WaitFor("the other authority to be refused", kPatience, [&] {
    return ReasonOfGet(tls_.ShowingOneOf(other_, "user-other")) == "CERTIFICATE_REFUSED";
  }));
  link->Write(greeting);
  while (link->Read(&answer)) {
  }
  EXPECT_EQ(ReasonOf(link->Finish()), "CERTIFICATE_REFUSED");
}

// B believes A as before, so it is A alone that ends what it has called.
TEST_F(TlsStreams, ALinkToAPeerEndsWithThatPeersAuthority) {
  ASSERT_OK(tls_.Init({"node/B=127.0.0.1"}));
  tls_.Replace("ca-A.crt", tls_.Text("ca.crt"));
  ClusterOptions options;
  options.ids = {"A", "B"};
  options.flags = {"--log-level", "info", "--listen", "127.0.0.1"};
  options.tls_directory = tls_.path();
  options.credentials = Token("ops");
  Cluster cluster(options);
  for (std::string& flag : *cluster.node("A")->flags()) {
    if (absl::EndsWith(flag, "/ca.crt")) flag = tls_.Path("ca-A.crt");
  }
  ASSERT_OK(cluster.StartAll());
  ASSERT_OK(cluster.WaitConverged());
  tls_.Replace("ca-A.crt", other_.Text("ca.crt"));
  int number = 0;
  ASSERT_OK(WaitFor("A to be without B", kPatience, [&] {
    cluster.client("A")->Put("x", absl::StrCat(++number)).status().IgnoreError();
    return cluster.PeerOf("A", "B").state() == v1::PEER_STATE_DOWN;
  }));
  ASSERT_OK(cluster.client("A")->Put("secret", "1").status());
  EXPECT_EQ(cluster.client("B")->Text("secret"), std::nullopt);
  tls_.Replace("ca-A.crt", tls_.Text("ca.crt"));
  EXPECT_OK(cluster.WaitText("B", "secret", "1", kPatience));
}

}  // namespace
}  // namespace lamppost::testing
