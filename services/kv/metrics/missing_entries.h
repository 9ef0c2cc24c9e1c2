// How much a node lacks, in keys.
#ifndef LAMPPOST_SERVICES_KV_METRICS_MISSING_ENTRIES_H_
#define LAMPPOST_SERVICES_KV_METRICS_MISSING_ENTRIES_H_

#include <cstddef>

#include "absl/status/statusor.h"
#include "services/kv/core/heads.h"
#include "services/kv/core/store.h"

namespace lamppost::kv {

// The live versions that `to` covers and `from` does not: what a catch-up from one to the other would send.
// Goes through that part of the index, and no further than `entries_max`, which it then returns. The store's
// errors.
absl::StatusOr<size_t> CountMissing(const StoreReader& store, const Heads& from, const Heads& to,
                                    size_t entries_max);

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_METRICS_MISSING_ENTRIES_H_
