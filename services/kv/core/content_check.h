// Whether a store holds what its state says: recomputes the content hash from the versions that are there. It
// finds damage that the store underneath cannot see, since that was damaged before it was stored, or stored
// in its place.
//
// Pure. Not thread-safe.
#ifndef LAMPPOST_SERVICES_KV_CORE_CONTENT_CHECK_H_
#define LAMPPOST_SERVICES_KV_CORE_CONTENT_CHECK_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/kv/core/content_hash.h"
#include "services/kv/core/store.h"

namespace lamppost::kv {

class ContentCheck {
 public:
  // `expected`: of the state at the snapshot's moment.
  ContentCheck(std::unique_ptr<StoreReader> snapshot, ContentHash expected);

  // Reads about so many bytes more; how many it were, 0 at the end. DATA_LOSS as the store's, or if a version
  // cannot be read.
  absl::StatusOr<size_t> Next(size_t bytes_max);

  // At the end: the buckets whose hash is not the expected one.
  std::vector<int> WrongBuckets() const;
  uint64_t versions() const { return versions_; }

 private:
  const std::unique_ptr<StoreReader> snapshot_;
  const ContentHash expected_;
  ContentHash found_;
  std::unique_ptr<Cursor> cursor_;  // goes before what it was opened on
  uint64_t versions_ = 0;
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_CORE_CONTENT_CHECK_H_
