#include "services/rpc/storage/etcd_request_store.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/common/error.h"

namespace lamppost::rpc {
namespace {

constexpr absl::Duration kSetUpCallTimeout =
    absl::Seconds(1);  // so that a dead endpoint leaves time for others
constexpr absl::Duration kSetUpRetryInterval = absl::Milliseconds(50);
constexpr int64_t kLeaseTtlMaxS = 3600;

absl::Status CheckOptions(const EtcdOptions& options) {
  if (!options.address.endpoints.empty() && options.lease_ttl_s >= 1 &&
      options.lease_ttl_s <= kLeaseTtlMaxS && options.call_timeout_ms > 0 && options.calls_max > 0) {
    return absl::OkStatus();
  }
  return MakeError(absl::StatusCode::kInvalidArgument, "REQUEST_STORE_OPTIONS_INVALID",
                   absl::StrCat("etcd needs an endpoint, a lease of 1 to ", kLeaseTtlMaxS,
                                " s, time for a call, and one call at a time at least"));
}

}  // namespace

// One operation on its way.
struct EtcdRequestStore::Call {
  uint64_t ticket = 0;
  NumberedOperation operation;
  size_t endpoint = 0;
  grpc::ClientContext context;
  etcdserverpb::TxnRequest request;
  etcdserverpb::TxnResponse response;
};

EtcdRequestStore::EtcdRequestStore(EtcdOptions options)
    : options_(std::move(options)),
      codec_(options_.address.name),
      channels_(options_.address.endpoints),
      lease_(&channels_, &codec_, options_.lease_ttl_s),
      order_(options_.calls_max) {}

EtcdRequestStore::~EtcdRequestStore() {
  Finish(EtcdLease::End::kAbandon);
}

absl::Status EtcdRequestStore::Start(AnswerFn on_answers) {
  if (absl::Status status = CheckOptions(options_); !status.ok()) return status;
  on_answers_ = std::move(on_answers);
  const absl::Time deadline = absl::Now() + absl::Milliseconds(options_.start_timeout_ms);
  while (true) {
    absl::Status status = SetUp();
    if (status.ok()) status = lease_.Start();
    if (status.code() != absl::StatusCode::kUnavailable) return status;
    if (absl::Now() >= deadline) {
      return MakeError(
          absl::StatusCode::kUnavailable, "REQUEST_STORE_UNAVAILABLE",
          absl::StrCat("no etcd of ", channels_.Describe(), " has answered within ",
                       options_.start_timeout_ms, " ms; the last one asked: ", status.message()));
    }
    absl::SleepFor(kSetUpRetryInterval);
  }
}

absl::Status EtcdRequestStore::SetUp() {
  const auto made = channels_.Txn(kSetUpCallTimeout, codec_.EncodeSetUp());
  if (!made.ok()) return made.status();
  const auto read = channels_.Txn(kSetUpCallTimeout, codec_.EncodeReadClock());
  if (!read.ok()) return read.status();
  const absl::StatusOr<uint64_t> limit = codec_.DecodeReadClock(*read);
  if (!limit.ok()) return limit.status();
  clock_start_ = *limit;
  return absl::OkStatus();
}

void EtcdRequestStore::Stop() {
  Finish(EtcdLease::End::kRevoke);
}

// The lease goes last: what is under way belongs to a server that lives.
void EtcdRequestStore::Finish(EtcdLease::End end) {
  {
    absl::MutexLock lock(&mutex_);
    send_until_ = std::min(send_until_, absl::Now() + absl::Milliseconds(options_.stop_timeout_ms));
    const auto is_idle = [this]()
                             ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return calls_ == 0 && order_.empty(); };
    mutex_.Await(absl::Condition(&is_idle));
  }
  lease_.Stop(end);
}

void EtcdRequestStore::Submit(std::vector<NumberedOperation> operations) {
  std::vector<OperationOrder::Begun> begun;
  {
    absl::MutexLock lock(&mutex_);
    for (NumberedOperation& operation : operations) order_.Add(std::move(operation));
    begun = TakeReady();
  }
  Send(std::move(begun));
}

std::vector<OperationOrder::Begun> EtcdRequestStore::TakeReady() {
  std::vector<OperationOrder::Begun> taken;
  while (std::optional<OperationOrder::Begun> begun = order_.Begin()) {
    if (absl::Now() <= send_until_) {
      ++calls_;
      taken.push_back(*std::move(begun));
      continue;
    }
    StoreAnswer answer;
    answer.number = begun->operation.number;
    answer.status = MakeError(absl::StatusCode::kUnavailable, "REQUEST_STORE_UNAVAILABLE",
                              "the server has stopped before this could be sent to etcd");
    answers_.push_back(std::move(answer));
    order_.Done(begun->ticket);
  }
  return taken;
}

void EtcdRequestStore::Send(std::vector<OperationOrder::Begun> begun) {
  for (OperationOrder::Begun& next : begun) {
    auto call = std::make_shared<Call>();
    call->ticket = next.ticket;
    call->operation = std::move(next.operation);
    call->endpoint = channels_.present();
    call->request = codec_.Encode(call->operation.operation);
    SetTimeout(absl::Milliseconds(options_.call_timeout_ms), &call->context);
    channels_.endpoint(call->endpoint)
        .kv->async()
        ->Txn(&call->context, &call->request, &call->response,
              [this, call](const grpc::Status& status) mutable { Answered(std::move(call), status); });
  }
}

// The call goes before this object may: its context holds the channel, and a channel whose last holder is one
// of gRPC's own threads waits, in its end, for that thread.
void EtcdRequestStore::Answered(std::shared_ptr<Call> call, const grpc::Status& status) {
  StoreAnswer answer;
  if (absl::Status settled = channels_.Settle(call->endpoint, status); settled.ok()) {
    answer = codec_.Decode(call->operation, call->response);
  } else {
    answer.number = call->operation.number;
    answer.status = std::move(settled);
  }
  std::vector<OperationOrder::Begun> begun;
  {
    absl::MutexLock lock(&mutex_);
    answers_.push_back(std::move(answer));
    order_.Done(call->ticket);
    begun = TakeReady();
  }
  call.reset();
  Send(std::move(begun));
  Deliver();
  absl::MutexLock lock(&mutex_);
  --calls_;
}

// Whoever comes while another thread delivers leaves its answer to that one.
void EtcdRequestStore::Deliver() {
  absl::MutexLock lock(&mutex_);
  if (delivering_) return;
  delivering_ = true;
  while (!answers_.empty()) {
    std::vector<StoreAnswer> answers = std::exchange(answers_, {});
    mutex_.Unlock();
    on_answers_(std::move(answers));
    mutex_.Lock();
  }
  delivering_ = false;
}

}  // namespace lamppost::rpc
