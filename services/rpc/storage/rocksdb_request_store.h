// A request store on disk, in a RocksDB of its own.
#ifndef LAMPPOST_SERVICES_RPC_STORAGE_ROCKSDB_REQUEST_STORE_H_
#define LAMPPOST_SERVICES_RPC_STORAGE_ROCKSDB_REQUEST_STORE_H_

#include <cstdint>
#include <string>

#include "services/kv/storage/rocksdb_storage.h"
#include "services/rpc/storage/local_request_store.h"

namespace lamppost::rpc {

class RocksDbRequestStore : public LocalRequestStore {
 public:
  // Start opens the directory, and makes it (mode 0700) if it is missing. Its errors are those of
  // kv::RocksDbStorage::Open, which refuses a directory that another process has open, or whose logs have
  // lost what was acknowledged; and those of StagedRecords::Load, which refuses that of a node.
  //
  // While the disk has less than disk_reserve_bytes left, no records are created: UNAVAILABLE
  // (REQUEST_STORE_UNAVAILABLE). What is left is for the outcomes of what runs.
  RocksDbRequestStore(const std::string& directory, const kv::RocksDbOptions& options,
                      uint64_t disk_reserve_bytes = kDiskReserveBytes);

  static constexpr uint64_t kDiskReserveBytes = uint64_t{64} << 20;
};

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_STORAGE_ROCKSDB_REQUEST_STORE_H_
