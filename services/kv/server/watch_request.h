// What a WatchRequest asks for, checked; and the messages that answer it. Pure.
#ifndef LAMPPOST_SERVICES_KV_SERVER_WATCH_REQUEST_H_
#define LAMPPOST_SERVICES_KV_SERVER_WATCH_REQUEST_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "lamppost/kv/v1/kv_service.pb.h"
#include "services/kv/core/change_feed.h"
#include "services/kv/core/heads.h"
#include "services/kv/core/version.h"

namespace lamppost::kv {

constexpr int64_t kProgressIntervalDefaultMs = 10'000;
constexpr int64_t kProgressIntervalMinMs = 100;
constexpr int64_t kProgressIntervalMaxMs = 3'600'000;

struct WatchSpec {
  enum class Content { kKeysAndValues, kKeysOnly };

  WatchScope scope;
  std::optional<Heads> from;  // unset: what the node has now
  uint64_t progress_interval_ms = kProgressIntervalDefaultMs;
  Content content = Content::kKeysAndValues;
};

// INVALID_ARGUMENT: WATCH_SCOPE_INVALID, PROGRESS_INTERVAL_INVALID, SESSION_INVALID, and CheckKey's for a key
// or a prefix that no key can have.
absl::StatusOr<WatchSpec> ReadWatch(const v1::WatchRequest& request);

// The answer that tells of these versions, but for its clock.
v1::WatchResponse WatchAnswer(const std::vector<KeyedVersion>& versions, const Heads& reached,
                              WatchSpec::Content content);

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SERVER_WATCH_REQUEST_H_
