// Whether a snapshot can be restored: reads all of it as a restore would, and stores nothing.
#ifndef LAMPPOST_SERVICES_KV_SNAPSHOT_SNAPSHOT_CHECK_H_
#define LAMPPOST_SERVICES_KV_SNAPSHOT_SNAPSHOT_CHECK_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "services/kv/core/restore.h"
#include "services/kv/snapshot/snapshot_reader.h"

namespace lamppost::kv {

// Pure. Not thread-safe. Memory is bounded.
class SnapshotCheck : private SnapshotSink {
 public:
  SnapshotCheck() : reader_(this) {}

  // The next bytes of the file. Errors are SnapshotReader's and Restoration's.
  absl::Status Read(absl::string_view bytes) { return reader_.Read(bytes); }
  // The file is at its end: OK says that it is whole, that its counts and content hash are those of what it
  // holds, and so that it can be restored. To be called once.
  absl::Status Finish();

  // Null until it has been read.
  const SnapshotHeader* header() const { return header_.get(); }
  uint64_t records() const { return reader_.records(); }
  uint64_t bytes() const { return reader_.bytes(); }

 private:
  absl::Status Begin(const SnapshotHeader& header) override;
  absl::Status Add(const std::string& key, Version version) override;

  SnapshotReader reader_;
  std::unique_ptr<SnapshotHeader> header_;
  std::unique_ptr<Restoration> restoration_;
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SNAPSHOT_SNAPSHOT_CHECK_H_
