// Bits flipped on a node's disk: found, never served, and healed from the other nodes.
#include <rocksdb/db.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/kv/core/testing/lose_version.h"
#include "services/kv/storage/rocksdb_storage.h"
#include "tests/integration/testing/cluster.h"
#include "tests/integration/testing/wait.h"

namespace lamppost::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kFills = 12;
constexpr int kKeysPerFill = 1000;
constexpr int kDeleted = 500;  // of the first fill

std::string ValueOf(int fill) {
  return absl::StrCat("value ", fill, " ", std::string(400, static_cast<char>('a' + fill)));
}
std::string PrefixOf(int fill) {
  return absl::StrCat("fill", std::string(1, static_cast<char>('a' + fill)), "-");
}

ClusterOptions OptionsFor(const std::string& scrub_interval, Links links = Links::kDirect) {
  ClusterOptions options;
  options.links = links;
  options.flags = {"--memtable-bytes", "1048576", "--scrub-interval", scrub_interval};
  return options;
}

std::vector<fs::path> TablesOf(Node* node) {
  std::vector<fs::path> tables;
  for (const fs::directory_entry& entry : fs::directory_iterator(node->data_directory())) {
    if (entry.path().extension() == ".sst") tables.push_back(entry.path());
  }
  return tables;
}

fs::path LargestTable(Node* node) {
  fs::path largest;
  uintmax_t size = 0;
  for (const fs::path& table : TablesOf(node)) {
    std::error_code gone;  // compacted away just now
    const uintmax_t bytes = fs::file_size(table, gone);
    if (!gone && bytes > size) {
      size = bytes;
      largest = table;
    }
  }
  return largest;
}

// One bit, in the middle of the file, in place. False: the file went away meanwhile.
bool FlipBit(const fs::path& path) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(0, std::ios::end);
  const std::streamoff middle = file.tellg() / 2;
  file.seekg(middle);
  const char byte = static_cast<char>(file.get());
  file.seekp(middle);
  file.put(static_cast<char>(byte ^ 1));
  return file.flush().good() && fs::exists(path);
}

// Flips a bit of a table, and of another one if the first is gone (a compaction had read it before, or a read
// has found it, and it was set aside) and the node serves again, until the node's log has `text`.
absl::Status DamageUntilLogged(Node* node, const std::string& text) {
  fs::path hit;
  return WaitFor(absl::StrCat("the log to say: ", text), absl::Seconds(60), [&] {
    if (absl::StrContains(node->Log(), text)) return true;
    if (!fs::exists(hit) && node->client()->IsServing("lamppost.kv.v1.KvService")) {
      const fs::path table = LargestTable(node);
      if (FlipBit(table)) hit = table;
    }
    return false;
  });
}

// Reads a node all the time: whatever comes is what was written, or an error.
class Reader {
 public:
  explicit Reader(const std::string& address) : client_(address), thread_([this] { Run(); }) {}
  ~Reader() { Join(); }
  void Join() {
    stopped_ = true;
    if (thread_.joinable()) thread_.join();
  }
  int wrong() const { return wrong_; }
  int right() const { return right_; }

 private:
  void Run() {
    for (int i = 0; !stopped_; ++i) {
      const int fill = i % kFills;
      if (fill == 0 && i * 7 % kKeysPerFill == kDeleted) continue;
      const auto got =
          client_.Get(absl::StrCat(PrefixOf(fill), "000", absl::Dec(i * 7 % kKeysPerFill, absl::kZeroPad3)));
      if (!got.ok()) continue;
      ++(got->found() && got->value().text() == ValueOf(fill) ? right_ : wrong_);
    }
  }

  KvClient client_;
  std::atomic<bool> stopped_{false};
  std::atomic<int> wrong_{0};
  std::atomic<int> right_{0};
  std::thread thread_;
};

class Damage : public ::testing::Test {
 protected:
  void Start(const ClusterOptions& options) {
    cluster_ = std::make_unique<Cluster>(options);
    ASSERT_OK(cluster_->StartAll());
    for (int fill = 0; fill < kFills; ++fill) {
      ASSERT_OK(cluster_->client("A")->Fill(PrefixOf(fill), kKeysPerFill, ValueOf(fill)));
    }
    ASSERT_OK(cluster_->client("B")->Delete(absl::StrCat(PrefixOf(0), "000", kDeleted)).status());
    ASSERT_OK(cluster_->WaitConverged());
    ASSERT_FALSE(LargestTable(cluster_->node("C")).empty());
  }
  Node* c() { return cluster_->node("C"); }
  void WaitForLog(const std::string& text) {
    ASSERT_OK(WaitFor(absl::StrCat("the log to say: ", text), absl::Seconds(60),
                      [&] { return absl::StrContains(c()->Log(), text); }));
  }
  void ReadEverythingAt(const std::string& id) { cluster_->client(id)->Everything().status().IgnoreError(); }
  // All nodes hold the same, and it is what was written.
  void ExpectHealed() {
    // It may still be about to find that it is damaged.
    ASSERT_OK(WaitFor("everything to be readable at C", absl::Seconds(60),
                      [&] { return cluster_->client("C")->Everything().ok(); }));
    ASSERT_OK(c()->WaitServing(absl::Seconds(60)));
    ASSERT_OK(cluster_->WaitConverged(absl::Seconds(60)));
    const auto expected = cluster_->client("A")->Everything();
    ASSERT_OK(expected.status());
    EXPECT_EQ(expected->size(), static_cast<size_t>(kFills * kKeysPerFill - 1 + more_keys_));
    for (const std::string id : {"B", "C"}) {
      const auto everything = cluster_->client(id)->Everything();
      ASSERT_OK(everything.status());
      EXPECT_TRUE(*everything == *expected) << id;
    }
    EXPECT_FALSE(cluster_->client("C")->Status()->refilling());
    EXPECT_THAT(c()->Log(), Not(HasSubstr("cannot start")));
    EXPECT_FALSE(fs::exists(fs::path(c()->data_directory()) / "SALVAGE"));
  }

