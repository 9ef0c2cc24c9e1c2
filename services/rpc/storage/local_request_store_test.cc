// What a store of one server does about failed commits, damage and directories of others.
#include "services/rpc/storage/local_request_store.h"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/synchronization/notification.h"
#include "gtest/gtest.h"
#include "services/common/error.h"
#include "services/kv/core/coding.h"
#include "services/kv/core/replica.h"
#include "services/kv/storage/memory_storage.h"
#include "services/kv/storage/rocksdb_storage.h"
#include "services/rpc/storage/rocksdb_request_store.h"
#include "services/rpc/storage/staged_records.h"
#include "services/rpc/storage/testing/store_client.h"
#include "services/rpc/storage/testing/test_directory.h"

namespace lamppost::rpc {
namespace {

namespace fs = std::filesystem;

RequestId Id(uint8_t number) {
  RequestId::Bytes bytes = {};
  bytes[15] = number;
  return RequestId(bytes);
}

std::vector<std::string> Values(StagedRecords* records, std::optional<RequestId> after, size_t records_max) {
  const StoreAnswer answer = records->Apply({0, ScanRecords{after, records_max}});
  EXPECT_TRUE(answer.status.ok()) << answer.status;
  std::vector<std::string> values;
  for (const StoredRecord& stored : answer.records) values.push_back(stored.value);
  return values;
}

using Strings = std::vector<std::string>;

TEST(StagedRecordsTest, ScansWhatIsStagedOverWhatIsStored) {
  kv::MemoryStorage storage;
  StagedRecords records(&storage, "me");
  ASSERT_TRUE(records.Load().ok());
  for (const uint8_t id : {2, 4, 6}) records.Apply({0, CreateRecord{Id(id), "stored"}});
  ASSERT_TRUE(records.Commit().ok());

  records.Apply({0, CreateRecord{Id(1), "first"}});
  records.Apply({0, ForgetRecords{0, {{Id(2), 1}}}});
  records.Apply({0, CreateRecord{Id(3), "between"}});
  records.Apply({0, ReplaceRecord{Id(4), 2, "changed"}});
  records.Apply({0, CreateRecord{Id(7), "last"}});
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(Values(&records, std::nullopt, 100),
              (Strings{"first", "between", "changed", "stored", "last"}));
    EXPECT_EQ(Values(&records, Id(1), 2), (Strings{"between", "changed"}));
    EXPECT_EQ(Values(&records, Id(4), 100), (Strings{"stored", "last"}));
    EXPECT_EQ(Values(&records, Id(7), 100), Strings());
    ASSERT_TRUE(records.Commit().ok());  // and the same once it is stored
  }
}

TEST(StagedRecordsTest, WhatIsNotCommittedIsNotThere) {
  kv::MemoryStorage storage;
  StagedRecords records(&storage, "me");
  ASSERT_TRUE(records.Load().ok());
  records.Apply({0, CreateRecord{Id(1), "lost"}});
  records.Apply({0, ReserveClock{5}});
  StagedRecords next(&storage, "me too");
  ASSERT_TRUE(next.Load().ok());
  EXPECT_EQ(next.clock_limit(), 0u);
  EXPECT_EQ(Values(&next, std::nullopt, 100), Strings());
}

TEST(StagedRecordsTest, ReadingWritesNothing) {
  kv::MemoryStorage storage;
  StagedRecords records(&storage, "me");
  ASSERT_TRUE(records.Load().ok());
  storage.FailNextCommits(absl::InternalError("a commit"));
  records.Apply({0, GetRecord{Id(1)}});
  records.Apply({0, ReplaceRecord{Id(1), 1, "none to replace"}});
  records.Apply({0, ForgetRecords{0, {{Id(1), 1}}}});
  records.Apply({0, ScanRecords{}});
  records.Apply({0, FindOwner{"me"}});
  EXPECT_TRUE(records.Commit().ok());
}

TEST(StagedRecordsTest, DamagedRecordsAreReported) {
  kv::MemoryStorage storage;
  StagedRecords records(&storage, "me");
  ASSERT_TRUE(records.Load().ok());
  kv::WriteBatch batch;
  batch.Put(kv::Space::kData, std::string(16, 'k'), "");
  ASSERT_TRUE(storage.Commit(batch, kv::Durability::kSync).ok());
  RequestId::Bytes bytes;
  bytes.fill('k');
  for (const StoreOperation& operation : std::vector<StoreOperation>{
           GetRecord{RequestId(bytes)}, CreateRecord{RequestId(bytes), "value"}, ScanRecords{}}) {
    EXPECT_EQ(ErrorReason(records.Apply({0, operation}).status), "DATA_CORRUPT");
  }
}

// With such a state the next revision would be 0, or no clock could be reserved any more.
TEST(StagedRecordsTest, AStateAtTheEndOfItsNumbersIsDamage) {
  kv::MemoryStorage storage;
  ASSERT_TRUE(StagedRecords(&storage, "me").Load().ok());
  for (const auto& [clock_limit, revision] :
       {std::pair(UINT64_MAX, uint64_t{1}), std::pair(uint64_t{1}, UINT64_MAX)}) {
    std::string state;
    for (const uint64_t number : {clock_limit, uint64_t{0}, revision}) kv::PutVarint(number, &state);
    kv::WriteBatch batch;
    batch.Put(kv::Space::kMeta, "state", state);
    ASSERT_TRUE(storage.Commit(batch, kv::Durability::kSync).ok());
    EXPECT_EQ(ErrorReason(StagedRecords(&storage, "me").Load()), "DATA_CORRUPT");
  }
}

// Hands a storage of the test's own to the store, to fail when told to.
class LocalRequestStoreTest : public testing::Test {
 protected:
  LocalRequestStoreTest()
      : client_(std::make_unique<LocalRequestStore>([this]() -> absl::StatusOr<std::unique_ptr<kv::Storage>> {
          auto storage = std::make_unique<kv::MemoryStorage>();
          storage_ = storage.get();
          return std::unique_ptr<kv::Storage>(std::move(storage));
        })) {}

