// The conflict ledger as clients see it: one page of it, and one entry.
#ifndef LAMPPOST_SERVICES_KV_SERVER_CONFLICT_PAGE_H_
#define LAMPPOST_SERVICES_KV_SERVER_CONFLICT_PAGE_H_

#include "absl/status/status.h"
#include "lamppost/kv/v1/conflicts.pb.h"
#include "services/kv/core/conflict.h"
#include "services/kv/core/store.h"

namespace lamppost::kv {

constexpr uint32_t kConflictsDefault = 100;
constexpr uint32_t kConflictsMax = 1000;
constexpr uint64_t kConflictBytesMax = uint64_t{1}
                                       << 20;  // listed or looked at, about; one entry has some 2 MiB

void ToProto(const Version& version, v1::DetailedVersion* message);
void ToProto(const Conflict& conflict, v1::Conflict* message);

// INVALID_ARGUMENT: PAGE_TOKEN_INVALID, and CheckKey's. DATA_LOSS if the data is damaged. Thread-safe.
absl::Status ConflictPage(const Store& store, const v1::ListConflictsRequest& request,
                          v1::ListConflictsResponse* response);

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SERVER_CONFLICT_PAGE_H_
