// A request store that a fleet of servers shares: etcd (v3).
#ifndef LAMPPOST_SERVICES_RPC_STORAGE_ETCD_REQUEST_STORE_H_
#define LAMPPOST_SERVICES_RPC_STORAGE_ETCD_REQUEST_STORE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "services/rpc/core/request_store.h"
#include "services/rpc/storage/etcd_address.h"
#include "services/rpc/storage/etcd_channels.h"
#include "services/rpc/storage/etcd_codec.h"
#include "services/rpc/storage/etcd_lease.h"
#include "services/rpc/storage/operation_order.h"

namespace lamppost::rpc {

struct EtcdOptions {
  EtcdAddress address;
  int64_t lease_ttl_s = 10;         // a server that is not heard of for so long is dead
  uint64_t call_timeout_ms = 2000;  // of one operation
  uint64_t start_timeout_ms = 5000;
  uint64_t stop_timeout_ms = 5000;  // what has not been sent by then is answered with an error
  size_t calls_max = 256;           // at a time
};

// Operations are calls of their own, many at a time, but for those of one id. One that fails without a word
// from etcd is UNAVAILABLE: it may have taken effect.
//
// Answers come one after the other, on gRPC's threads.
class EtcdRequestStore : public RequestStore {
 public:
  explicit EtcdRequestStore(EtcdOptions options);
  // Without Stop before: the lease is left to end by itself, as after a crash.
  ~EtcdRequestStore() override;

  // UNAVAILABLE (REQUEST_STORE_UNAVAILABLE) if no endpoint has answered in time; FORMAT_UNKNOWN,
  // DATA_CORRUPT; INVALID_ARGUMENT (REQUEST_STORE_OPTIONS_INVALID).
  absl::Status Start(AnswerFn on_answers) override;
  // This server is dead to the others at once.
  void Stop() override;
  void Submit(std::vector<NumberedOperation> operations) override ABSL_LOCKS_EXCLUDED(mutex_);
  // Changes when etcd has held this server for dead.
  std::string owner() const override { return lease_.owner(); }
  // The whole fleet's: above whatever any server has reserved.
  uint64_t clock_start() const override { return clock_start_; }

 private:
  struct Call;

  absl::Status SetUp();
  void Finish(EtcdLease::End end);
  std::vector<OperationOrder::Begun> TakeReady() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Send(std::vector<OperationOrder::Begun> begun);
  void Answered(std::shared_ptr<Call> call, const grpc::Status& status) ABSL_LOCKS_EXCLUDED(mutex_);
  void Deliver() ABSL_LOCKS_EXCLUDED(mutex_);

  const EtcdOptions options_;
  const EtcdCodec codec_;
  EtcdChannels channels_;
  EtcdLease lease_;
  AnswerFn on_answers_;
  uint64_t clock_start_ = 0;

  absl::Mutex mutex_;
  OperationOrder order_ ABSL_GUARDED_BY(mutex_);
  std::vector<StoreAnswer> answers_ ABSL_GUARDED_BY(mutex_);  // to be delivered
  bool delivering_ ABSL_GUARDED_BY(mutex_) = false;
  size_t calls_ ABSL_GUARDED_BY(mutex_) = 0;  // whose end still needs this object
  absl::Time send_until_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteFuture();
};

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_STORAGE_ETCD_REQUEST_STORE_H_
