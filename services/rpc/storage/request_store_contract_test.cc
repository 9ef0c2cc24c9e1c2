// The contract suite over the stores that need nothing but this process.
#include <memory>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "services/kv/storage/memory_storage.h"
#include "services/rpc/storage/local_request_store.h"
#include "services/rpc/storage/memory_request_store.h"
#include "services/rpc/storage/rocksdb_request_store.h"
#include "services/rpc/storage/testing/request_store_contract.h"
#include "services/rpc/storage/testing/test_directory.h"

namespace lamppost::rpc {
namespace {

class MemoryPlace : public StorePlace {
 public:
  std::unique_ptr<RequestStore> NewStore() override { return std::make_unique<MemoryRequestStore>(records_); }

 private:
  const std::shared_ptr<MemoryRecords> records_ = std::make_shared<MemoryRecords>();
};

// A storage that outlives the store that has it open.
class Borrowed : public kv::Storage {
 public:
  explicit Borrowed(kv::Storage* storage) : storage_(storage) {}

  absl::StatusOr<std::optional<std::string>> Get(kv::Space space, absl::string_view key) const override {
    return storage_->Get(space, key);
  }
  std::unique_ptr<kv::Cursor> Scan(kv::Space space, absl::string_view start,
                                   absl::string_view end) const override {
    return storage_->Scan(space, start, end);
  }
  std::unique_ptr<kv::Cursor> ScanReverse(kv::Space space, absl::string_view start,
                                          absl::string_view end) const override {
    return storage_->ScanReverse(space, start, end);
  }
  std::unique_ptr<kv::StoreReader> Snapshot() const override { return storage_->Snapshot(); }
  absl::Status Commit(const kv::WriteBatch& batch, kv::Durability durability) override {
    return storage_->Commit(batch, durability);
  }
  absl::Status Flush() override { return storage_->Flush(); }

 private:
  kv::Storage* const storage_;
};

class LocalPlace : public StorePlace {
 public:
  std::unique_ptr<RequestStore> NewStore() override {
    return std::make_unique<LocalRequestStore>([this]() -> absl::StatusOr<std::unique_ptr<kv::Storage>> {
      return std::unique_ptr<kv::Storage>(std::make_unique<Borrowed>(&storage_));
    });
  }

 private:
  kv::MemoryStorage storage_;
};

class RocksDbPlace : public StorePlace {
 public:
  std::unique_ptr<RequestStore> NewStore() override {
    kv::RocksDbOptions options;
    options.memtable_bytes = uint64_t{256} << 10;  // small: the tests reach the tables on disk, too
    return std::make_unique<RocksDbRequestStore>(directory_.path(), options);
  }

 private:
  const TestDirectory directory_;
};

template <typename Place>
std::unique_ptr<StorePlace> Make() {
  return std::make_unique<Place>();
}

INSTANTIATE_TEST_SUITE_P(All, RequestStoreContractTest,
                         testing::Values(ContractCase{"Memory", Sharing::kFleet, Make<MemoryPlace>},
                                         ContractCase{"Local", Sharing::kOneServer, Make<LocalPlace>},
                                         ContractCase{"RocksDb", Sharing::kOneServer, Make<RocksDbPlace>}),
                         ContractCaseName);

}  // namespace
}  // namespace lamppost::rpc
