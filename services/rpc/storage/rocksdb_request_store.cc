#include "services/rpc/storage/rocksdb_request_store.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/error.h"
#include "services/kv/storage/disk_space.h"

namespace lamppost::rpc {
namespace {

constexpr int64_t kRetryDelayMs = 1000;

absl::StatusOr<std::unique_ptr<kv::Storage>> OpenRocksDb(const std::string& directory,
                                                         const kv::RocksDbOptions& options) {
  absl::StatusOr<std::unique_ptr<kv::RocksDbStorage>> storage = kv::RocksDbStorage::Open(directory, options);
  if (!storage.ok()) return storage.status();
  return std::unique_ptr<kv::Storage>(*std::move(storage));
}

// If the system cannot tell, the commit will.
absl::Status CheckDisk(const std::string& directory, uint64_t reserve_bytes) {
  const absl::StatusOr<uint64_t> free_bytes = kv::FreeBytes(directory);
  if (!free_bytes.ok() || *free_bytes >= reserve_bytes) return absl::OkStatus();
  return MakeRetryableError(absl::StatusCode::kUnavailable, "REQUEST_STORE_UNAVAILABLE",
                            absl::StrCat("the disk of ", directory, " is nearly full: ", *free_bytes,
                                         " bytes are left, ", reserve_bytes, " are held back"),
                            kRetryDelayMs);
}

}  // namespace

RocksDbRequestStore::RocksDbRequestStore(const std::string& directory, const kv::RocksDbOptions& options,
                                         uint64_t disk_reserve_bytes)
    : LocalRequestStore(
          [directory, options] { return OpenRocksDb(directory, options); },
          [directory, disk_reserve_bytes] { return CheckDisk(directory, disk_reserve_bytes); }) {}

}  // namespace lamppost::rpc
