// kill -9 at any moment loses no acknowledged write, and no timestamp is ever given out twice.
#include <atomic>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "services/common/clock_proto.h"
#include "tests/integration/testing/cluster.h"
#include "tests/integration/testing/wait.h"

namespace lamppost::testing {
namespace {

constexpr int kKeysPerWriter = 40;

// What writers have been promised.
class Ledger {
 public:
  void Acknowledged(const std::string& key, const std::string& text, const Timestamp& version) {
    std::lock_guard<std::mutex> lock(mutex_);
    ++count_;
    if (!versions_.insert(version).second) twice_.push_back(ToString(version));
    auto& [newest, newest_text] = newest_[key];
    if (newest < version) {
      newest = version;
      newest_text = text;
    }
  }

  // Every key's final value is the newest acknowledged one, or one with a higher version.
  void ExpectKept(KvClient* client) const {
    for (const auto& [key, promised] : newest_) {
      const auto got = client->Get(key);
      ASSERT_OK(got.status());
      const Timestamp version = FromProto(got->version());
      EXPECT_FALSE(version < promised.first)
          << key << " has " << ToString(version) << ", acknowledged was " << ToString(promised.first);
      if (version == promised.first) {
        EXPECT_EQ(got->value().text(), promised.second) << key;
      }
    }
  }

  void ExpectNothingTwice() const { EXPECT_TRUE(twice_.empty()) << twice_.front(); }
  int count() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return count_;
  }

 private:
  mutable std::mutex mutex_;
  int count_ = 0;
  std::set<Timestamp> versions_;
  std::vector<std::string> twice_;
  std::map<std::string, std::pair<Timestamp, std::string>> newest_;
};

// Writes on at its node, with an id for each write, and sends what got no answer again until it has one.
// Half of the keys are its own, half are everybody's.
class Writer {
 public:
  Writer(int number, std::string address, Ledger* ledger)
      : number_(number), client_(address, absl::Seconds(2)), ledger_(ledger), thread_([this] { Run(); }) {}
  ~Writer() { Join(); }

  void Join() {
    stopped_ = true;
    if (thread_.joinable()) thread_.join();
  }

 private:
  void Run() {
    std::mt19937 random(static_cast<unsigned>(number_));
    for (int i = 0; !stopped_; ++i) {
      const int k = static_cast<int>(random() % kKeysPerWriter);
      const std::string owner = k % 2 == 0 ? absl::StrCat("w", number_) : "shared";
      WriteUntilAcknowledged(absl::StrCat(owner, "-", k), absl::StrCat("w", number_, "-", i));
    }
  }

  void WriteUntilAcknowledged(const std::string& key, const std::string& text) {
    while (!stopped_) {
      const auto put = client_.Put(key, text, text);
      if (put.ok()) return ledger_->Acknowledged(key, text, FromProto(put->version()));
      ASSERT_TRUE(put.status().code() == absl::StatusCode::kUnavailable ||
                  put.status().code() == absl::StatusCode::kDeadlineExceeded)
          << put.status();
      absl::SleepFor(absl::Milliseconds(5));
    }
  }

  const int number_;
  KvClient client_;
  Ledger* const ledger_;
  std::atomic<bool> stopped_{false};
  std::thread thread_;
};

// Kills a node in each round, at a random moment, and starts it again.
void RunRounds(const std::string& durability, int rounds, unsigned seed) {
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  ClusterOptions options;
  options.flags = {"--durability", durability};
  Cluster cluster(options);
  ASSERT_OK(cluster.StartAll());
  Ledger ledger;
  {
    std::vector<std::unique_ptr<Writer>> writers;
    int number = 0;
    for (int i = 0; i < 2; ++i) {
      for (const std::string& id : cluster.ids()) {
        writers.push_back(std::make_unique<Writer>(++number, cluster.node(id)->address(), &ledger));
      }
    }
    std::mt19937 random(seed);
    const std::vector<std::string> ids = cluster.ids();
    for (int round = 0; round < rounds; ++round) {
      Node* victim = cluster.node(ids[random() % ids.size()]);
      const int already = ledger.count();
      ASSERT_OK(WaitFor("writes to be acknowledged", absl::Seconds(20),
                        [&] { return ledger.count() > already + static_cast<int>(random() % 100); }));
      absl::SleepFor(absl::Microseconds(random() % 50000));  // the random moment
      victim->Kill();
      ASSERT_OK(victim->Start());
    }
  }
  EXPECT_OK(cluster.WaitConverged());
  ledger.ExpectNothingTwice();
  for (const std::string& id : cluster.ids()) ledger.ExpectKept(cluster.client(id));
  ::testing::Test::RecordProperty("acknowledged", ledger.count());
}

TEST(Crash, SyncLosesNothing) {
  RunRounds("sync", 8, std::random_device()());
}

TEST(Crash, IntervalLosesNothingThatTheSystemHas) {
  RunRounds("interval", 6, std::random_device()());
}

// All at once: nobody is there who could bring back what was lost.
TEST(Crash, AllNodesAtOnce) {
  for (const std::string& durability : {"sync", "interval"}) {
    ClusterOptions options;
    options.flags = {"--durability", durability};
    Cluster cluster(options);
    ASSERT_OK(cluster.StartAll());
    Ledger ledger;
    {
      std::vector<std::unique_ptr<Writer>> writers;
      int number = 0;
      for (const std::string& id : cluster.ids()) {
        writers.push_back(std::make_unique<Writer>(++number, cluster.node(id)->address(), &ledger));
      }
      for (int round = 0; round < 2; ++round) {
        const int already = ledger.count();
        ASSERT_OK(WaitFor("writes to be acknowledged", absl::Seconds(20),
                          [&] { return ledger.count() > already + 200; }));
        for (const std::string& id : cluster.ids()) cluster.node(id)->Kill();
        for (const std::string& id : cluster.ids()) ASSERT_OK(cluster.node(id)->Launch());
        for (const std::string& id : cluster.ids()) ASSERT_OK(cluster.node(id)->WaitServing());
      }
    }
    EXPECT_OK(cluster.WaitConverged());
    ledger.ExpectNothingTwice();
    for (const std::string& id : cluster.ids()) ledger.ExpectKept(cluster.client(id));
  }
}

// Killed while it starts, again and again: a start must not need the end of the one before.
TEST(Crash, WhileStarting) {
  Cluster cluster({});
  ASSERT_OK(cluster.StartAll());
  ASSERT_OK(cluster.client("A")->Fill("k", 5000, "v"));
  std::mt19937 random(11);
  for (int round = 0; round < 15; ++round) {
    cluster.node("A")->Kill();
    ASSERT_OK(cluster.node("A")->Launch());
    absl::SleepFor(absl::Milliseconds(random() % 150));  // the random moment
  }
  cluster.node("A")->Kill();
  ASSERT_OK(cluster.node("A")->Start());
  ASSERT_OK(cluster.WaitConverged());
  EXPECT_EQ(cluster.client("A")->Status()->keys(), 5000u);
}

}  // namespace
}  // namespace lamppost::testing