  std::unique_ptr<Cluster> cluster_;
  int more_keys_ = 0;
};

TEST_F(Damage, IsFoundByTheScrubAndHealed) {
  Start(OptionsFor("1s"));
  // In a table, or, if the bit was flipped when it was past that, in what is read of the contents.
  ASSERT_OK(DamageUntilLogged(c(), "the scrub has found"));
  WaitForLog("a damaged table is set aside");
  ExpectHealed();
}

TEST_F(Damage, OfARunningNodeIsNeverServed) {
  Start(OptionsFor("1s"));
  const int port = c()->port();
  const pid_t process = c()->process()->pid();
  Reader reader(c()->address());
  ASSERT_OK(WaitFor("some reads", absl::Seconds(20), [&] { return reader.right() > 100; }));
  ASSERT_OK(DamageUntilLogged(c(), "a damaged table is set aside"));
  ASSERT_OK(cluster_->client("A")->Put("meanwhile", "1").status());
  more_keys_ = 1;
  ExpectHealed();
  const int before = reader.right();
  EXPECT_OK(WaitFor("more reads", absl::Seconds(20), [&] { return reader.right() > before + 100; }));
  reader.Join();
  EXPECT_EQ(reader.wrong(), 0);
  EXPECT_EQ(c()->port(), port);
  EXPECT_EQ(c()->process()->pid(), process);
  EXPECT_TRUE(c()->process()->IsRunning());
  int kept = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator(c()->data_directory() + "/lost")) ++kept;
  EXPECT_GE(kept, 1);
  EXPECT_EQ(c()->Stop().value(), 0);  // signals still work
}

TEST_F(Damage, IsFoundByAReadAndHealed) {
  Start(OptionsFor("0"));
  // What is in a cache is read from there, and a compaction may be at work: stopped, it is neither.
  ASSERT_EQ(c()->Stop().value(), 0);
  ASSERT_TRUE(FlipBit(LargestTable(c())));
  ASSERT_OK(c()->Start());
  ReadEverythingAt("C");
  WaitForLog("a damaged table is set aside");
  ExpectHealed();
}

// Another value than was written, in a table that is sound: the damage came before the checksum.
TEST_F(Damage, ThatTheTablesCannotTellIsFoundAndHealed) {
  Start(OptionsFor("1s"));
  ASSERT_EQ(c()->Stop().value(), 0);
  const std::string key = PrefixOf(3) + "000123";
  {
    rocksdb::DB* opened = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open(rocksdb::Options(), c()->data_directory(), &opened).ok());
    const std::unique_ptr<rocksdb::DB> db(opened);
    std::string record;
    ASSERT_TRUE(db->Get(rocksdb::ReadOptions(), "d" + key, &record).ok());
    record.back() ^= 1;
    ASSERT_TRUE(db->Put(rocksdb::WriteOptions(), "d" + key, record).ok());
  }
  ASSERT_OK(c()->Start());
  WaitForLog("the scrub has found damaged contents");
  WaitForLog("salvaged");
  ExpectHealed();
  EXPECT_EQ(cluster_->client("C")->Text(key), ValueOf(3));
}

// A version is gone, and the store's own content hash agrees: no look at this node alone finds that. The key
// comes back from the others, and nothing else is moved.
TEST_F(Damage, ThatOnlyOtherNodesCanTellIsFoundAndRepaired) {
  Start(OptionsFor("0"));
  ASSERT_EQ(c()->Stop().value(), 0);
  const std::string key = PrefixOf(5) + "000321";
  {
    auto storage = kv::RocksDbStorage::Open(c()->data_directory(), {});
    ASSERT_OK(storage.status());
    ASSERT_OK((*storage)->Commit(kv::testing::LoseVersion(**storage, key), kv::Durability::kSync));
  }
  ASSERT_OK(c()->Start());
  ASSERT_OK(WaitFor("the key", absl::Seconds(30), [&] {
    const auto got = cluster_->client("C")->Get(key);
    return got.ok() && got->found();
  }));
  ExpectHealed();
  EXPECT_EQ(cluster_->client("C")->Text(key), ValueOf(5));
  WaitForLog("holds something else in 1 of 64 buckets");
  WaitForLog("takes 1 versions from");
  // Whoever of the two was first has repaired it, and both find that nothing is left to do.
  ASSERT_OK(WaitFor("the repair to be over", absl::Seconds(10), [&] {
    uint64_t repaired = 0;
    for (const char* const giver : {"A", "B"}) {
      const auto status = cluster_->client(giver)->Status();
      if (!status.ok()) return false;
      for (const kv::v1::PeerStatus& peer : status->peers()) {
        if (peer.divergent_buckets() != 0) return false;
        repaired += peer.repaired_buckets();
      }
    }
    return repaired >= 1;
  }));
  EXPECT_THAT(c()->Log(), Not(HasSubstr("salvaging")));
}

