// Tells a fleet that this server lives: a key with its name, which etcd removes when the lease that it goes
// with has not been kept alive for its TTL. A server that is merely slow keeps it; one that has crashed, or
// stands still for longer, loses it.
#ifndef LAMPPOST_SERVICES_RPC_STORAGE_ETCD_LEASE_H_
#define LAMPPOST_SERVICES_RPC_STORAGE_ETCD_LEASE_H_

#include <cstdint>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "services/rpc/storage/etcd_channels.h"
#include "services/rpc/storage/etcd_codec.h"

namespace lamppost::rpc {

class EtcdLease {
 public:
  // What becomes of the name: it is dead at once, or when the TTL has passed, as after a crash.
  enum class End { kRevoke, kAbandon };

  // Both must outlive this.
  EtcdLease(EtcdChannels* channels, const EtcdCodec* codec, int64_t ttl_s)
      : channels_(channels), codec_(codec), ttl_s_(ttl_s) {}
  ~EtcdLease() { Stop(End::kAbandon); }
  EtcdLease(const EtcdLease&) = delete;
  EtcdLease& operator=(const EtcdLease&) = delete;

  // Takes a name, and starts a thread that keeps it alive. One try; errors as EtcdChannels::Call's.
  absl::Status Start() ABSL_LOCKS_EXCLUDED(mutex_);
  // May take as long as a call. The second time it does nothing.
  void Stop(End end) ABSL_LOCKS_EXCLUDED(mutex_);

  // Empty before Start. Whether a lease goes on, etcd alone knows: while it cannot be reached the name stays,
  // and when it says that the lease has ended, a new name is taken. Thread-safe.
  std::string owner() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  enum class Life { kGoesOn, kOver };

  absl::Status TakeName() ABSL_LOCKS_EXCLUDED(mutex_);
  absl::StatusOr<Life> KeepAlive();
  void Run();
  // Returns when the time has passed, or early and false at the end.
  bool Wait(absl::Duration duration) ABSL_LOCKS_EXCLUDED(mutex_);

  EtcdChannels* const channels_;
  const EtcdCodec* const codec_;
  const int64_t ttl_s_;

  // Of the thread, once it runs.
  int64_t lease_ = 0;
  absl::Duration granted_;  // the TTL that etcd gave, which may be longer

  mutable absl::Mutex mutex_;
  std::string owner_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_STORAGE_ETCD_LEASE_H_
