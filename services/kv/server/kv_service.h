// KvService over gRPC's callback API: parses, checks, and hands writes to the driver; reads go to the
// store at once, on the calling thread.
#ifndef LAMPPOST_SERVICES_KV_SERVER_KV_SERVICE_H_
#define LAMPPOST_SERVICES_KV_SERVER_KV_SERVICE_H_

#include <functional>
#include <utility>

#include "lamppost/kv/v1/kv_service.grpc.pb.h"
#include "services/kv/core/limits.h"
#include "services/kv/server/bulk_service.h"
#include "services/kv/server/shell.h"
#include "services/kv/server/watch_service.h"
#include "services/kv/storage/storage.h"

namespace lamppost::kv {

// All methods take and give bytes; services/common/raw_call.h tells why.
using RawKvService = v1::KvService::WithRawCallbackMethod_Put<
    v1::KvService::WithRawCallbackMethod_Get<v1::KvService::WithRawCallbackMethod_Delete<
        v1::KvService::WithRawCallbackMethod_Scan<v1::KvService::WithRawCallbackMethod_Write<
            v1::KvService::WithRawCallbackMethod_Status<v1::KvService::WithRawCallbackMethod_BulkWrite<
                v1::KvService::WithRawCallbackMethod_Watch<v1::KvService::Service>>>>>>>>;

class KvServiceImpl : public RawKvService {
 public:
  // Fills in the answer to Status; called on the driver's thread, within a group.
  using StatusFn = std::function<void(const Replica&, v1::StatusResponse*)>;
  using Context = grpc::CallbackServerContext;
  using Bytes = grpc::ByteBuffer;

  // All must outlive the service.
  KvServiceImpl(Limits limits, Shell* shell, const Store* store, StatusFn status)
      : limits_(limits),
        shell_(shell),
        store_(store),
        status_(std::move(status)),
        bulks_(limits, shell),
        watches_(shell, store) {}

  grpc::ServerUnaryReactor* Put(Context* context, const Bytes* in, Bytes* out) override;
  grpc::ServerUnaryReactor* Get(Context* context, const Bytes* in, Bytes* out) override;
  grpc::ServerUnaryReactor* Delete(Context* context, const Bytes* in, Bytes* out) override;
  grpc::ServerUnaryReactor* Scan(Context* context, const Bytes* in, Bytes* out) override;
  grpc::ServerUnaryReactor* Write(Context* context, const Bytes* in, Bytes* out) override;
  grpc::ServerUnaryReactor* Status(Context* context, const Bytes* in, Bytes* out) override;
  grpc::ServerBidiReactor<Bytes, Bytes>* BulkWrite(Context* context) override {
    return bulks_.BulkWrite(context);
  }
  grpc::ServerWriteReactor<Bytes>* Watch(Context* context, const Bytes* in) override {
    return watches_.Watch(context, in);
  }

  size_t watches() const { return watches_.watches(); }
  const BulkBudget& bulk_budget() const { return bulks_.budget(); }

  // To be called when the published heads have changed.
  void HeadsChanged() { watches_.HeadsChanged(); }
  // Ends the streams, which would go on for ever.
  void Drain() {
    bulks_.Drain();
    watches_.Drain();
  }

 private:
  absl::Status ReadPage(const v1::ScanRequest& request, v1::ScanResponse* response) const;
  absl::Status ReadKey(const v1::GetRequest& request, v1::GetResponse* response) const;

  const Limits limits_;
  Shell* const shell_;
  const Store* const store_;
  const StatusFn status_;
  BulkService bulks_;
  WatchService watches_;
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SERVER_KV_SERVICE_H_