  void SetUp() override { ASSERT_TRUE(client_.Start().ok()); }

  kv::MemoryStorage* storage_ = nullptr;
  StoreClient client_;
};

TEST_F(LocalRequestStoreTest, AFailedCommitEndsIt) {
  const uint64_t revision = client_.Do(CreateRecord{Id(1), "before"}).revision;
  ASSERT_NE(revision, 0u);
  storage_->FailNextCommits(
      MakeError(absl::StatusCode::kUnavailable, "STORAGE_FAILED", "input/output error"));
  const StoreAnswer failed = client_.Do(CreateRecord{Id(2), "lost"});
  // UNAVAILABLE would say that it may pass.
  EXPECT_EQ(failed.status.code(), absl::StatusCode::kInternal);
  EXPECT_EQ(ErrorReason(failed.status), "STORAGE_FAILED");
  EXPECT_EQ(failed.revision, 0u);
  storage_->ClearFailure();
  EXPECT_FALSE(client_.Do(GetRecord{Id(1)}).status.ok());
  EXPECT_FALSE(client_.Do(CreateRecord{Id(3), "refused"}).status.ok());
}

TEST(LocalRequestStoreRoomTest, WithoutRoomNoRecordsAreCreatedAndOutcomesAreKept) {
  std::atomic<bool> is_full{false};
  StoreClient client(std::make_unique<LocalRequestStore>(
      []() -> absl::StatusOr<std::unique_ptr<kv::Storage>> {
        return std::unique_ptr<kv::Storage>(std::make_unique<kv::MemoryStorage>());
      },
      [&is_full] { return is_full ? absl::UnavailableError("full") : absl::OkStatus(); }));
  ASSERT_TRUE(client.Start().ok());
  const uint64_t revision = client.Do(CreateRecord{Id(1), "running"}).revision;
  is_full = true;
  EXPECT_EQ(client.Do(CreateRecord{Id(2), "refused"}).status, absl::UnavailableError("full"));
  EXPECT_NE(client.Do(ReplaceRecord{Id(1), revision, "outcome"}).revision, 0u);
  is_full = false;
  EXPECT_FALSE(client.Do(GetRecord{Id(2)}).record.has_value());
  EXPECT_NE(client.Do(CreateRecord{Id(2), "taken"}).revision, 0u);
}

class RocksDbRequestStoreTest : public testing::Test {
 protected:
  absl::Status TryStart() {
    client_ = std::make_unique<StoreClient>(
        std::make_unique<RocksDbRequestStore>(directory_.path(), kv::RocksDbOptions()));
    return client_->Start();
  }
  void Start() {
    const absl::Status status = TryStart();
    ASSERT_TRUE(status.ok()) << status;
  }
  std::unique_ptr<kv::RocksDbStorage> OpenStorage() {
    auto storage = kv::RocksDbStorage::Open(directory_.path(), {});
    EXPECT_TRUE(storage.ok()) << storage.status();
    return *std::move(storage);
  }
  static absl::Status OpenNode(kv::RocksDbStorage* storage) {
    kv::ReplicaOptions options;
    options.node_id = "A";
    auto replica = kv::Replica::Open(options, storage);
    if (!replica.ok()) return replica.status();
    return storage->Commit((*replica)->TakeOutput().batch, kv::Durability::kSync);
  }

