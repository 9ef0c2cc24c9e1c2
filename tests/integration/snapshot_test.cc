// Snapshots of real nodes: saved under load, checked, restored.
#include <grpcpp/grpcpp.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lamppost/kv/v1/admin_service.grpc.pb.h"
#include "services/common/clock_metadata.h"
#include "services/common/error.h"
#include "services/common/grpc_status.h"
#include "services/kv/snapshot/snapshot_reader.h"
#include "tests/integration/testing/cluster.h"
#include "tests/integration/testing/lamppost_command.h"
#include "tests/integration/testing/ports.h"
#include "tests/integration/testing/wait.h"

namespace lamppost::testing {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::HasSubstr;

Finished Save(Node* node, const std::string& file) {
  return RunLamppost({"--node", node->address(), "-o", "json", "snapshot", "save", file});
}

// The values of a snapshot file, by key.
class Content : public kv::SnapshotSink {
 public:
  explicit Content(const std::string& bytes) {
    kv::SnapshotReader reader(this);
    EXPECT_OK(reader.Read(bytes));
    EXPECT_OK(reader.Finish());
  }
  absl::Status Begin(const kv::SnapshotHeader& header) override {
    heads_ = header.state.heads;
    return absl::OkStatus();
  }
  absl::Status Add(const std::string& key, kv::Version version) override {
    if (version.value) values_[key] = version.value->bytes;
    EXPECT_TRUE(heads_.Covers(version.timestamp)) << key;
    return absl::OkStatus();
  }
  const std::map<std::string, std::string>& values() const { return values_; }

 private:
  kv::Heads heads_;
  std::map<std::string, std::string> values_;
};

// A snapshot as any gRPC client has it.
class PlainSnapshot {
 public:
  explicit PlainSnapshot(Node* node, const kv::v1::SnapshotRequest& request = {},
                         absl::Duration limit = absl::Seconds(60))
      : stub_(kv::v1::AdminService::NewStub(node->client()->channel())) {
    context_.set_deadline(absl::ToChronoTime(absl::Now() + limit));
    reader_ = stub_->Snapshot(&context_, request);
  }
  ~PlainSnapshot() {
    if (!ended_) {
      context_.TryCancel();
      reader_->Finish().ok();
    }
  }

  bool Read() {
    kv::v1::SnapshotResponse message;
    if (!reader_->Read(&message)) return false;
    bytes_ += message.chunk();
    return true;
  }
  // Reads to the end.
  absl::Status End() {
    while (Read()) continue;
    ended_ = true;
    return FromGrpcStatus(reader_->Finish());
  }
  const std::string& bytes() const { return bytes_; }
  bool HasClock() const { return ClockFromTrailers(context_).has_value(); }

 private:
  const std::unique_ptr<kv::v1::AdminService::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<kv::v1::SnapshotResponse>> reader_;
  std::string bytes_;
  bool ended_ = false;
};

// Writes batches of two keys all the time, always the same value in both.
class PairWriter {
 public:
  explicit PairWriter(const std::string& address)
      : client_(address), thread_([this] {
          for (int i = 0; !stopped_; ++i) {
            const std::string pair = absl::StrCat("pair/", i % 500, "/");
            const std::string value = absl::StrCat(i, std::string(500, 'v'));
            if (client_.Write(Batch({{pair + "a", value}, {pair + "b", value}})).ok()) ++written_;
          }
        }) {}
  ~PairWriter() { Join(); }
  int written() const { return written_; }
  void Join() {
    stopped_ = true;
    if (thread_.joinable()) thread_.join();
  }

 private:
  KvClient client_;
  std::atomic<bool> stopped_{false};
  std::atomic<int> written_{0};
  std::thread thread_;
};

class Snapshot : public ::testing::Test {
 protected:
  // A node alone on a restored directory.
  std::unique_ptr<Node> NodeOn(const std::string& directory, const std::string& id) {
    NodeOptions options;
    options.id = id;
    options.port = ReservePort().value();
    options.data_directory = directory;
    return std::make_unique<Node>(options);
  }

