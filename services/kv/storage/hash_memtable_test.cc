// The memtable below RocksDB's own interface, against what RocksDB promises.
#include "services/kv/storage/hash_memtable.h"

#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "rocksdb/db.h"
#include "rocksdb/write_batch.h"

namespace lamppost::kv {
namespace {

using Model = std::map<std::string, std::string>;

// Keys that are prefixes of each other, hold NULs, and share long beginnings: where an order goes wrong.
std::string AwkwardKey(std::mt19937* random) {
  static const std::vector<std::string> kBeginnings = {
      "", "a", std::string("a\0", 2), std::string("a\0\0\0\0\0\0\0", 8), "common-beginning", "\xff\xff",
  };
  std::string key = kBeginnings[(*random)() % kBeginnings.size()];
  for (size_t left = (*random)() % 12; left > 0; --left) key.push_back("\0ab\xff"[(*random)() % 4]);
  return key;
}

class HashMemTableTest : public testing::Test {
 protected:
  void SetUp() override {
    db_.reset();
    const std::string test = testing::UnitTest::GetInstance()->current_test_info()->name();
    directory_ = testing::TempDir() + "/hash_memtable_" + test;
    std::filesystem::remove_all(directory_);
  }
  void TearDown() override {
    db_.reset();
    std::filesystem::remove_all(directory_);
  }

  void Open(size_t memtable_bytes) {
    rocksdb::Options options;
    options.create_if_missing = true;
    options.allow_concurrent_memtable_write = false;
    options.write_buffer_size = memtable_bytes;
    options.memtable_factory = NewHashMemTableFactory(memtable_bytes);
    rocksdb::DB* db = nullptr;
    db_.reset();
    const rocksdb::Status status = rocksdb::DB::Open(options, directory_, &db);
    ASSERT_TRUE(status.ok()) << status.ToString();
    db_.reset(db);
  }

  void Put(const std::string& key, const std::string& value) { ASSERT_TRUE(db_->Put({}, key, value).ok()); }

  std::string Get(const std::string& key, const rocksdb::Snapshot* snapshot = nullptr) {
    rocksdb::ReadOptions options;
    options.snapshot = snapshot;
    std::string value;
    const rocksdb::Status status = db_->Get(options, key, &value);
    EXPECT_TRUE(status.ok() || status.IsNotFound()) << status.ToString();
    return status.ok() ? value : "(none)";
  }

  // One step of a random history: what is done to the store is done to the model.
  void Step(std::mt19937* random, int step, Model* model) {
    rocksdb::WriteBatch batch;
    for (size_t left = 1 + (*random)() % 5; left > 0; --left) {
      const std::string key = AwkwardKey(random);
      if ((*random)() % 4 == 0) {
        batch.Delete(key);
        model->erase(key);
      } else {
        const std::string value = absl::StrCat(step, "-", left);
        batch.Put(key, value);
        (*model)[key] = value;
      }
    }
    ASSERT_TRUE(db_->Write({}, &batch).ok());
  }

  void ExpectSame(const Model& model, const rocksdb::Snapshot* snapshot, std::mt19937* random) {
    rocksdb::ReadOptions options;
    options.snapshot = snapshot;
    const std::unique_ptr<rocksdb::Iterator> iterator(db_->NewIterator(options));
    auto expected = model.begin();
    for (iterator->SeekToFirst(); iterator->Valid(); iterator->Next(), ++expected) {
      ASSERT_NE(expected, model.end());
      ASSERT_EQ(iterator->key().ToString(), expected->first);
      ASSERT_EQ(iterator->value().ToString(), expected->second);
      ASSERT_EQ(Get(expected->first, snapshot), expected->second);
    }
    ASSERT_EQ(expected, model.end());
    auto backward = model.rbegin();
    for (iterator->SeekToLast(); iterator->Valid(); iterator->Prev(), ++backward) {
      ASSERT_NE(backward, model.rend());
      ASSERT_EQ(iterator->key().ToString(), backward->first);
    }
    ASSERT_EQ(backward, model.rend());
    for (int i = 0; i < 20; ++i) ExpectSameNear(AwkwardKey(random), model, iterator.get());
  }

  // Seeks, turns round, and turns round again.
  static void ExpectSameNear(const std::string& key, const Model& model, rocksdb::Iterator* iterator) {
    const auto at_or_after = model.lower_bound(key);
    iterator->Seek(key);
    ASSERT_EQ(iterator->Valid(), at_or_after != model.end());
    if (iterator->Valid()) ASSERT_EQ(iterator->key().ToString(), at_or_after->first);
    auto at_or_before = model.upper_bound(key);
    iterator->SeekForPrev(key);
    ASSERT_EQ(iterator->Valid(), at_or_before != model.begin());
    if (!iterator->Valid()) return;
    --at_or_before;
    ASSERT_EQ(iterator->key().ToString(), at_or_before->first);
    iterator->Next();
    ++at_or_before;
    ASSERT_EQ(iterator->Valid(), at_or_before != model.end());
    if (!iterator->Valid()) return;
    ASSERT_EQ(iterator->key().ToString(), at_or_before->first);
    iterator->Prev();
    ASSERT_TRUE(iterator->Valid());
    ASSERT_EQ(iterator->key().ToString(), (--at_or_before)->first);
  }

