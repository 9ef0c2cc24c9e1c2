#include "services/rpc/storage/rocksdb_request_store.h"

#include <memory>
#include <utility>

namespace lamppost::rpc {

RocksDbRequestStore::RocksDbRequestStore(std::string directory, const kv::RocksDbOptions& options)
    : LocalRequestStore(
          [directory = std::move(directory), options]() -> absl::StatusOr<std::unique_ptr<kv::Storage>> {
            absl::StatusOr<std::unique_ptr<kv::RocksDbStorage>> storage =
                kv::RocksDbStorage::Open(directory, options);
            if (!storage.ok()) return storage.status();
            return std::unique_ptr<kv::Storage>(*std::move(storage));
          }) {}

}  // namespace lamppost::rpc
