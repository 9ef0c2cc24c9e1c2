// What storage.h and store.h promise, held against every implementation.
#include <algorithm>
#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "services/kv/storage/memory_storage.h"
#include "services/kv/storage/rocksdb_storage.h"
#include "services/kv/storage/storage.h"

namespace lamppost::kv {
namespace {

using KeysAndValues = std::vector<std::pair<std::string, std::string>>;

enum class Kind { kMemory, kRocksDb };

std::string KindName(const testing::TestParamInfo<Kind>& info) {
  return info.param == Kind::kMemory ? "Memory" : "RocksDb";
}

class StorageContractTest : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
    for (char& letter : name) letter = letter == '/' ? '_' : letter;
    directory_ = absl::StrCat(testing::TempDir(), "/contract_", name);
    std::filesystem::remove_all(directory_);
    Open();
  }
  void TearDown() override {
    storage_.reset();
    std::filesystem::remove_all(directory_);
  }

  void Open() {
    if (GetParam() == Kind::kMemory) {
      storage_ = std::make_unique<MemoryStorage>();
      return;
    }
    RocksDbOptions options;
    options.memtable_bytes = uint64_t{256} << 10;  // small: the tests reach the tables on disk, too
    auto opened = RocksDbStorage::Open(directory_, options);
    ASSERT_TRUE(opened.ok()) << opened.status();
    storage_ = *std::move(opened);
  }

  void Commit(const WriteBatch& batch) {
    const absl::Status status = storage_->Commit(batch, Durability::kInterval);
    ASSERT_TRUE(status.ok()) << status;
  }
  void Put(Space space, const std::string& key, const std::string& value) {
    WriteBatch batch;
    batch.Put(space, key, value);
    Commit(batch);
  }
  void Remove(Space space, const std::string& key) {
    WriteBatch batch;
    batch.Remove(space, key);
    Commit(batch);
  }

  static std::optional<std::string> Get(const StoreReader& reader, Space space, const std::string& key) {
    const auto value = reader.Get(space, key);
    EXPECT_TRUE(value.ok()) << value.status();
    return value.ok() ? *value : std::nullopt;
  }
  std::optional<std::string> Get(Space space, const std::string& key) { return Get(*storage_, space, key); }

  static KeysAndValues Drain(Cursor& cursor) {
    KeysAndValues found;
    for (; cursor.Valid(); cursor.Next()) found.emplace_back(cursor.key(), cursor.value());
    EXPECT_TRUE(cursor.status().ok()) << cursor.status();
    return found;
  }
  static KeysAndValues Scan(const StoreReader& reader, Space space, const std::string& start = "",
                            const std::string& end = "") {
    return Drain(*reader.Scan(space, start, end));
  }

  static KeysAndValues ScanReverse(const StoreReader& reader, Space space, const std::string& start = "",
                                   const std::string& end = "") {
    return Drain(*reader.ScanReverse(space, start, end));
  }

  std::string directory_;
  std::unique_ptr<Storage> storage_;
};

KeysAndValues Turned(KeysAndValues found) {
  std::reverse(found.begin(), found.end());
  return found;
}

TEST_P(StorageContractTest, MissingKeyIsNothingAndNoError) {
  EXPECT_EQ(Get(Space::kData, "x"), std::nullopt);
  EXPECT_TRUE(Scan(*storage_, Space::kData).empty());
}

TEST_P(StorageContractTest, PutReplaceRemove) {
  Put(Space::kData, "x", "10");
  EXPECT_EQ(Get(Space::kData, "x"), "10");
  Put(Space::kData, "x", "11");
  EXPECT_EQ(Get(Space::kData, "x"), "11");
  Remove(Space::kData, "x");
  EXPECT_EQ(Get(Space::kData, "x"), std::nullopt);
  EXPECT_TRUE(Scan(*storage_, Space::kData).empty());
}

TEST_P(StorageContractTest, RemoveOfAMissingKeyDoesNothing) {
  Remove(Space::kData, "x");
  EXPECT_EQ(Get(Space::kData, "x"), std::nullopt);
}