  void CompareWithModel(size_t memtable_bytes, uint32_t seed) {
    Open(memtable_bytes);
    std::mt19937 random(seed);
    Model model;
    std::vector<std::pair<const rocksdb::Snapshot*, Model>> snapshots;
    for (int step = 0; step < 2000 && !HasFatalFailure(); ++step) {
      Step(&random, step, &model);
      if (random() % 100 == 0) snapshots.emplace_back(db_->GetSnapshot(), model);
      if (random() % 50 != 0) continue;
      ExpectSame(model, nullptr, &random);
      for (const auto& [snapshot, then] : snapshots) ExpectSame(then, snapshot, &random);
      if (snapshots.size() < 4) continue;
      for (const auto& [snapshot, then] : snapshots) db_->ReleaseSnapshot(snapshot);
      snapshots.clear();
    }
    for (const auto& [snapshot, then] : snapshots) db_->ReleaseSnapshot(snapshot);
    // All over again from the log.
    Open(memtable_bytes);
    ExpectSame(model, nullptr, &random);
  }

  std::string directory_;
  std::unique_ptr<rocksdb::DB> db_;
};

TEST_F(HashMemTableTest, IsAsTheModelInMemory) {
  for (uint32_t seed = 0; seed < 5 && !HasFatalFailure(); ++seed) {
    SetUp();
    CompareWithModel(size_t{64} << 20, seed);
  }
}

TEST_F(HashMemTableTest, IsAsTheModelWhileMemtablesGoToDisk) {
  for (uint32_t seed = 0; seed < 5 && !HasFatalFailure(); ++seed) {
    SetUp();
    CompareWithModel(size_t{64} << 10, seed);
  }
}

// Many versions of one key do not hide the others of its bucket, and each snapshot has its own.
TEST_F(HashMemTableTest, AKeyWrittenOftenKeepsItsVersions) {
  Open(size_t{16} << 20);
  std::vector<const rocksdb::Snapshot*> snapshots;
  for (int i = 0; i < 5000; ++i) {
    Put("hot", absl::StrCat(i));
    Put(absl::StrCat("cold", i % 300), absl::StrCat(i));
    if (i % 1000 == 999) snapshots.push_back(db_->GetSnapshot());
  }
  for (size_t i = 0; i < snapshots.size(); ++i) {
    EXPECT_EQ(Get("hot", snapshots[i]), absl::StrCat(i * 1000 + 999));
    EXPECT_EQ(Get("cold99", snapshots[i]), absl::StrCat((i * 1000 + 999 - 99) / 300 * 300 + 99));
    db_->ReleaseSnapshot(snapshots[i]);
  }
}

// Gets and scans beside a writer: each key's value only grows, and a scan finds every key, in order.
TEST_F(HashMemTableTest, ReadersBesideAWriter) {
  constexpr int kKeys = 500;
  constexpr int kRounds = 40;
  Open(size_t{1} << 20);
  const auto key = [](int i) { return absl::StrCat("key", 1000 + i); };
  for (int i = 0; i < kKeys; ++i) Put(key(i), "100");
  std::atomic<bool> done{false};
  std::vector<std::thread> readers;
  for (uint32_t reader = 0; reader < 3; ++reader) {
    readers.emplace_back([&, reader] {
      std::mt19937 random(reader);
      std::vector<std::string> last(kKeys, "100");
      while (!done) {
        for (int n = 0; n < 200; ++n) {
          const int i = static_cast<int>(random() % kKeys);
          const std::string value = Get(key(i));
          EXPECT_GE(value, last[i]);
          last[i] = value;
        }
        const std::unique_ptr<rocksdb::Iterator> iterator(db_->NewIterator({}));
        int i = 0;
        for (iterator->SeekToFirst(); iterator->Valid() && i < kKeys; iterator->Next(), ++i) {
          EXPECT_EQ(iterator->key().ToString(), key(i));
          EXPECT_GE(iterator->value().ToString(), last[i]);
        }
        EXPECT_EQ(i, kKeys);
      }
    });
  }
  for (int round = 1; round <= kRounds; ++round) {
    for (int i = 0; i < kKeys; ++i) Put(key(i), absl::StrCat(100 + round));
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
}

}  // namespace
}  // namespace lamppost::kv