  TestDirectory directory_;
  std::unique_ptr<StoreClient> client_;
};

// Ends a process at once, and says how.
enum class End { kWell, kBadly };

[[noreturn]] void Die(End end) {
  _exit(end == End::kWell ? 0 : 1);
}

TEST_F(RocksDbRequestStoreTest, WhatWasAnsweredSurvivesTheDeathOfTheProcess) {
  const pid_t child = fork();
  if (child == 0) {
    RocksDbRequestStore store(directory_.path(), {});
    absl::Notification answered;
    const auto on_answers = [&answered](std::vector<StoreAnswer> answers) {
      for (const StoreAnswer& answer : answers) {
        if (!answer.status.ok()) Die(End::kBadly);
        if (answer.number == 100) answered.Notify();
      }
    };
    if (!store.Start(on_answers).ok()) Die(End::kBadly);
    for (uint8_t i = 1; i <= 100; ++i) store.Submit({{i, CreateRecord{Id(i), "value"}}});
    answered.WaitForNotification();
    Die(End::kWell);
  }
  int result = -1;
  ASSERT_EQ(waitpid(child, &result, 0), child);
  ASSERT_TRUE(WIFEXITED(result) && WEXITSTATUS(result) == 0) << result;
  Start();
  EXPECT_EQ(client_->Do(ScanRecords{std::nullopt, 1000}).records.size(), 100u);
  // Nor is a revision given twice.
  EXPECT_GT(client_->Do(CreateRecord{Id(200), "next"}).revision, 100u);
}

TEST_F(RocksDbRequestStoreTest, LostLogsAreNoticed) {
  Start();
  client_->Do(CreateRecord{Id(1), "acknowledged"});
  client_.reset();
  Start();  // moves the record into a table
  client_.reset();
  int removed = 0;
  for (const auto& entry : fs::directory_iterator(directory_.path())) {
    if (entry.path().extension() == ".log") removed += fs::remove(entry.path()) ? 1 : 0;
  }
  ASSERT_GT(removed, 0);
  const absl::Status status = TryStart();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(ErrorReason(status), "DATA_CORRUPT");
}

TEST_F(RocksDbRequestStoreTest, TwoAtATimeAreRefused) {
  Start();
  RocksDbRequestStore second(directory_.path(), {});
  EXPECT_EQ(ErrorReason(second.Start([](std::vector<StoreAnswer>) {})), "DATA_DIR_IN_USE");
}

TEST_F(RocksDbRequestStoreTest, ADiskThatIsNearlyFullTakesNoNewRecords) {
  StoreClient client(
      std::make_unique<RocksDbRequestStore>(directory_.path(), kv::RocksDbOptions(), UINT64_MAX));
  ASSERT_TRUE(client.Start().ok());
  const StoreAnswer answer = client.Do(CreateRecord{Id(1), "value"});
  EXPECT_EQ(ErrorReason(answer.status), "REQUEST_STORE_UNAVAILABLE") << answer.status;
  EXPECT_TRUE(client.Do(ReserveClock{1}).status.ok());
}

TEST_F(RocksDbRequestStoreTest, ANodesDirectoryIsRefused) {
  ASSERT_TRUE(OpenNode(OpenStorage().get()).ok());
  const absl::Status status = TryStart();
  EXPECT_EQ(ErrorReason(status), "FORMAT_UNKNOWN");
  EXPECT_NE(status.message().find("lamppost-kv"), std::string::npos) << status;
  // And is as it was.
  EXPECT_TRUE(OpenNode(OpenStorage().get()).ok());
}

TEST_F(RocksDbRequestStoreTest, ANodeRefusesTheDirectory) {
  Start();
  client_.reset();
  const absl::Status status = OpenNode(OpenStorage().get());
  EXPECT_EQ(ErrorReason(status), "FORMAT_UNKNOWN");
  EXPECT_NE(status.message().find("request-store-1"), std::string::npos) << status;
}

TEST_F(RocksDbRequestStoreTest, AnotherVersionIsRefused) {
  kv::WriteBatch batch;
  batch.Put(kv::Space::kMeta, "format", "request-store-2");
  ASSERT_TRUE(OpenStorage()->Commit(batch, kv::Durability::kSync).ok());
  EXPECT_EQ(ErrorReason(TryStart()), "FORMAT_UNKNOWN");
}

TEST_F(RocksDbRequestStoreTest, AMissingFormatIsDamage) {
  kv::WriteBatch batch;
  batch.Put(kv::Space::kData, std::string(16, 'k'), "record");
  ASSERT_TRUE(OpenStorage()->Commit(batch, kv::Durability::kSync).ok());
  EXPECT_EQ(ErrorReason(TryStart()), "DATA_CORRUPT");
}

}  // namespace
}  // namespace lamppost::rpc
