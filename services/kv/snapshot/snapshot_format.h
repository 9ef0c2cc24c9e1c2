// The snapshot file: a whole store at one moment, which checks itself. docs/on-disk-format.md has the bytes.
//
// Pure.
#ifndef LAMPPOST_SERVICES_KV_SNAPSHOT_SNAPSHOT_FORMAT_H_
#define LAMPPOST_SERVICES_KV_SNAPSHOT_SNAPSHOT_FORMAT_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/kv/core/record.h"

namespace lamppost::kv {

constexpr absl::string_view kSnapshotMagic = "LAMPSNAP";
constexpr uint64_t kSnapshotFormat = 1;

// Records are gathered into blocks of about so many bytes.
constexpr size_t kSnapshotBlockBytes = size_t{128} << 10;
// No frame is larger: a block takes at least one record, and that is never as large.
constexpr size_t kSnapshotFrameBytesMax = size_t{16} << 20;

// What a snapshot is of.
struct SnapshotHeader {
  std::string cluster;
  std::string node_id;
  uint64_t created_unix_ms = 0;  // by the node's wall clock; for people
  State state;                   // the node's, at that moment
};

// What comes behind the magic and the format: frames of a kind, a length, a payload and a checksum. Each
// checksum starts from the one before it, so that it covers all bytes of the file up to its own.
enum class SnapshotFrame : char { kHeader = 'H', kBlock = 'B', kFooter = 'F' };

// Kind and length.
constexpr size_t kSnapshotFrameHeadBytes = 9;
constexpr size_t kSnapshotChecksumBytes = 8;

uint64_t SnapshotChecksum(uint64_t before, absl::string_view bytes);

std::string EncodeSnapshotHeader(const SnapshotHeader& header);
// DATA_LOSS (SNAPSHOT_DAMAGED); FAILED_PRECONDITION (SNAPSHOT_UNKNOWN_FORMAT) if its records are of a format
// that this software does not read.
absl::StatusOr<SnapshotHeader> DecodeSnapshotHeader(absl::string_view bytes);

// SNAPSHOT_DAMAGED and SNAPSHOT_UNKNOWN_FORMAT, with what is wrong.
absl::Status DamagedSnapshot(absl::string_view what);
absl::Status UnknownSnapshot(absl::string_view what);

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SNAPSHOT_SNAPSHOT_FORMAT_H_
