// Makes a data directory from which tables were set aside one that a node can be opened on.
#ifndef LAMPPOST_SERVICES_KV_SERVER_SALVAGE_RUN_H_
#define LAMPPOST_SERVICES_KV_SERVER_SALVAGE_RUN_H_

#include <optional>

#include "absl/status/status.h"
#include "services/kv/core/record.h"
#include "services/kv/storage/rocksdb_storage.h"

namespace lamppost::kv {

// Does what core/salvage.h says, and takes the directory's mark away at the end. What breaks off is begun
// again by the next call. `owner`: whose directory it is, if that is known though the directory itself should
// not tell any more. Errors are the storage's and Salvage's.
absl::Status RunSalvage(RocksDbStorage* storage, const std::optional<Identity>& owner);

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SERVER_SALVAGE_RUN_H_
