// What the core asks of a store: ordered spaces of keys and values, read directly, written only by
// batches that the core hands out and its driver commits. The core never writes by itself.
//
// Implementations live in services/kv/storage. Reading is thread-safe.
#ifndef LAMPPOST_SERVICES_KV_CORE_STORE_H_
#define LAMPPOST_SERVICES_KV_CORE_STORE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace lamppost::kv {

// The store's spaces, each ordered bytewise by key. The letters are part of the on-disk format
// (docs/on-disk-format.md).
enum class Space : char {
  kMeta = 'm',        // the format's version, the node's identity and state
  kData = 'd',        // key -> version
  kIndex = 'i',       // (origin, counter, key) of the versions in kData; see WriteBatch
  kRequests = 'r',    // the latest request ids and what came of them
  kTombstones = 't',  // (counter, key) of the tombstones in kData
  kExpiries = 'e',    // (node id of the origin, expiry, key) of the versions in kData that expire
};

// Goes through a range in its order. A cursor does not see writes made after it was opened.
// Not thread-safe; must not outlive what it was opened on.
class Cursor {
 public:
  virtual ~Cursor() = default;
  // False at the end, and after an error: look at status() then.
  virtual bool Valid() const = 0;
  virtual void Next() = 0;
  // Valid until the next call of Next.
  virtual absl::string_view key() const = 0;
  virtual absl::string_view value() const = 0;
  // DATA_LOSS if the store found that what it holds is damaged.
  virtual absl::Status status() const = 0;
};

class StoreReader {
 public:
  virtual ~StoreReader() = default;
  // The key's value, or nothing. DATA_LOSS if it is damaged: a damaged value is never returned.
  virtual absl::StatusOr<std::optional<std::string>> Get(Space space, absl::string_view key) const = 0;
  // Keys in [start, end), ascending; an empty end is no bound.
  virtual std::unique_ptr<Cursor> Scan(Space space, absl::string_view start, absl::string_view end) const = 0;
  // The same keys, descending.
  virtual std::unique_ptr<Cursor> ScanReverse(Space space, absl::string_view start,
                                              absl::string_view end) const = 0;
};

class Store : public StoreReader {
 public:
  // A view of this moment that later writes do not change. Must not outlive the store.
  virtual std::unique_ptr<StoreReader> Snapshot() const = 0;
};

// Writes that take effect together or not at all, in order.
//
// In kIndex no key is put that is there, and none is removed that is not: a store may forget such a key and
// its removal together.
class WriteBatch {
 public:
  struct Operation {
    Space space;
    std::string key;
    std::optional<std::string> value;  // nothing: the key is removed
  };

  void Put(Space space, std::string key, std::string value) {
    bytes_ += key.size() + value.size();
    operations_.push_back({space, std::move(key), std::move(value)});
  }
  void Remove(Space space, std::string key) {
    bytes_ += key.size();
    operations_.push_back({space, std::move(key), std::nullopt});
  }
  void Clear() {
    operations_.clear();
    bytes_ = 0;
  }

  bool empty() const { return operations_.empty(); }
  // Keys and values together.
  size_t bytes() const { return bytes_; }
  const std::vector<Operation>& operations() const { return operations_; }

 private:
  std::vector<Operation> operations_;
  size_t bytes_ = 0;
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_CORE_STORE_H_
