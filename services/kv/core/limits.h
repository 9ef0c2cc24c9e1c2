// The limits of what clients may write, and the checks that hold them. Everything from outside passes
// here before it reaches the replica.
#ifndef LAMPPOST_SERVICES_KV_CORE_LIMITS_H_
#define LAMPPOST_SERVICES_KV_CORE_LIMITS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "services/kv/core/messages.h"

namespace lamppost::kv {

constexpr size_t kKeyBytesMax = 1024;
constexpr size_t kNodeIdBytesMax = 32;
constexpr size_t kClusterBytesMax = 64;
constexpr size_t kRequestIdBytesMax = 64;
constexpr size_t kOperationsMax = 1000;

struct Limits {
  size_t value_bytes_max = size_t{1} << 20;
  // Keys and values of one Write together; one value of value_bytes_max is always let through.
  size_t batch_bytes_max = size_t{2} << 20;
};

// INVALID_ARGUMENT with reasons KEY_EMPTY, KEY_TOO_LONG, KEY_NOT_UTF8, KEY_HAS_NUL.
absl::Status CheckKey(absl::string_view key);
// Whether a key is one of the store's own: those begin with NUL, which no client's key has. They are kept,
// replicated, forgotten and repaired like all others, and no client sees or counts them.
bool IsSystemKey(absl::string_view key);
// For what a peer sends: a client's key, or a system key: a NUL and then 1 to kKeyBytesMax - 1 printable
// ASCII characters. KEY_INVALID, or as CheckKey.
absl::Status CheckStoredKey(absl::string_view key);
// The whole proposal: keys, values (VALUE_TOO_LARGE, VALUE_NOT_UTF8), count (BATCH_EMPTY,
// BATCH_TOO_LARGE), distinct keys (KEY_REPEATED), the request id (REQUEST_ID_INVALID).
absl::Status CheckProposal(const Proposal& proposal, const Limits& limits);
// 1 to 32 characters of A-Z a-z 0-9 . _ - (NODE_ID_INVALID).
absl::Status CheckNodeId(absl::string_view node_id);
// 1 to 64 of the same characters (CLUSTER_INVALID).
absl::Status CheckCluster(absl::string_view cluster);

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_CORE_LIMITS_H_