// Nobody is there to heal from yet: nothing is claimed, and nothing that was readable is lost.
TEST_F(Damage, UntilAPeerIsThereNothingIsReadAndWritesGoOn) {
  Start(OptionsFor("1s", Links::kProxied));
  for (const std::string id : {"A", "B"}) cluster_->SetBoth("C", id, LinkProxy::Mode::kCut);
  ASSERT_OK(cluster_->client("C")->Put("own unsent", "1").status());
  ASSERT_OK(DamageUntilLogged(c(), "a damaged table is set aside"));
  WaitForLog("salvaged");
  ASSERT_OK(WaitFor("the salvaged node", absl::Seconds(30), [&] {
    const auto status = cluster_->client("C")->Status();
    return status.ok() && status->refilling();
  }));
  EXPECT_EQ(ReasonOf(cluster_->client("C")->Get("own unsent").status()), "REFILLING");
  EXPECT_EQ(ReasonOf(cluster_->client("C")->Everything().status()), "REFILLING");
  {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(10)));
    const auto watch = cluster_->client("C")->stub()->Watch(&context, {});
    kv::v1::WatchResponse message;
    EXPECT_FALSE(watch->Read(&message));
    EXPECT_THAT(watch->Finish().error_details(), HasSubstr("REFILLING"));
  }
  EXPECT_FALSE(c()->client()->IsServing("lamppost.kv.v1.KvService"));
  ASSERT_OK(WaitFor("a write", absl::Seconds(20),
                    [&] { return cluster_->client("C")->Put("own later", "2").ok(); }));
  // A crash in the midst of it changes nothing.
  c()->Kill();
  ASSERT_OK(c()->Launch());
  for (const std::string id : {"A", "B"}) cluster_->SetBoth("C", id, LinkProxy::Mode::kOpen);
  more_keys_ = 2;
  ExpectHealed();
  EXPECT_EQ(cluster_->client("A")->Text("own unsent"), "1");
  EXPECT_EQ(cluster_->client("B")->Text("own later"), "2");
}

TEST_F(Damage, ASalvageThatBrokeOffIsBegunAgain) {
  Start(OptionsFor("0"));
  c()->Kill();
  // As if the process had been killed after the tables were set aside.
  std::ofstream(fs::path(c()->data_directory()) / "SALVAGE").close();
  ASSERT_OK(c()->Launch());
  WaitForLog("salvaged");
  ExpectHealed();
}

TEST_F(Damage, OfANodeAloneIsToldAndNothingIsWiped) {
  ClusterOptions options = OptionsFor("1s");
  options.ids = {"A"};
  cluster_ = std::make_unique<Cluster>(options);
  ASSERT_OK(cluster_->StartAll());
  for (int fill = 0; fill < kFills; ++fill) {
    ASSERT_OK(cluster_->client("A")->Fill(PrefixOf(fill), kKeysPerFill, ValueOf(fill)));
  }
  Node* node = cluster_->node("A");
  ASSERT_OK(WaitFor("a table", absl::Seconds(20), [&] { return !LargestTable(node).empty(); }));
  ASSERT_OK(DamageUntilLogged(node, "there is no other node to get it back from"));
  ASSERT_EQ(node->Stop().value(), 0);
  ASSERT_OK(node->Start());
  const auto everything = node->client()->Everything();
  EXPECT_EQ(everything.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(ReasonOf(everything.status()), "DATA_CORRUPT");
  int right = 0;
  for (int fill = 0; fill < kFills; ++fill) {
    for (int i = 0; i < kKeysPerFill; i += 50) {
      const auto got =
          node->client()->Get(absl::StrCat(PrefixOf(fill), "000", absl::Dec(i, absl::kZeroPad3)));
      if (!got.ok()) continue;
      EXPECT_EQ(got->value().text(), ValueOf(fill));
      ++right;
    }
  }
  EXPECT_GT(right, 100);
  EXPECT_OK(node->client()->Put("x", "10").status());
  EXPECT_FALSE(fs::exists(fs::path(node->data_directory()) / "lost"));
  EXPECT_FALSE(fs::exists(fs::path(node->data_directory()) / "SALVAGE"));
}

}  // namespace
}  // namespace lamppost::testing
