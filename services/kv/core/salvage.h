// Makes what is left of a damaged store one that a replica can be opened on.
//
// Some of its files are gone, so any version may be missing, or an older one may have come back in its place:
// nothing of it counts as known below any heads. The salvage takes away what cannot be decoded, makes the
// index, the tombstone index and the expiries, the counts and the content hash anew from the versions that
// are there, and leaves a state with empty heads and `refilling` set: the replica takes a new life and claims
// nothing until a peer has given it everything. Without peers that never happens: then there is nothing to be
// gained by this.
//
//   Salvage salvage(&store);
//   for (;;) {
//     WriteBatch batch;
//     absl::StatusOr<bool> more = salvage.Next(&batch);
//     if (!more.ok()) …
//     if (!*more) break;
//     storage.Commit(batch, …);
//   }
//
// If that breaks off, Replica::Open refuses the store (SALVAGE_UNFINISHED) until it has been done again, from
// the beginning. Not thread-safe; nobody else may write to the store meanwhile.
#ifndef LAMPPOST_SERVICES_KV_CORE_SALVAGE_H_
#define LAMPPOST_SERVICES_KV_CORE_SALVAGE_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/kv/core/record.h"
#include "services/kv/core/store.h"

namespace lamppost::kv {

class Salvage {
 public:
  // The store must outlive this.
  explicit Salvage(const Store* store) : store_(store) {}

  // Puts the next changes, a bounded number, into `batch`, which must be empty; to be committed before the
  // next call. False, with an empty batch, when all is done. DATA_LOSS: it cannot be told whose data this is,
  // or the store cannot be read through.
  absl::StatusOr<bool> Next(WriteBatch* batch);

  // Records that could not be decoded and were taken away so far.
  size_t removed() const { return removed_; }

 private:
  enum class Step { kBegin, kIndex, kTombstones, kExpiries, kRequests, kVersions, kEnd, kDone };

  absl::Status Begin(WriteBatch* batch);
  absl::Status Clear(Space space, WriteBatch* batch);
  absl::Status Rebuild(WriteBatch* batch);
  void Count(const std::string& key, const Version& version, WriteBatch* batch);
  void NextStep();

  const Store* const store_;
  Step step_ = Step::kBegin;
  std::string position_;  // in the space of the step
  State state_;
  std::string node_id_;
  size_t removed_ = 0;
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_CORE_SALVAGE_H_
