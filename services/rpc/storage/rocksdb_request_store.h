// A request store on disk, in a RocksDB of its own.
#ifndef LAMPPOST_SERVICES_RPC_STORAGE_ROCKSDB_REQUEST_STORE_H_
#define LAMPPOST_SERVICES_RPC_STORAGE_ROCKSDB_REQUEST_STORE_H_

#include <string>

#include "services/kv/storage/rocksdb_storage.h"
#include "services/rpc/storage/local_request_store.h"

namespace lamppost::rpc {

class RocksDbRequestStore : public LocalRequestStore {
 public:
  // Start opens the directory, and makes it (mode 0700) if it is missing. Its errors are those of
  // kv::RocksDbStorage::Open, which refuses a directory that another process has open, or whose logs have
  // lost what was acknowledged; and those of StagedRecords::Load, which refuses that of a node.
  RocksDbRequestStore(std::string directory, const kv::RocksDbOptions& options);
};

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_STORAGE_ROCKSDB_REQUEST_STORE_H_
