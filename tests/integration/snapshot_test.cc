// Snapshots of real nodes: saved under load, checked, restored.
#include <grpcpp/grpcpp.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lamppost/kv/v1/admin_service.grpc.pb.h"
#include "services/common/grpc_status.h"
#include "services/kv/snapshot/snapshot_reader.h"
#include "tests/integration/testing/cluster.h"
#include "tests/integration/testing/ports.h"
#include "tests/integration/testing/wait.h"

namespace lamppost::testing {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::HasSubstr;

Finished RunCli(const std::vector<std::string>& words) {
  ProcessOptions options;
  options.command = {"clients/cli/lamppost"};
  options.command.insert(options.command.end(), words.begin(), words.end());
  options.environment = {{"LAMPPOST_NODE", ""}};
  return RunToEnd(options, absl::Seconds(60));
}

Finished Save(Node* node, const std::string& file) {
  return RunCli({"--node", node->address(), "-o", "json", "snapshot", "save", file});
}

// The values of a file, by key.
class Content : public kv::SnapshotSink {
 public:
  explicit Content(const std::string& file) {
    kv::SnapshotReader reader(this);
    EXPECT_OK(reader.Read(ReadFile(file)));
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
    const Content content(file_);
    int pairs = 0;
    for (const auto& [key, value] : content.values()) {
      if (key.back() != 'a' || key.rfind("pair/", 0) != 0) continue;
      ++pairs;
      EXPECT_EQ(content.values().at(key.substr(0, key.size() - 1) + "b"), value);
    }
    EXPECT_GT(pairs, 100);
    EXPECT_GT(here.written(), before);  // writes went on
    EXPECT_EQ(RunCli({"snapshot", "verify", file_}).exit_code, 0);
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
  const Finished verified = RunCli({"-o", "json", "snapshot", "verify", file_});
  ASSERT_EQ(verified.exit_code, 0) << verified.err;
  const json facts = json::parse(verified.out);
  EXPECT_EQ(facts.at("cluster"), "lamppost");
  EXPECT_EQ(facts.at("node_id"), "A");
  EXPECT_EQ(facts.at("keys"), 2999);
  EXPECT_LE(facts.at("tombstones").get<uint64_t>(), 1u);  // until it is forgotten
  EXPECT_EQ(facts.at("content_hash"), status->content_hash());
  EXPECT_EQ(facts.at("bytes").get<uint64_t>(), fs::file_size(file_));
  EXPECT_THAT(RunCli({"snapshot", "verify", file_}).out, HasSubstr(status->content_hash()));

  // The whole cluster back to the snapshot: at each node.
  for (const std::string& id : cluster_.ids()) {
    ASSERT_OK(cluster_.client(id)->Put("key000001", "after the snapshot").status());
    ASSERT_EQ(cluster_.node(id)->Stop().value(), 0);
    cluster_.node(id)->WipeDisk();
    const Finished restored =
        RunCli({"snapshot", "restore", file_, "--data-dir", cluster_.node(id)->data_directory(), "--id", id});
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
  ASSERT_EQ(
      RunCli({"snapshot", "restore", file_, "--data-dir", cluster_.node("C")->data_directory(), "--id", "C"})
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
  const Finished restored = RunCli({"-o", "json", "snapshot", "restore", file_, "--data-dir", directory,
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
    const Finished verified = RunCli({"snapshot", "verify", file_});
    EXPECT_EQ(verified.exit_code, 3);
    EXPECT_THAT(verified.err, HasSubstr(reason));
    const Finished restored = RunCli({"snapshot", "restore", file_, "--data-dir", directory, "--id", "A"});
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
  const Finished refused =
      RunCli({"snapshot", "restore", file_, "--data-dir", cluster_.node("A")->data_directory(), "--id", "A"});
  EXPECT_EQ(refused.exit_code, 3);
  EXPECT_THAT(refused.err, HasSubstr("DATA_DIR_NOT_EMPTY"));
  EXPECT_EQ(cluster_.client("A")->Text("x"), "10");
  // A save that fails leaves the last one as it was, and nothing beside it.
  const std::string sound = ReadFile(file_);
  cluster_.node("A")->Kill();
  EXPECT_EQ(RunCli({"--node", cluster_.node("A")->address(), "--timeout", "500ms", "snapshot", "save", file_})
                .exit_code,
            3);
  EXPECT_EQ(ReadFile(file_), sound);
  EXPECT_EQ(RunCli({"snapshot", "verify", file_ + "-missing"}).exit_code, 2);
  EXPECT_EQ(RunCli({"snapshot", "save", "/no/such/folder/file"}).exit_code, 2);
  EXPECT_EQ(
      RunCli({"snapshot", "restore", file_, "--data-dir", NewTestPath("d"), "--id", "no name"}).exit_code, 2);
}

TEST_F(Snapshot, IsNotOlderThanTheSessionAsksFor) {
  ASSERT_OK(cluster_.node("A")->Start());
  kv::v1::SnapshotRequest request;
  auto* head = request.mutable_session()->add_heads();
  head->mutable_origin()->set_node_id("Z");
  head->mutable_origin()->set_incarnation(uint64_t{1} << 32);
  head->set_counter(5);
  const auto ask = [&] {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(2));
    const auto stub = kv::v1::AdminService::NewStub(cluster_.client("A")->channel());
    const auto reader = stub->Snapshot(&context, request);
    kv::v1::SnapshotResponse message;
    while (reader->Read(&message)) {
    }
    return FromGrpcStatus(reader->Finish());
  };
  EXPECT_EQ(ReasonOf(ask()), "SESSION_AHEAD");
  head->set_counter(0);
  EXPECT_EQ(ReasonOf(ask()), "SESSION_INVALID");
  request.clear_session();
  EXPECT_OK(ask());
}

}  // namespace
}  // namespace lamppost::testing
