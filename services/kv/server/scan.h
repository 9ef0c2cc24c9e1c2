// One page of a Scan.
#ifndef LAMPPOST_SERVICES_KV_SERVER_SCAN_H_
#define LAMPPOST_SERVICES_KV_SERVER_SCAN_H_

#include "absl/status/status.h"
#include "lamppost/kv/v1/kv_service.pb.h"
#include "services/kv/core/store.h"
#include "services/kv/server/read_session.h"

namespace lamppost::kv {

constexpr uint32_t kPageSizeDefault = 1000;
constexpr uint32_t kPageSizeMax = 10000;
constexpr uint32_t kPageBytesDefault = 1u << 20;
constexpr uint32_t kPageBytesMax = 3u << 20;
// A page looks at no more keys than this, deleted ones included, so that it takes a bounded time.
constexpr uint32_t kPageVisitsMax = 100000;

// Reads the page that the request asks for; the request's own session has been waited for. `session` is a new
// one. INVALID_ARGUMENT: SCAN_RANGE_INVALID, PAGE_TOKEN_INVALID. DATA_LOSS if the data is damaged.
// Thread-safe.
absl::Status ScanPage(const Store& store, const v1::ScanRequest& request, ReadSession* session,
                      v1::ScanResponse* response);

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SERVER_SCAN_H_