  Cluster cluster_{{}};
  const std::string file_ = NewTestPath("snapshot");
};

TEST_F(Snapshot, SavedUnderLoadIsOfOneMoment) {
  ASSERT_OK(cluster_.StartAll());
  ASSERT_OK(cluster_.client("A")->Fill("fill", 5000, std::string(1000, 'f')));
  PairWriter here(cluster_.node("A")->address());
  PairWriter there(cluster_.node("B")->address());
  ASSERT_OK(WaitFor("some pairs", absl::Seconds(20), [&] { return here.written() > 200; }));
  for (int round = 0; round < 5; ++round) {
    const int before = here.written();
    const Finished saved = Save(cluster_.node("A"), file_);
    ASSERT_EQ(saved.exit_code, 0) << saved.err;
    const Content content(ReadFile(file_));
    int pairs = 0;
    for (const auto& [key, value] : content.values()) {
      if (key.back() != 'a' || key.rfind("pair/", 0) != 0) continue;
      ++pairs;
      EXPECT_EQ(content.values().at(key.substr(0, key.size() - 1) + "b"), value);
    }
    EXPECT_GT(pairs, 100);
    EXPECT_GT(here.written(), before);  // writes went on
    EXPECT_EQ(RunLamppost({"snapshot", "verify", file_}).exit_code, 0);
  }
}

TEST_F(Snapshot, VerifyTellsWhatItIsOfAndRestoreBringsItBack) {
  ASSERT_OK(cluster_.StartAll());
  ASSERT_OK(cluster_.client("B")->Fill("key", 3000, "value"));
  ASSERT_OK(cluster_.client("B")->Delete("key000007").status());
  ASSERT_OK(cluster_.WaitConverged());
  const auto status = cluster_.client("A")->Status();
  const Finished saved = Save(cluster_.node("A"), file_);
  ASSERT_EQ(saved.exit_code, 0) << saved.err;
  const Finished verified = RunLamppost({"-o", "json", "snapshot", "verify", file_});
  ASSERT_EQ(verified.exit_code, 0) << verified.err;
  const json facts = json::parse(verified.out);
  EXPECT_EQ(facts.at("cluster"), "lamppost");
  EXPECT_EQ(facts.at("node_id"), "A");
  EXPECT_EQ(facts.at("keys"), 2999);
  EXPECT_LE(facts.at("tombstones").get<uint64_t>(), 1u);  // until it is forgotten
  EXPECT_EQ(facts.at("content_hash"), status->content_hash());
  EXPECT_EQ(facts.at("bytes").get<uint64_t>(), fs::file_size(file_));
  EXPECT_THAT(RunLamppost({"snapshot", "verify", file_}).out, HasSubstr(status->content_hash()));

  // The whole cluster back to the snapshot: at each node.
  for (const std::string& id : cluster_.ids()) {
    ASSERT_OK(cluster_.client(id)->Put("key000001", "after the snapshot").status());
    ASSERT_EQ(cluster_.node(id)->Stop().value(), 0);
    cluster_.node(id)->WipeDisk();
    const Finished restored = RunLamppost(
        {"snapshot", "restore", file_, "--data-dir", cluster_.node(id)->data_directory(), "--id", id});
    ASSERT_EQ(restored.exit_code, 0) << restored.err;
  }
  ASSERT_OK(cluster_.StartAll());
  for (const std::string& id : cluster_.ids()) {
    EXPECT_EQ(cluster_.client(id)->Text("key000001"), "value") << id;
    EXPECT_FALSE(cluster_.client(id)->Text("key000007")) << id;
    EXPECT_EQ(cluster_.client(id)->Status()->keys(), 2999u) << id;
    EXPECT_EQ(cluster_.client(id)->Status()->content_hash(), status->content_hash()) << id;
  }
}

TEST_F(Snapshot, AnOldBackupOfOneNodeBringsNothingBack) {
  ASSERT_OK(cluster_.StartAll());
  ASSERT_OK(cluster_.client("A")->Fill("key", 1000, "value"));
  ASSERT_OK(cluster_.WaitConverged());
  ASSERT_EQ(Save(cluster_.node("C"), file_).exit_code, 0);
  const auto life_before = cluster_.client("C")->Status()->incarnation();
  // Everybody has it, so in time it is forgotten.
  for (int i = 0; i < 100; ++i) {
    ASSERT_OK(cluster_.client("A")->Delete(absl::StrCat("key000", absl::Dec(i, absl::kZeroPad3))).status());
  }
  ASSERT_OK(cluster_.client("B")->Put("key000500", "newer").status());
  ASSERT_OK(WaitFor("the deletions to be forgotten", absl::Seconds(30), [&] {
    for (const std::string& id : cluster_.ids()) {
      const auto status = cluster_.client(id)->Status();
      if (!status.ok() || status->tombstones() != 0) return false;
    }
    return true;
  }));
  cluster_.node("C")->Kill();
  cluster_.node("C")->WipeDisk();
  ASSERT_EQ(RunLamppost({"snapshot", "restore", file_, "--data-dir", cluster_.node("C")->data_directory(),
                         "--id", "C"})
                .exit_code,
            0);
  ASSERT_OK(cluster_.node("C")->Start());
  ASSERT_OK(cluster_.WaitConverged());
  EXPECT_GT(cluster_.client("C")->Status()->incarnation() >> 32, life_before >> 32);
  for (const std::string& id : cluster_.ids()) {
    EXPECT_EQ(cluster_.client(id)->Status()->keys(), 900u) << id;
    EXPECT_FALSE(cluster_.client(id)->Text("key000099")) << id;
    EXPECT_EQ(cluster_.client(id)->Text("key000500"), "newer") << id;
  }
}

TEST_F(Snapshot, IntoAClusterOfItsOwn) {
  ASSERT_OK(cluster_.node("A")->Start());
  ASSERT_OK(cluster_.client("A")->Put("x", "10").status());
  ASSERT_EQ(Save(cluster_.node("A"), file_).exit_code, 0);
  const std::string directory = NewTestPath("copy");
  const Finished restored = RunLamppost({"-o", "json", "snapshot", "restore", file_, "--data-dir", directory,
                                         "--id", "Z", "--cluster", "staging"});
  ASSERT_EQ(restored.exit_code, 0) << restored.err;
  EXPECT_EQ(json::parse(restored.out).at("restored").at("cluster"), "staging");
  const std::unique_ptr<Node> node = NodeOn(directory, "Z");
  ASSERT_OK(node->Launch());
  EXPECT_EQ(node->process()->Wait(absl::Seconds(20)).value(), 1);
  EXPECT_THAT(node->Log(), HasSubstr("reason=CLUSTER_MISMATCH"));
  *node->flags() = {"--cluster", "staging"};
  ASSERT_OK(node->Start());
  EXPECT_EQ(node->client()->Text("x"), "10");
}

TEST_F(Snapshot, DamagedFilesAreRefusedAndLeaveNothing) {
  ASSERT_OK(cluster_.node("A")->Start());
  ASSERT_OK(cluster_.client("A")->Fill("key", 2000, std::string(300, 'v')));
  ASSERT_EQ(Save(cluster_.node("A"), file_).exit_code, 0);
  const std::string sound = ReadFile(file_);
  const std::string directory = NewTestPath("data");
  const auto expect_refused = [&](const std::string& content, const std::string& reason) {
    std::ofstream(file_, std::ios::binary | std::ios::trunc) << content;
    const Finished verified = RunLamppost({"snapshot", "verify", file_});
    EXPECT_EQ(verified.exit_code, 3);
    EXPECT_THAT(verified.err, HasSubstr(reason));
    const Finished restored =
        RunLamppost({"snapshot", "restore", file_, "--data-dir", directory, "--id", "A"});
    EXPECT_EQ(restored.exit_code, 3);
    EXPECT_THAT(restored.err, HasSubstr(reason));
    EXPECT_FALSE(fs::exists(directory));
  };
  expect_refused(sound.substr(0, sound.size() / 2), "SNAPSHOT_DAMAGED");
  expect_refused(sound + "x", "SNAPSHOT_DAMAGED");
  // The magic, the header, a block, the footer.
  for (const size_t at : {size_t{0}, size_t{40}, sound.size() / 2, sound.size() - 12}) {
    std::string altered = sound;
    altered[at] = static_cast<char>(altered[at] ^ 4);
    expect_refused(altered, "SNAPSHOT_DAMAGED");
  }
  std::string later = sound;
  later[15] = 2;
  expect_refused(later, "SNAPSHOT_UNKNOWN_FORMAT");
}

TEST_F(Snapshot, NothingIsOverwritten) {
  ASSERT_OK(cluster_.node("A")->Start());
  ASSERT_OK(cluster_.client("A")->Put("x", "10").status());
  ASSERT_EQ(Save(cluster_.node("A"), file_).exit_code, 0);
  const Finished refused = RunLamppost(
      {"snapshot", "restore", file_, "--data-dir", cluster_.node("A")->data_directory(), "--id", "A"});
  EXPECT_EQ(refused.exit_code, 3);
  EXPECT_THAT(refused.err, HasSubstr("DATA_DIR_NOT_EMPTY"));
  EXPECT_EQ(cluster_.client("A")->Text("x"), "10");
  // A save that fails leaves the last one as it was, and nothing beside it.
  const std::string sound = ReadFile(file_);
  cluster_.node("A")->Kill();
  EXPECT_EQ(
      RunLamppost({"--node", cluster_.node("A")->address(), "--timeout", "500ms", "snapshot", "save", file_})
          .exit_code,
      3);
  EXPECT_EQ(ReadFile(file_), sound);
  EXPECT_EQ(RunLamppost({"snapshot", "verify", file_ + "-missing"}).exit_code, 2);
  EXPECT_EQ(RunLamppost({"snapshot", "save", "/no/such/folder/file"}).exit_code, 2);
  EXPECT_EQ(RunLamppost({"snapshot", "restore", file_, "--data-dir", NewTestPath("d"), "--id", "no name"})
                .exit_code,
            2);
}

TEST_F(Snapshot, IsNotOlderThanTheSessionAsksFor) {
  ASSERT_OK(cluster_.node("A")->Start());
  kv::v1::SnapshotRequest request;
  auto* head = request.mutable_session()->add_heads();
  head->mutable_origin()->set_node_id("Z");
  head->mutable_origin()->set_incarnation(uint64_t{1} << 32);
  head->set_counter(5);
  const auto ask = [&] { return PlainSnapshot(cluster_.node("A"), request, absl::Seconds(2)).End(); };
  EXPECT_EQ(ReasonOf(ask()), "SESSION_AHEAD");
  head->set_counter(0);
  EXPECT_EQ(ReasonOf(ask()), "SESSION_INVALID");
  request.clear_session();
  EXPECT_OK(ask());
}

TEST_F(Snapshot, AsManyAsThereMayBe) {
  constexpr int kCallsMax = 4;
  constexpr size_t kKeys = 16'000;
  ASSERT_OK(cluster_.node("A")->Start());
  // Far more than what can be on its way to a caller who does not read.
  ASSERT_OK(cluster_.client("A")->Fill("key", kKeys, std::string(2000, 'v')));
  std::vector<std::unique_ptr<PlainSnapshot>> snapshots;
  for (int i = 0; i < kCallsMax; ++i) {
    snapshots.push_back(std::make_unique<PlainSnapshot>(cluster_.node("A")));
    ASSERT_TRUE(snapshots.back()->Read());
  }
  PlainSnapshot refused(cluster_.node("A"));
  const absl::Status status = refused.End();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(status), "TOO_MANY_SNAPSHOTS");
  EXPECT_TRUE(RetryDelayMs(status).has_value());
  EXPECT_TRUE(refused.HasClock());
  EXPECT_EQ(refused.bytes(), "");
  const Finished saved =
      RunLamppost({"--node", cluster_.node("A")->address(), "--timeout", "1s", "snapshot", "save", file_});
  EXPECT_EQ(saved.exit_code, 3);
  EXPECT_THAT(saved.err, HasSubstr("TOO_MANY_SNAPSHOTS"));
  EXPECT_FALSE(fs::exists(file_));

