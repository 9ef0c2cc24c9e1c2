#include "services/kv/metrics/missing_entries.h"

#include <memory>

#include "services/kv/core/record.h"

namespace lamppost::kv {

absl::StatusOr<size_t> CountMissing(const StoreReader& store, const Heads& from, const Heads& to,
                                    size_t entries_max) {
  size_t entries = 0;
  for (const auto& [origin, counter] : to) {
    const uint64_t known = from.At(origin);
    if (known >= counter) continue;
    const std::unique_ptr<Cursor> cursor =
        store.Scan(Space::kIndex, IndexStart(origin, known + 1), IndexStart(origin, counter + 1));
    for (; cursor->Valid() && entries < entries_max; cursor->Next()) ++entries;
    if (!cursor->Valid() && !cursor->status().ok()) return cursor->status();
  }
  return entries;
}

}  // namespace lamppost::kv
