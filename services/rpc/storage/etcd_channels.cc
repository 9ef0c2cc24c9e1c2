#include "services/rpc/storage/etcd_channels.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "services/common/error.h"

namespace lamppost::rpc {
namespace {

// A page of the largest records that etcd takes by default.
constexpr int kResponseBytesMax = 160 << 20;
// etcd ends connections that are pinged more often than every 5 s.
constexpr int kKeepaliveTimeMs = 10'000;
constexpr int kKeepaliveTimeoutMs = 3000;
constexpr int kBackoffMinMs = 100;
constexpr int kBackoffMaxMs = 1000;
constexpr int kConnectTimeoutMs = 1000;
constexpr int64_t kRetryDelayMs = 500;

std::shared_ptr<grpc::Channel> MakeChannel(const Address& address) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kResponseBytesMax);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveTimeMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kBackoffMinMs);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kConnectTimeoutMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kBackoffMaxMs);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  return grpc::CreateCustomChannel(address.Target(), grpc::InsecureChannelCredentials(), arguments);
}

// True if etcd has understood and said no. Of anything else nobody knows: a member that is stopping, one
// that has lost its leader, and a connection that broke speak in many codes.
bool IsRefusal(grpc::StatusCode code) {
  return code == grpc::StatusCode::INVALID_ARGUMENT || code == grpc::StatusCode::PERMISSION_DENIED ||
         code == grpc::StatusCode::UNAUTHENTICATED || code == grpc::StatusCode::UNIMPLEMENTED;
}

}  // namespace

EtcdChannels::EtcdChannels(const std::vector<Address>& addresses) {
  for (const Address& address : addresses) {
    const std::shared_ptr<grpc::Channel> channel = MakeChannel(address);
    endpoints_.push_back(
        {address.HostPort(), etcdserverpb::KV::NewStub(channel), etcdserverpb::Lease::NewStub(channel)});
  }
}

absl::Status EtcdChannels::Settle(size_t index, const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  const std::string message =
      absl::StrCat("etcd at ", endpoints_[index].address, ": ", status.error_message());
  if (IsRefusal(status.error_code())) {
    return MakeError(static_cast<absl::StatusCode>(status.error_code()), "REQUEST_STORE_REFUSED", message);
  }
  // Unless someone else has moved on already.
  size_t expected = index;
  present_.compare_exchange_strong(expected, (index + 1) % endpoints_.size());
  return MakeRetryableError(absl::StatusCode::kUnavailable, "REQUEST_STORE_UNAVAILABLE", message,
                            kRetryDelayMs);
}

absl::Status EtcdChannels::Call(absl::Duration timeout, const CallFn& call) {
  const size_t index = present();
  grpc::ClientContext context;
  SetTimeout(timeout, &context);
  return Settle(index, call(endpoints_[index], &context));
}

absl::StatusOr<etcdserverpb::TxnResponse> EtcdChannels::Txn(absl::Duration timeout,
                                                            const etcdserverpb::TxnRequest& request) {
  etcdserverpb::TxnResponse response;
  // By gRPC's callbacks, whose threads also carry on what happens between calls. A thread that only makes
  // calls now and then would never see a connection made: each call fails at once while there is none.
  const auto call = [&](const Endpoint& endpoint, grpc::ClientContext* context) {
    absl::Notification done;
    grpc::Status result;
    endpoint.kv->async()->Txn(context, &request, &response, [&](grpc::Status status) {
      result = std::move(status);
      done.Notify();
    });
    done.WaitForNotification();
    return result;
  };
  const absl::Status status = Call(timeout, call);
  if (!status.ok()) return status;
  return response;
}

std::string EtcdChannels::Describe() const {
  return absl::StrJoin(endpoints_, ", ", [](std::string* out, const Endpoint& endpoint) {
    absl::StrAppend(out, endpoint.address);
  });
}

void SetTimeout(absl::Duration timeout, grpc::ClientContext* context) {
  context->set_deadline(absl::ToChronoTime(absl::Now() + timeout));
}

}  // namespace lamppost::rpc