  // One that has come to its end makes room, and so does one whose caller goes.
  EXPECT_OK(snapshots[0]->End());
  EXPECT_EQ(Content(snapshots[0]->bytes()).values().size(), kKeys);
  snapshots[1] = nullptr;
  for (int i = 0; i < 2; ++i) {
    EXPECT_OK(WaitFor("room for another", absl::Seconds(10), [&] {
      snapshots.push_back(std::make_unique<PlainSnapshot>(cluster_.node("A")));
      return snapshots.back()->Read();
    }));
  }
  // Those that have waited all the while go on.
  EXPECT_OK(snapshots[2]->End());
  EXPECT_EQ(Content(snapshots[2]->bytes()).values().size(), kKeys);
}

// What a new disk has got so far is no backup.
TEST_F(Snapshot, OfANodeThatFillsThereIsNone) {
  ClusterOptions options;
  options.links = Links::kProxied;
  Cluster cluster(options);
  ASSERT_OK(cluster.StartAll());
  ASSERT_OK(cluster.client("A")->Fill("key", 100, "value"));
  ASSERT_OK(cluster.WaitConverged());
  Node* const c = cluster.node("C");
  c->Kill();
  c->WipeDisk();
  // C can ask the others what they have, and they cannot give it.
  for (const std::string id : {"A", "B"}) cluster.link(id, "C")->SetMode(LinkProxy::Mode::kCut);
  ASSERT_OK(c->Start());
  ASSERT_OK(WaitFor("C to have a life", absl::Seconds(20), [&] {
    const auto status = c->client()->Status();
    return status.ok() && status->incarnation() != 0;
  }));
  EXPECT_EQ(ReasonOf(PlainSnapshot(c).End()), "REFILLING");
  EXPECT_OK(c->client()->Put("mine", "1").status()) << "it takes writes all the same";

  for (const std::string id : {"A", "B"}) cluster.link(id, "C")->SetMode(LinkProxy::Mode::kOpen);
  ASSERT_OK(cluster.WaitConverged());
  ASSERT_EQ(Save(c, file_).exit_code, 0);
  EXPECT_EQ(Content(ReadFile(file_)).values().size(), 101u);
}