TEST_P(StorageContractTest, EmptyValueIsNotAMissingOne) {
  Put(Space::kData, "x", "");
  EXPECT_EQ(Get(Space::kData, "x"), "");
  EXPECT_EQ(Scan(*storage_, Space::kData), (KeysAndValues{{"x", ""}}));
}

TEST_P(StorageContractTest, EmptyBatchIsFine) {
  const WriteBatch batch;
  EXPECT_TRUE(storage_->Commit(batch, Durability::kSync).ok());
  EXPECT_TRUE(storage_->Flush().ok());
}

TEST_P(StorageContractTest, OperationsOfABatchApplyInOrder) {
  WriteBatch batch;
  batch.Put(Space::kData, "replaced", "1");
  batch.Put(Space::kData, "replaced", "2");
  batch.Put(Space::kData, "removed", "1");
  batch.Remove(Space::kData, "removed");
  batch.Remove(Space::kData, "put");
  batch.Put(Space::kData, "put", "1");
  Commit(batch);
  EXPECT_EQ(Scan(*storage_, Space::kData), (KeysAndValues{{"put", "1"}, {"replaced", "2"}}));
}

TEST_P(StorageContractTest, SpacesAreApart) {
  const std::vector<Space> spaces = {Space::kMeta, Space::kData, Space::kIndex, Space::kRequests};
  for (const Space space : spaces) Put(space, "x", std::string(1, static_cast<char>(space)));
  Put(Space::kData, "\xff\xff", "last");
  for (const Space space : spaces) EXPECT_EQ(Get(space, "x"), std::string(1, static_cast<char>(space)));
  EXPECT_EQ(Scan(*storage_, Space::kData), (KeysAndValues{{"x", "d"}, {"\xff\xff", "last"}}));
  EXPECT_EQ(Scan(*storage_, Space::kIndex), (KeysAndValues{{"x", "i"}}));
  Remove(Space::kData, "x");
  EXPECT_EQ(Get(Space::kIndex, "x"), "i");
}

// Index keys are put once and removed once. None comes back, and a snapshot keeps those of its moment.
TEST_P(StorageContractTest, IndexKeysComeAndGo) {
  const auto key = [](int i) { return absl::StrCat("k", 100000 + i, std::string(80, '-')); };
  const auto expect_window = [&](const StoreReader& reader, int end) {
    const KeysAndValues found = Scan(reader, Space::kIndex);
    ASSERT_EQ(found.size(), 50u);
    EXPECT_EQ(found.front().first, key(end - 50));
    EXPECT_EQ(found.back().first, key(end - 1));
  };
  std::unique_ptr<StoreReader> snapshot;
  for (int i = 0; i < 10000; ++i) {
    WriteBatch batch;
    if (i >= 50) batch.Remove(Space::kIndex, key(i - 50));
    batch.Put(Space::kIndex, key(i), "");
    batch.Put(Space::kData, "counter", absl::StrCat(i));
    Commit(batch);
    if (i == 5000) snapshot = storage_->Snapshot();
    if (i % 1000 == 999) expect_window(*storage_, i + 1);
  }
  expect_window(*snapshot, 5001);
  snapshot.reset();
  if (GetParam() == Kind::kMemory) return;
  storage_.reset();
  Open();
  expect_window(*storage_, 10000);
}

TEST_P(StorageContractTest, RangesAreHalfOpenAndInOrder) {
  for (const char* key : {"c", "a", "b", "ba", "d"}) Put(Space::kData, key, key);
  EXPECT_EQ(Scan(*storage_, Space::kData, "b", "d"), (KeysAndValues{{"b", "b"}, {"ba", "ba"}, {"c", "c"}}));
  EXPECT_EQ(Scan(*storage_, Space::kData, "bb"), (KeysAndValues{{"c", "c"}, {"d", "d"}}));
  EXPECT_EQ(Scan(*storage_, Space::kData, "", "b"), (KeysAndValues{{"a", "a"}}));
  EXPECT_TRUE(Scan(*storage_, Space::kData, "e").empty());
  EXPECT_TRUE(Scan(*storage_, Space::kData, "b", "b").empty());
  EXPECT_TRUE(Scan(*storage_, Space::kData, "d", "b").empty());
}

