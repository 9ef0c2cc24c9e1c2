// AdminService.Trace: tells those who ask what the replica does, as it does it.
//
// The replica is traced while somebody asks. Each caller has a queue of its own, which is bounded: who reads
// too slowly misses the oldest events in it, and hears how many.
#ifndef LAMPPOST_SERVICES_KV_SERVER_TRACE_CALLS_H_
#define LAMPPOST_SERVICES_KV_SERVER_TRACE_CALLS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "grpcpp/grpcpp.h"
#include "lamppost/kv/v1/trace.pb.h"
#include "services/kv/core/tracer.h"
#include "services/kv/server/shell.h"

namespace lamppost::kv {

class TraceStream;

struct TraceCallsOptions {
  std::string node_id;
  uint64_t boot_id = 0;
  uint64_t started_unix_ms = 0;
  size_t calls_max = 8;                        // at a time; more: RESOURCE_EXHAUSTED (TOO_MANY_TRACES)
  size_t queued_bytes_max = size_t{16} << 20;  // of events, for each caller
  size_t message_events_max = 1000;
  uint64_t quiet_ms_max = 1000;  // an empty message comes when nothing has for so long
};

// Thread-safe.
class TraceCalls {
 public:
  // The shell must outlive this.
  TraceCalls(TraceCallsOptions options, Shell* shell) : options_(std::move(options)), shell_(shell) {}
  // All calls must have ended.
  ~TraceCalls() = default;
  TraceCalls(const TraceCalls&) = delete;
  TraceCalls& operator=(const TraceCalls&) = delete;

  grpc::ServerWriteReactor<grpc::ByteBuffer>* Start(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* request);

  // What has happened. Of the driver's thread; never waits.
  void Publish(const Tracer::Points& points);
  // To be called now and then.
  void Poll(uint64_t now_ms);
  // Takes no further calls, and ends each.
  void Drain();

 private:
  friend class TraceStream;
  using Streams = absl::flat_hash_map<TraceStream*, std::shared_ptr<TraceStream>>;

  void Remove(TraceStream* stream);
  // On the driver's thread, soon: the replica is traced if somebody asks, else it is not.
  void Follow();
  Streams streams() const;

  const TraceCallsOptions options_;
  Shell* const shell_;
  mutable absl::Mutex mutex_;
  Streams streams_ ABSL_GUARDED_BY(mutex_);
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SERVER_TRACE_CALLS_H_
