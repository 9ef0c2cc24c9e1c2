// AdminService's calls about faults on links.
#ifndef LAMPPOST_SERVICES_KV_SERVER_FAULT_ADMIN_H_
#define LAMPPOST_SERVICES_KV_SERVER_FAULT_ADMIN_H_

#include <memory>

#include "lamppost/kv/v1/faults.pb.h"
#include "services/common/raw_call.h"
#include "services/kv/server/faulty_outbox.h"
#include "services/kv/server/shell.h"

namespace lamppost::kv {

// Thread-safe.
class FaultAdmin {
 public:
  using SetCall = RawCall<v1::SetLinkFaultRequest, v1::SetLinkFaultResponse>;
  using ClearCall = RawCall<v1::ClearLinkFaultsRequest, v1::ClearLinkFaultsResponse>;
  using ListCall = RawCall<v1::ListLinkFaultsRequest, v1::ListLinkFaultsResponse>;

  // Both must outlive it. faults: null if the node was not started with --enable-faults; then all calls fail.
  FaultAdmin(Shell* shell, FaultyOutbox* faults) : shell_(shell), faults_(faults) {}

  // Each ends its call, soon or later.
  void Set(std::unique_ptr<SetCall> call);
  void Clear(std::unique_ptr<ClearCall> call);
  void List(std::unique_ptr<ListCall> call);

 private:
  Shell* const shell_;
  FaultyOutbox* const faults_;
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SERVER_FAULT_ADMIN_H_