TEST_P(StorageContractTest, ReverseRangesHaveTheSameKeysFromTheHighestDown) {
  for (const char* key : {"c", "a", "b", "ba", "d"}) Put(Space::kData, key, key);
  EXPECT_EQ(ScanReverse(*storage_, Space::kData, "b", "d"),
            (KeysAndValues{{"c", "c"}, {"ba", "ba"}, {"b", "b"}}));
  EXPECT_EQ(ScanReverse(*storage_, Space::kData, "bb"), (KeysAndValues{{"d", "d"}, {"c", "c"}}));
  EXPECT_EQ(ScanReverse(*storage_, Space::kData, "", "b"), (KeysAndValues{{"a", "a"}}));
  EXPECT_EQ(ScanReverse(*storage_, Space::kData, "", "ba"), (KeysAndValues{{"b", "b"}, {"a", "a"}}));
  EXPECT_TRUE(ScanReverse(*storage_, Space::kData, "e").empty());
  EXPECT_TRUE(ScanReverse(*storage_, Space::kData, "b", "b").empty());
  EXPECT_TRUE(ScanReverse(*storage_, Space::kData, "d", "b").empty());
  EXPECT_TRUE(ScanReverse(*storage_, Space::kMeta).empty());
}

TEST_P(StorageContractTest, ReverseScansStayInTheirSpaceAndSeeBytes) {
  using std::string_literals::operator""s;
  for (const Space space : {Space::kMeta, Space::kIndex, Space::kRequests}) Put(space, "x", "other");
  for (const std::string& key : {"\0"s, "a\0"s, "a"s, "\xff\xff"s}) Put(Space::kData, key, "v");
  EXPECT_EQ(ScanReverse(*storage_, Space::kData),
            (KeysAndValues{{"\xff\xff", "v"}, {"a\0"s, "v"}, {"a", "v"}, {"\0"s, "v"}}));
}

TEST_P(StorageContractTest, ReverseCursorsAndSnapshotsKeepTheirMoment) {
  for (const char* key : {"a", "b", "c"}) Put(Space::kData, key, "old");
  const auto snapshot = storage_->Snapshot();
  const auto cursor = storage_->ScanReverse(Space::kData, "", "");
  ASSERT_TRUE(cursor->Valid());
  EXPECT_EQ(cursor->key(), "c");
  WriteBatch batch;
  batch.Put(Space::kData, "bb", "new");
  batch.Put(Space::kData, "b", "new");
  batch.Remove(Space::kData, "a");
  batch.Remove(Space::kData, "c");
  Commit(batch);
  EXPECT_EQ(cursor->value(), "old");
  const KeysAndValues before = {{"c", "old"}, {"b", "old"}, {"a", "old"}};
  EXPECT_EQ(Drain(*cursor), before);
  EXPECT_EQ(ScanReverse(*snapshot, Space::kData), before);
  EXPECT_EQ(ScanReverse(*storage_, Space::kData), (KeysAndValues{{"bb", "new"}, {"b", "new"}}));
}

TEST_P(StorageContractTest, PrefixIsARange) {
  for (const char* key : {"user", "user/1", "user/2", "user0"}) Put(Space::kData, key, "v");
  EXPECT_EQ(Scan(*storage_, Space::kData, "user/", "user0"),
            (KeysAndValues{{"user/1", "v"}, {"user/2", "v"}}));
}

TEST_P(StorageContractTest, KeysAndValuesAreBytes) {
  using std::string_literals::operator""s;
  const std::vector<std::string> keys = {"\0"s,   "\0\0"s, "\0\xff"s, "a"s,   "a\0"s,
                                         "a\0b"s, "\x7f"s, "\x80"s,   "\xff"s};
  for (auto key = keys.rbegin(); key != keys.rend(); ++key) Put(Space::kData, *key, *key + "\0\xff"s);
  KeysAndValues expected;
  for (const std::string& key : keys) expected.emplace_back(key, key + "\0\xff"s);
  EXPECT_EQ(Scan(*storage_, Space::kData), expected);
  for (const std::string& key : keys) EXPECT_EQ(Get(Space::kData, key), key + "\0\xff"s);
  EXPECT_EQ(Get(Space::kData, "\0\0\0"s), std::nullopt);
}

