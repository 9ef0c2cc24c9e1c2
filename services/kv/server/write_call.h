// A unary call that writes: a proposal is made of it, and it is answered when the replica has done that.
#ifndef LAMPPOST_SERVICES_KV_SERVER_WRITE_CALL_H_
#define LAMPPOST_SERVICES_KV_SERVER_WRITE_CALL_H_

#include <memory>
#include <utility>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "grpcpp/grpcpp.h"
#include "lamppost/kv/v1/conflicts.pb.h"
#include "services/common/clock_proto.h"
#include "services/common/raw_call.h"
#include "services/kv/core/limits.h"
#include "services/kv/server/codec.h"
#include "services/kv/server/read_call.h"
#include "services/kv/server/shell.h"
#include "services/kv/server/wait_limit.h"

namespace lamppost::kv {

// What each of the responses has beside what all have.
inline void SetOwn(const WriteResult&, v1::PutResponse*) {}
inline void SetOwn(const WriteResult&, v1::WriteResponse*) {}
inline void SetOwn(const WriteResult& result, v1::DeleteResponse* response) {
  response->set_found(result.found);
}
inline void SetOwn(const WriteResult& result, v1::ResolveConflictResponse* response) {
  response->set_resolved(static_cast<uint32_t>(result.settled));
  response->set_has_more(result.has_more);
}

// One write on its way through the driver; deletes itself when it is answered.
template <typename Call>
class WriteCall : public WriteWaiter {
 public:
  WriteCall(std::unique_ptr<Call> call, const PublishedHeads* heads)
      : call_(std::move(call)), heads_(heads) {}

  void Done(const absl::StatusOr<WriteResult>& result) override {
    const std::unique_ptr<WriteCall> self(this);
    if (!result.ok()) return Call::Fail(std::move(call_), result.status());
    lamppost::ToProto(result->version, call_->response()->mutable_version());
    call_->response()->set_replayed(result->replayed);
    call_->response()->set_replicas(static_cast<uint32_t>(result->replicas));
    SetOwn(*result, call_->response());
    FillSession(result->version);
    Call::Answer(std::move(call_));
  }

 private:
  // The version is among what was committed, unless it is that of an earlier attempt at another node, which
  // came as part of a Sync that has not ended: whoever has been told of a write is to find it.
  void FillSession(const Timestamp& version) {
    const std::shared_ptr<const Heads> committed = heads_->Now().written;
    if (committed->Covers(version)) return ToProto(*committed, call_->response()->mutable_session());
    Heads raised = *committed;
    raised.Raise(version.origin, version.counter);
    ToProto(raised, call_->response()->mutable_session());
  }

  std::unique_ptr<Call> call_;
  const PublishedHeads* const heads_;
};

template <typename Request, typename Response>
grpc::ServerUnaryReactor* HandleWrite(const Limits& limits, Shell* shell,
                                      grpc::CallbackServerContext* context, const grpc::ByteBuffer* in,
                                      grpc::ByteBuffer* out, security::Right right) {
  // How long a write may wait for other members if its caller sets no deadline.
  constexpr absl::Duration kReplicasWaitMax = absl::Seconds(60);
  using Call = RawCall<Request, Response>;
  const auto propose = [limits, shell, kReplicasWaitMax](std::unique_ptr<Call> call) {
    absl::StatusOr<Proposal> proposal = ToProposal(call->request());
    if (!proposal.ok()) return Call::Fail(std::move(call), proposal.status());
    if (absl::Status status = CheckProposal(*proposal, limits); !status.ok()) {
      return Call::Fail(std::move(call), status);
    }
    if (proposal->replicas > 1) {
      const absl::Duration left = absl::FromChrono(call->deadline()) - absl::Now();
      proposal->replicas_until_ms =
          MonotonicMs() + absl::ToInt64Milliseconds(WaitLimit(left, kReplicasWaitMax));
    }
    const uint64_t bytes = call->request().ByteSizeLong();
    auto* const waiter = new WriteCall<Call>(std::move(call), shell->driver()->published());
    shell->driver()->Propose(*std::move(proposal), bytes, waiter);
  };
  return BeginCall<Request, Response>(shell, context, in, out, right, propose, HighestCounter());
}

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SERVER_WRITE_CALL_H_
