// KvService over gRPC's callback API: decodes, checks, and hands writes to the driver; reads go to the
// store at once, on the calling thread.
#ifndef LAMPPOST_SERVICES_KV_SERVER_KV_SERVICE_H_
#define LAMPPOST_SERVICES_KV_SERVER_KV_SERVICE_H_

#include <functional>

#include "lamppost/kv/v1/kv_service.grpc.pb.h"
#include "services/kv/core/limits.h"
#include "services/kv/server/shell.h"
#include "services/kv/storage/storage.h"

namespace lamppost::kv {

class KvServiceImpl : public v1::KvService::CallbackService {
 public:
  // Fills in the answer to Status; called on the driver's thread, within a group.
  using StatusFn = std::function<void(const Replica&, v1::StatusResponse*)>;

  // All must outlive the service.
  KvServiceImpl(Limits limits, Shell* shell, const Store* store, StatusFn status)
      : limits_(limits), shell_(shell), store_(store), status_(std::move(status)) {}

  grpc::ServerUnaryReactor* Put(grpc::CallbackServerContext* context, const v1::PutRequest* request,
                                v1::PutResponse* response) override;
  grpc::ServerUnaryReactor* Get(grpc::CallbackServerContext* context, const v1::GetRequest* request,
                                v1::GetResponse* response) override;
  grpc::ServerUnaryReactor* Delete(grpc::CallbackServerContext* context, const v1::DeleteRequest* request,
                                   v1::DeleteResponse* response) override;
  grpc::ServerUnaryReactor* Scan(grpc::CallbackServerContext* context, const v1::ScanRequest* request,
                                 v1::ScanResponse* response) override;
  grpc::ServerUnaryReactor* Write(grpc::CallbackServerContext* context, const v1::WriteRequest* request,
                                  v1::WriteResponse* response) override;
  grpc::ServerUnaryReactor* Status(grpc::CallbackServerContext* context, const v1::StatusRequest* request,
                                   v1::StatusResponse* response) override;

 private:
  template <typename Request, typename Response>
  grpc::ServerUnaryReactor* HandleWrite(grpc::CallbackServerContext* context, const Request* request,
                                        Response* response);
  template <typename Request, typename Response>
  grpc::ServerUnaryReactor* HandleRead(grpc::CallbackServerContext* context, const Request* request,
                                       Response* response,
                                       absl::Status (KvServiceImpl::*read)(const Request&, Response*) const);
  absl::Status ReadKey(const v1::GetRequest& request, v1::GetResponse* response) const;
  absl::Status ReadPage(const v1::ScanRequest& request, v1::ScanResponse* response) const;

  const Limits limits_;
  Shell* const shell_;
  const Store* const store_;
  const StatusFn status_;
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SERVER_KV_SERVICE_H_
