// KvService over gRPC's callback API: parses, checks, and hands writes to the driver; reads go to the
// store at once, on the calling thread.
#ifndef LAMPPOST_SERVICES_KV_SERVER_KV_SERVICE_H_
#define LAMPPOST_SERVICES_KV_SERVER_KV_SERVICE_H_

#include <functional>
#include <utility>

#include "lamppost/kv/v1/kv_service.grpc.pb.h"
#include "services/kv/core/limits.h"
#include "services/kv/server/shell.h"
#include "services/kv/storage/storage.h"

namespace lamppost::kv {

// All methods take and give bytes; services/common/raw_call.h tells why.
using RawKvService = v1::KvService::WithRawCallbackMethod_Put<
    v1::KvService::WithRawCallbackMethod_Get<v1::KvService::WithRawCallbackMethod_Delete<
        v1::KvService::WithRawCallbackMethod_Scan<v1::KvService::WithRawCallbackMethod_Write<
            v1::KvService::WithRawCallbackMethod_Status<v1::KvService::Service>>>>>>;

class KvServiceImpl : public RawKvService {
 public:
  // Fills in the answer to Status; called on the driver's thread, within a group.
  using StatusFn = std::function<void(const Replica&, v1::StatusResponse*)>;
  using Context = grpc::CallbackServerContext;
  using Bytes = grpc::ByteBuffer;

  // All must outlive the service.
  KvServiceImpl(Limits limits, Shell* shell, const Store* store, StatusFn status)
      : limits_(limits), shell_(shell), store_(store), status_(std::move(status)) {}

  grpc::ServerUnaryReactor* Put(Context* context, const Bytes* in, Bytes* out) override;
  grpc::ServerUnaryReactor* Get(Context* context, const Bytes* in, Bytes* out) override;
  grpc::ServerUnaryReactor* Delete(Context* context, const Bytes* in, Bytes* out) override;
  grpc::ServerUnaryReactor* Scan(Context* context, const Bytes* in, Bytes* out) override;
  grpc::ServerUnaryReactor* Write(Context* context, const Bytes* in, Bytes* out) override;
  grpc::ServerUnaryReactor* Status(Context* context, const Bytes* in, Bytes* out) override;

 private:
  absl::Status ReadKey(const v1::GetRequest& request, v1::GetResponse* response) const;

  const Limits limits_;
  Shell* const shell_;
  const Store* const store_;
  const StatusFn status_;
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SERVER_KV_SERVICE_H_
