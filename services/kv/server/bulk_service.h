// KvService.BulkWrite: takes streams in, as many as there may be. Thread-safe.
#ifndef LAMPPOST_SERVICES_KV_SERVER_BULK_SERVICE_H_
#define LAMPPOST_SERVICES_KV_SERVER_BULK_SERVICE_H_

#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "grpcpp/grpcpp.h"
#include "services/kv/core/limits.h"
#include "services/kv/server/bulk_budget.h"
#include "services/kv/server/bulk_stream.h"
#include "services/kv/server/shell.h"

namespace lamppost::kv {

class BulkService {
 public:
  // The shell must outlive the service.
  BulkService(const Limits& limits, Shell* shell, const BulkLimits& bulk_limits = {})
      : limits_(limits), shell_(shell), budget_(bulk_limits) {}

  // Beyond BulkLimits::streams_max: RESOURCE_EXHAUSTED, BULK_WRITES_EXHAUSTED.
  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* BulkWrite(
      grpc::CallbackServerContext* context);

  const BulkBudget& budget() const { return budget_; }

  // Takes no further streams and no further batches; what has been taken is answered.
  void Drain();

 private:
  void Remove(BulkStream* stream);

  const Limits limits_;
  Shell* const shell_;
  BulkBudget budget_;
  absl::Mutex mutex_;
  absl::flat_hash_map<BulkStream*, std::weak_ptr<BulkStream>> streams_ ABSL_GUARDED_BY(mutex_);
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SERVER_BULK_SERVICE_H_
