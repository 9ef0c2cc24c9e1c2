#include "services/rpc/storage/etcd_lease.h"

#include <algorithm>
#include <utility>

#include "services/common/error.h"
#include "services/rpc/storage/owner_name.h"

namespace lamppost::rpc {
namespace {

constexpr absl::Duration kCallTimeout = absl::Seconds(2);
constexpr absl::Duration kRetryInterval = absl::Milliseconds(200);

}  // namespace

absl::Status EtcdLease::Start() {
  if (absl::Status status = TakeName(); !status.ok()) return status;
  thread_ = std::thread([this] { Run(); });
  return absl::OkStatus();
}

void EtcdLease::Stop(End end) {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  if (!thread_.joinable()) return;
  thread_.join();
  if (end == End::kAbandon) return;
  etcdserverpb::LeaseRevokeRequest request;
  request.set_id(lease_);
  // If it cannot be had, the lease ends by itself.
  channels_
      ->Call(kCallTimeout,
             [&](const EtcdChannels::Endpoint& endpoint, grpc::ClientContext* context) {
               etcdserverpb::LeaseRevokeResponse response;
               return endpoint.lease->LeaseRevoke(context, request, &response);
             })
      .IgnoreError();
}

std::string EtcdLease::owner() const {
  absl::MutexLock lock(&mutex_);
  return owner_;
}

// A lease that was granted for a name that could not be written ends by itself.
absl::Status EtcdLease::TakeName() {
  etcdserverpb::LeaseGrantRequest request;
  request.set_ttl(ttl_s_);
  etcdserverpb::LeaseGrantResponse granted;
  const absl::Status status = channels_->Call(
      kCallTimeout, [&](const EtcdChannels::Endpoint& endpoint, grpc::ClientContext* context) {
        return endpoint.lease->LeaseGrant(context, request, &granted);
      });
  if (!status.ok()) return status;
  const std::string name = MakeOwnerName();
  const auto added = channels_->Txn(kCallTimeout, codec_->EncodeAddOwner(name, granted.id()));
  if (!added.ok()) return added.status();
  if (!added->succeeded()) {
    return MakeError(absl::StatusCode::kUnavailable, "REQUEST_STORE_UNAVAILABLE", "an owner's name is taken");
  }
  lease_ = granted.id();
  granted_ = absl::Seconds(std::max<int64_t>(granted.ttl(), 1));
  absl::MutexLock lock(&mutex_);
  owner_ = name;
  return absl::OkStatus();
}

absl::StatusOr<EtcdLease::Life> EtcdLease::KeepAlive() {
  etcdserverpb::LeaseKeepAliveRequest request;
  request.set_id(lease_);
  etcdserverpb::LeaseKeepAliveResponse response;
  // A stream for one question: so that each goes to whichever endpoint answers.
  const auto ask = [&](const EtcdChannels::Endpoint& endpoint, grpc::ClientContext* context) {
    const auto stream = endpoint.lease->LeaseKeepAlive(context);
    const bool is_answered = stream->Write(request) && stream->Read(&response);
    stream->WritesDone();
    const grpc::Status status = stream->Finish();
    if (is_answered) return grpc::Status::OK;
    return status.ok() ? grpc::Status(grpc::StatusCode::UNAVAILABLE, "the stream ended") : status;
  };
  const absl::Status status = channels_->Call(std::min(kCallTimeout, granted_ / 3), ask);
  if (!status.ok()) return status;
  return response.ttl() > 0 ? Life::kGoesOn : Life::kOver;
}

void EtcdLease::Run() {
  Life life = Life::kGoesOn;
  absl::Duration pause = granted_ / 3;
  while (Wait(pause)) {
    pause = kRetryInterval;
    if (life == Life::kGoesOn) {
      const absl::StatusOr<Life> found = KeepAlive();
      if (!found.ok()) continue;
      life = *found;
    }
    // At once: until it has a name the fleet takes this server for dead.
    if (life == Life::kOver) {
      if (!TakeName().ok()) continue;
      life = Life::kGoesOn;
    }
    pause = granted_ / 3;
  }
}

bool EtcdLease::Wait(absl::Duration duration) {
  absl::MutexLock lock(&mutex_);
  return !mutex_.AwaitWithTimeout(absl::Condition(&stopping_), duration);
}

}  // namespace lamppost::rpc