TEST_P(StorageContractTest, EmptyKeyIsAKey) {
  Put(Space::kMeta, "", "v");
  EXPECT_EQ(Get(Space::kMeta, ""), "v");
  EXPECT_EQ(Scan(*storage_, Space::kMeta), (KeysAndValues{{"", "v"}}));
}

TEST_P(StorageContractTest, CursorDoesNotSeeLaterWrites) {
  for (const char* key : {"a", "b", "c"}) Put(Space::kData, key, "old");
  const auto cursor = storage_->Scan(Space::kData, "", "");
  ASSERT_TRUE(cursor->Valid());
  EXPECT_EQ(cursor->key(), "a");
  WriteBatch batch;
  batch.Put(Space::kData, "aa", "new");
  batch.Put(Space::kData, "b", "new");
  batch.Remove(Space::kData, "c");
  batch.Remove(Space::kData, "a");
  Commit(batch);
  EXPECT_EQ(cursor->value(), "old");
  EXPECT_EQ(Drain(*cursor), (KeysAndValues{{"a", "old"}, {"b", "old"}, {"c", "old"}}));
  EXPECT_EQ(Scan(*storage_, Space::kData), (KeysAndValues{{"aa", "new"}, {"b", "new"}}));
}

TEST_P(StorageContractTest, SnapshotsKeepTheirMoment) {
  Put(Space::kData, "x", "1");
  const auto first = storage_->Snapshot();
  Put(Space::kData, "x", "2");
  auto second = storage_->Snapshot();
  Remove(Space::kData, "x");
  Put(Space::kData, "y", "3");

  EXPECT_EQ(Get(*first, Space::kData, "x"), "1");
  EXPECT_EQ(Get(*second, Space::kData, "x"), "2");
  EXPECT_EQ(Get(Space::kData, "x"), std::nullopt);
  second.reset();
  Put(Space::kData, "x", "4");
  EXPECT_EQ(Scan(*first, Space::kData), (KeysAndValues{{"x", "1"}}));
  EXPECT_EQ(Scan(*storage_, Space::kData), (KeysAndValues{{"x", "4"}, {"y", "3"}}));
}

TEST_P(StorageContractTest, CursorOnASnapshotSeesTheSnapshot) {
  Put(Space::kData, "a", "1");
  const auto snapshot = storage_->Snapshot();
  Put(Space::kData, "a", "2");
  const auto cursor = snapshot->Scan(Space::kData, "", "");
  Put(Space::kData, "b", "2");
  EXPECT_EQ(Drain(*cursor), (KeysAndValues{{"a", "1"}}));
}

TEST_P(StorageContractTest, SnapshotOutlivesMuchWriting) {
  Put(Space::kData, "x", "first");
  const auto snapshot = storage_->Snapshot();
  std::mt19937 random(1);
  for (int i = 0; i < 200; ++i) {
    std::string value(8192, '\0');
    for (char& byte : value) byte = static_cast<char>(random());
    Put(Space::kData, "x", value);
  }
  EXPECT_EQ(Get(*snapshot, Space::kData, "x"), "first");
  EXPECT_EQ(Get(Space::kData, "x")->size(), 8192u);
}

TEST_P(StorageContractTest, BigBatchAndBigValue) {
  WriteBatch batch;
  for (int i = 0; i < 50000; ++i) batch.Put(Space::kData, absl::StrCat("key", 100000 + i), absl::StrCat(i));
  batch.Put(Space::kData, "large", std::string(size_t{8} << 20, 'v'));
  Commit(batch);
  EXPECT_EQ(Get(Space::kData, "key149999"), "49999");
  EXPECT_EQ(Get(Space::kData, "large")->size(), size_t{8} << 20);
  EXPECT_EQ(Scan(*storage_, Space::kData, "key", "kez").size(), 50000u);
  Put(Space::kData, "key149999", "after");
  EXPECT_EQ(Get(Space::kData, "key149999"), "after");
}

