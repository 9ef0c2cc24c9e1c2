// KvService.Watch: takes the call in and hands it to the pump. Thread-safe.
#ifndef LAMPPOST_SERVICES_KV_SERVER_WATCH_SERVICE_H_
#define LAMPPOST_SERVICES_KV_SERVER_WATCH_SERVICE_H_

#include <atomic>
#include <cstddef>

#include "grpcpp/grpcpp.h"
#include "services/kv/server/shell.h"
#include "services/kv/server/watch_pump.h"

namespace lamppost::kv {

class WatchService {
 public:
  static constexpr size_t kWatchesMax = 1000;

  // Both must outlive the service, and be alive until gRPC has ended all calls.
  WatchService(Shell* shell, const Store* store)
      : shell_(shell), pump_(store, shell->driver()->published()) {}

  // Begins a watch. Beyond kWatchesMax: RESOURCE_EXHAUSTED, WATCHES_EXHAUSTED.
  grpc::ServerWriteReactor<grpc::ByteBuffer>* Watch(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* in);

  size_t watches() const { return watches_.load(); }

  // For PublishedHeads' listener.
  void HeadsChanged() { pump_.HeadsChanged(); }
  // Ends all watches; see WatchPump::Drain.
  void Drain() { pump_.Drain(); }

 private:
  void Begin(WatchSpec spec, absl::Time deadline, std::shared_ptr<WatchStream> stream);

  Shell* const shell_;
  std::atomic<size_t> watches_{0};
  WatchPump pump_;
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SERVER_WATCH_SERVICE_H_
