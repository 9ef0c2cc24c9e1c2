// Connections to the members of one etcd cluster. Calls go to one of them until it fails, then to the next.
#ifndef LAMPPOST_SERVICES_RPC_STORAGE_ETCD_CHANNELS_H_
#define LAMPPOST_SERVICES_RPC_STORAGE_ETCD_CHANNELS_H_

#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "etcd/rpc.grpc.pb.h"
#include "services/common/listen_address.h"

namespace lamppost::rpc {

// Thread-safe. Connects when it is first called.
class EtcdChannels {
 public:
  struct Endpoint {
    std::string address;  // host:port
    std::unique_ptr<etcdserverpb::KV::Stub> kv;
    std::unique_ptr<etcdserverpb::Lease::Stub> lease;
  };
  using CallFn = std::function<grpc::Status(const Endpoint&, grpc::ClientContext*)>;

  // At least one address.
  explicit EtcdChannels(const std::vector<Address>& addresses);

  // The endpoint that calls go to now.
  size_t present() const { return present_.load(std::memory_order_relaxed); }
  const Endpoint& endpoint(size_t index) const { return endpoints_[index]; }
  // What came of a call to this endpoint. If it may go better later or elsewhere, calls go to the next
  // endpoint from here on, and the error is UNAVAILABLE (REQUEST_STORE_UNAVAILABLE, with a retry delay):
  // whether the call has taken effect is not known. If not: REQUEST_STORE_REFUSED.
  absl::Status Settle(size_t index, const grpc::Status& status);

  // Makes one call, on this thread, to the present endpoint. Errors as above.
  absl::Status Call(absl::Duration timeout, const CallFn& call);
  absl::StatusOr<etcdserverpb::TxnResponse> Txn(absl::Duration timeout,
                                                const etcdserverpb::TxnRequest& request);

  // "host:2379, host2:2379", for messages.
  std::string Describe() const;

 private:
  std::vector<Endpoint> endpoints_;
  std::atomic<size_t> present_{0};
};

// The context of a call that ends after this time.
void SetTimeout(absl::Duration timeout, grpc::ClientContext* context);

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_STORAGE_ETCD_CHANNELS_H_