TEST_P(StorageContractTest, SyncCommitIsVisible) {
  WriteBatch batch;
  batch.Put(Space::kData, "x", "10");
  ASSERT_TRUE(storage_->Commit(batch, Durability::kSync).ok());
  EXPECT_EQ(Get(Space::kData, "x"), "10");
}

// What it leaves on stable storage after a power failure cannot be seen from here; its order can.
TEST_P(StorageContractTest, SyncCommitAfterOthersTakesThemAlong) {
  for (int i = 0; i < 100; ++i) Put(Space::kData, absl::StrCat(100 + i), std::string(8192, 'v'));
  WriteBatch batch;
  batch.Put(Space::kData, "last", "");
  ASSERT_TRUE(storage_->Commit(batch, Durability::kSync).ok());
  if (GetParam() == Kind::kRocksDb) {
    storage_.reset();
    Open();
  }
  EXPECT_EQ(Scan(*storage_, Space::kData).size(), 101u);
}

// The same random writes as to a map, with the same answers.
TEST_P(StorageContractTest, AgreesWithAModel) {
  std::map<std::string, std::string> model;
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    WriteBatch batch;
    for (uint32_t n = random() % 8; n > 0; --n) {
      const std::string key = absl::StrCat(random() % 50);
      if (random() % 3 == 0) {
        batch.Remove(Space::kData, key);
        model.erase(key);
      } else {
        const std::string value = absl::StrCat(random());
        batch.Put(Space::kData, key, value);
        model[key] = value;
      }
    }
    Commit(batch);
    if (GetParam() == Kind::kRocksDb && round % 60 == 59) {
      storage_.reset();
      Open();
    }
    const KeysAndValues expected(model.begin(), model.end());
    ASSERT_EQ(Scan(*storage_, Space::kData), expected) << "round " << round;
    ASSERT_EQ(ScanReverse(*storage_, Space::kData), Turned(expected)) << "round " << round;
    ASSERT_EQ(ScanReverse(*storage_, Space::kData, "2", "4"),
              Turned(Scan(*storage_, Space::kData, "2", "4")));
  }
}

TEST_P(StorageContractTest, ReadersNeverSeeHalfABatch) {
  constexpr int kCommits = 2000;
  const std::vector<std::string> keys = {"a", "m", "z"};
  std::atomic<bool> done{false};
  std::atomic<int> torn{0};
  std::atomic<int> views{0};
  const auto read = [&] {
    std::string latest;
    do {
      const auto cursor = storage_->Scan(Space::kData, "", "");
      const KeysAndValues scanned = Drain(*cursor);
      const auto snapshot = storage_->Snapshot();
      const auto first = Get(*snapshot, Space::kData, keys.front());
      const auto last = Get(*snapshot, Space::kData, keys.back());
      bool same = first == last && (scanned.empty() || scanned.size() == keys.size());
      for (const auto& [key, value] : scanned) same = same && value == scanned.front().second;
      const std::string now = first.value_or("");
      if (!same || now < latest) ++torn;  // nor does time go back
      latest = now;
      ++views;
    } while (!done);
  };
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) readers.emplace_back(read);
  for (int i = 0; i < kCommits; ++i) {
    WriteBatch batch;
    for (const std::string& key : keys) batch.Put(Space::kData, key, absl::StrCat(100000 + i));
    EXPECT_TRUE(storage_->Commit(batch, Durability::kInterval).ok());
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(torn, 0);
  EXPECT_GT(views, 0);
}

TEST_P(StorageContractTest, FlushRunsBesideCommits) {
  std::atomic<bool> done{false};
  std::thread flusher([&] {
    do {
      EXPECT_TRUE(storage_->Flush().ok());
    } while (!done);
  });
  for (int i = 0; i < 500; ++i) Put(Space::kData, absl::StrCat(i), "v");
  done = true;
  flusher.join();
  EXPECT_EQ(Scan(*storage_, Space::kData).size(), 500u);
}

INSTANTIATE_TEST_SUITE_P(All, StorageContractTest, testing::Values(Kind::kMemory, Kind::kRocksDb), KindName);

}  // namespace
}  // namespace lamppost::kv