// What is left of a damaged disk is the state of no moment.
TEST_F(Snapshot, OfANodeThatIsRefillingThereIsNone) {
  ClusterOptions options;
  options.links = Links::kProxied;
  Cluster cluster(options);
  ASSERT_OK(cluster.StartAll());
  ASSERT_OK(cluster.client("A")->Fill("key", 100, "value"));
  ASSERT_OK(cluster.WaitConverged());
  Node* const c = cluster.node("C");
  c->Kill();
  for (const std::string id : {"A", "B"}) cluster.SetBoth("C", id, LinkProxy::Mode::kCut);
  // As if it had found damage and been killed when the tables were set aside.
  std::ofstream(fs::path(c->data_directory()) / "SALVAGE").close();
  ASSERT_OK(c->Launch());
  ASSERT_OK(WaitFor("the salvaged node", absl::Seconds(30), [&] {
    const auto status = c->client()->Status();
    return status.ok() && status->refilling();
  }));
  PlainSnapshot refused(c);
  const absl::Status status = refused.End();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(status), "REFILLING");
  EXPECT_TRUE(RetryDelayMs(status).has_value());
  EXPECT_EQ(refused.bytes(), "");
  // The command asks the next node.
  const Finished elsewhere =
      RunLamppost({"--node", absl::StrCat(c->address(), ",", cluster.node("B")->address()), "-o", "json",
                   "snapshot", "save", file_});
  ASSERT_EQ(elsewhere.exit_code, 0) << elsewhere.err;
  EXPECT_EQ(json::parse(elsewhere.out).at("node_id"), "B");

  for (const std::string id : {"A", "B"}) cluster.SetBoth("C", id, LinkProxy::Mode::kOpen);
  ASSERT_OK(c->WaitServing());
  ASSERT_EQ(Save(c, file_).exit_code, 0);
  EXPECT_EQ(Content(ReadFile(file_)).values().size(), 100u);
}

}  // namespace
}  // namespace lamppost::testing
