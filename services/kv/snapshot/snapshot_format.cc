#include "services/kv/snapshot/snapshot_format.h"

#include <xxhash.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/error.h"
#include "services/kv/core/coding.h"
#include "services/kv/core/limits.h"

namespace lamppost::kv {

absl::Status DamagedSnapshot(absl::string_view what) {
  return MakeError(absl::StatusCode::kDataLoss, "SNAPSHOT_DAMAGED",
                   absl::StrCat("the snapshot is damaged: ", what));
}

absl::Status UnknownSnapshot(absl::string_view what) {
  return MakeError(absl::StatusCode::kFailedPrecondition, "SNAPSHOT_UNKNOWN_FORMAT", what);
}

uint64_t SnapshotChecksum(uint64_t before, absl::string_view bytes) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), before);
}

std::string EncodeSnapshotHeader(const SnapshotHeader& header) {
  std::string out;
  PutVarint(kFormatVersion, &out);
  PutString(header.cluster, &out);
  PutString(header.node_id, &out);
  PutVarint(header.created_unix_ms, &out);
  PutString(EncodeState(header.state), &out);
  return out;
}

absl::StatusOr<SnapshotHeader> DecodeSnapshotHeader(absl::string_view bytes) {
  Decoder decoder(bytes);
  const uint64_t format = decoder.Varint();
  if (decoder.ok() && (format < kFormatVersionLeast || format > kFormatVersion)) {
    return UnknownSnapshot(absl::StrCat("the snapshot's records have format ", format,
                                        ", this software reads ", kFormatVersionLeast, " to ",
                                        kFormatVersion));
  }
  SnapshotHeader header;
  header.cluster = decoder.String();
  header.node_id = decoder.String();
  header.created_unix_ms = decoder.Varint();
  absl::StatusOr<State> state = DecodeState(decoder.String());
  if (!decoder.Done() || !state.ok() || !CheckCluster(header.cluster).ok() ||
      !CheckNodeId(header.node_id).ok()) {
    return DamagedSnapshot("its header cannot be read");
  }
  header.state = *std::move(state);
  return header;
}

}  // namespace lamppost::kv
