#include "services/rpc/server/request_stores.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "services/rpc/storage/etcd_request_store.h"
#include "services/rpc/storage/memory_request_store.h"
#include "services/rpc/storage/rocksdb_request_store.h"

namespace lamppost::rpc {
namespace {

constexpr uint64_t kCacheBytes = uint64_t{32} << 20;  // each of the block cache and the two memtables

// A directory of its own in the data directory, where other things lie, too.
std::unique_ptr<RequestStore> MakeRocksDb(const std::string& data_directory) {
  kv::RocksDbOptions options;
  options.block_cache_bytes = kCacheBytes;
  options.memtable_bytes = kCacheBytes;
  return std::make_unique<RocksDbRequestStore>(absl::StrCat(data_directory, "/requests"), options);
}

}  // namespace

std::unique_ptr<RequestStore> MakeRequestStore(const Settings& settings) {
  switch (settings.store.kind) {
    case StoreChoice::Kind::kRocksDb:
      break;
    case StoreChoice::Kind::kMemory:
      return std::make_unique<MemoryRequestStore>(std::make_shared<MemoryRecords>());
    case StoreChoice::Kind::kEtcd: {
      EtcdOptions options;
      options.address = settings.store.etcd;
      return std::make_unique<EtcdRequestStore>(std::move(options));
    }
  }
  return MakeRocksDb(settings.data_directory);
}

std::string NameOf(StoreChoice::Kind kind) {
  switch (kind) {
    case StoreChoice::Kind::kRocksDb:
      return "rocksdb";
    case StoreChoice::Kind::kMemory:
      return "memory";
    case StoreChoice::Kind::kEtcd:
      return "etcd";
  }
  return "";
}

}  // namespace lamppost::rpc
