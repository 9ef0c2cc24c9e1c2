// Reads a snapshot file, piece by piece, and believes none of it.
//
// Pure. Not thread-safe; holds one block of records in memory.
#ifndef LAMPPOST_SERVICES_KV_SNAPSHOT_SNAPSHOT_READER_H_
#define LAMPPOST_SERVICES_KV_SNAPSHOT_SNAPSHOT_READER_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "services/kv/core/version.h"
#include "services/kv/snapshot/snapshot_format.h"

namespace lamppost::kv {

// What a snapshot holds, as it is read. An error ends the reading, and is what the reader gives.
class SnapshotSink {
 public:
  virtual ~SnapshotSink() = default;
  virtual absl::Status Begin(const SnapshotHeader& header) = 0;
  // In ascending order of the keys.
  virtual absl::Status Add(const std::string& key, Version version) = 0;
};

class SnapshotReader {
 public:
  // The sink must outlive the reader.
  explicit SnapshotReader(SnapshotSink* sink) : sink_(sink) {}

  // Takes the next bytes of the file, however it is cut. DATA_LOSS (SNAPSHOT_DAMAGED), with where;
  // FAILED_PRECONDITION (SNAPSHOT_UNKNOWN_FORMAT); or the sink's error. No more may be read after one.
  absl::Status Read(absl::string_view bytes);
  // The file is at its end. DATA_LOSS (SNAPSHOT_DAMAGED) if the snapshot is not.
  absl::Status Finish() const;

  uint64_t records() const { return records_; }
  // Of the file, taken so far.
  uint64_t bytes() const { return offset_ + buffer_.size(); }

 private:
  enum class Part { kMagic, kHeader, kRecords, kEnded };

  // Takes what is whole at the buffer's front; how many bytes that were, 0 if there is too little.
  absl::StatusOr<size_t> Take(absl::string_view bytes);
  absl::StatusOr<size_t> TakeMagic(absl::string_view bytes);
  absl::Status TakeFrame(SnapshotFrame kind, absl::string_view payload);
  absl::Status TakeHeader(absl::string_view payload);
  absl::Status TakeBlock(absl::string_view payload);
  absl::Status TakeFooter(absl::string_view payload);

  SnapshotSink* const sink_;
  Part part_ = Part::kMagic;
  std::string buffer_;
  uint64_t offset_ = 0;  // of the buffer in the file
  uint64_t checksum_ = 0;
  uint64_t records_ = 0;
  std::string last_key_;
  Hash128 hash_;  // as the header has it
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SNAPSHOT_SNAPSHOT_READER_H_
