#include "services/kv/server/salvage_run.h"

#include <string>

#include "services/common/logging.h"
#include "services/kv/core/salvage.h"
#include "services/kv/storage/salvage_files.h"

namespace lamppost::kv {
namespace {

absl::Status EnsureIdentity(RocksDbStorage* storage, const Identity& owner) {
  const absl::StatusOr<std::optional<std::string>> present = storage->Get(Space::kMeta, kIdentityKey);
  if (!present.ok()) return present.status();
  if (*present) return absl::OkStatus();
  WriteBatch batch;
  batch.Put(Space::kMeta, std::string(kIdentityKey), EncodeIdentity(owner));
  return storage->Commit(batch, Durability::kSync);
}

}  // namespace

absl::Status RunSalvage(RocksDbStorage* storage, const std::optional<Identity>& owner) {
  Log(LogLevel::kWarn, "salvaging what is left of the data");
  if (absl::Status status = storage->PrepareSalvage(); !status.ok()) return status;
  if (owner) {
    if (absl::Status status = EnsureIdentity(storage, *owner); !status.ok()) return status;
  }
  Salvage salvage(storage);
  while (true) {
    WriteBatch batch;
    const absl::StatusOr<bool> more = salvage.Next(&batch);
    if (!more.ok()) return more.status();
    if (!*more) break;
    if (absl::Status status = storage->Commit(batch, Durability::kInterval); !status.ok()) return status;
  }
  if (absl::Status status = storage->Flush(); !status.ok()) return status;
  Log(LogLevel::kWarn, "salvaged; reads wait until a peer has given this node everything",
      {{"records_removed", salvage.removed()}});
  return UnmarkSalvage(storage->directory());
}

}  // namespace lamppost::kv
