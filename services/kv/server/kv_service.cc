#include "services/kv/server/kv_service.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "services/common/clock_proto.h"
#include "services/common/raw_call.h"
#include "services/kv/core/record.h"
#include "services/kv/server/codec.h"
#include "services/kv/server/pending_call.h"
#include "services/kv/server/read_session.h"
#include "services/kv/server/scan.h"
#include "services/kv/server/wait_limit.h"
#include "services/kv/server/wall_clock.h"

namespace lamppost::kv {
namespace {

using grpc::ByteBuffer;
using grpc::CallbackServerContext;
using grpc::ServerUnaryReactor;

// How long a write may wait for other members if its caller sets no deadline.
constexpr absl::Duration kReplicasWaitMax = absl::Seconds(60);

// The counter that a request brings: its clock's, or a higher one of its session's. A session that is
// malformed is refused, so it must not move the clock.
struct HighestCounter {
  template <typename Request>
  uint64_t operator()(const Request& request) const {
    const uint64_t counter = request.clock().counter();
    if (request.session().heads().empty()) return counter;
    const absl::StatusOr<Heads> session = FromProto(request.session());
    return session.ok() ? std::max(counter, session->Max()) : counter;
  }
};

void SetFound(const WriteResult& result, v1::DeleteResponse* response) {
  response->set_found(result.found);
}
void SetFound(const WriteResult&, v1::PutResponse*) {}
void SetFound(const WriteResult&, v1::WriteResponse*) {}

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
    SetFound(*result, call_->response());
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
ServerUnaryReactor* HandleWrite(const Limits& limits, Shell* shell, CallbackServerContext* context,
                                const ByteBuffer* in, ByteBuffer* out) {
  using Call = RawCall<Request, Response>;
  const auto propose = [limits, shell](std::unique_ptr<Call> call) {
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
  return BeginCall<Request, Response>(shell, context, in, out, propose, HighestCounter());
}

template <typename Request, typename Response, typename Read>
ServerUnaryReactor* HandleRead(Shell* shell, CallbackServerContext* context, const ByteBuffer* in,
                               ByteBuffer* out, Read read) {
  using Call = RawCall<Request, Response>;
  const auto answer = [read](std::unique_ptr<Call> call, absl::Status status) {
    if (status.ok()) status = read(call->request(), call->response());
    if (!status.ok()) return Call::Fail(std::move(call), status);
    Call::Answer(std::move(call));
  };
  const auto wait = [shell, answer](std::unique_ptr<Call> call) {
    if (call->request().session().heads().empty()) return answer(std::move(call), absl::OkStatus());
    absl::StatusOr<Heads> session = FromProto(call->request().session());
    if (!session.ok()) return Call::Fail(std::move(call), session.status());
    const absl::Time deadline = absl::FromChrono(call->deadline());
    // std::function wants to be copied, so the call travels as a plain pointer.
    Call* const owned = call.release();
    shell->sessions()->Wait(
        *std::move(session), deadline, [owned] { return owned->IsCancelled(); },
        [owned, answer](const absl::Status& status) { answer(std::unique_ptr<Call>(owned), status); });
  };
  return BeginCall<Request, Response>(shell, context, in, out, wait, HighestCounter());
}

}  // namespace

ServerUnaryReactor* KvServiceImpl::Put(Context* context, const Bytes* in, Bytes* out) {
  return HandleWrite<v1::PutRequest, v1::PutResponse>(limits_, shell_, context, in, out);
}

ServerUnaryReactor* KvServiceImpl::Delete(Context* context, const Bytes* in, Bytes* out) {
  return HandleWrite<v1::DeleteRequest, v1::DeleteResponse>(limits_, shell_, context, in, out);
}

ServerUnaryReactor* KvServiceImpl::Write(Context* context, const Bytes* in, Bytes* out) {
  return HandleWrite<v1::WriteRequest, v1::WriteResponse>(limits_, shell_, context, in, out);
}

ServerUnaryReactor* KvServiceImpl::Get(Context* context, const Bytes* in, Bytes* out) {
  const auto read = [this](const v1::GetRequest& request, v1::GetResponse* response) {
    if (absl::Status status = shell_->CheckReadable(); !status.ok()) return status;
    return ReadKey(request, response);
  };
  return HandleRead<v1::GetRequest, v1::GetResponse>(shell_, context, in, out, read);
}

ServerUnaryReactor* KvServiceImpl::Scan(Context* context, const Bytes* in, Bytes* out) {
  const auto read = [this](const v1::ScanRequest& request, v1::ScanResponse* response) {
    if (absl::Status status = shell_->CheckReadable(); !status.ok()) return status;
    return ReadPage(request, response);
  };
  return HandleRead<v1::ScanRequest, v1::ScanResponse>(shell_, context, in, out, read);
}

// Whoever goes on with a watch from the page's session relies on having seen all that it covers.
absl::Status KvServiceImpl::ReadPage(const v1::ScanRequest& request, v1::ScanResponse* response) const {
  constexpr int kTriesMax = 5;
  for (int tries = 1;; ++tries) {
    ReadSession session(shell_->driver()->published());
    const absl::Status status = ScanPage(*store_, request, &session, response);
    if (!status.ok() || !session.HasRaced() || tries == kTriesMax) return status;
    response->Clear();
    session.AwaitCommit();
  }
}

absl::Status KvServiceImpl::ReadKey(const v1::GetRequest& request, v1::GetResponse* response) const {
  if (absl::Status status = CheckKey(request.key()); !status.ok()) return status;
  ReadSession session(shell_->driver()->published());
  absl::StatusOr<std::optional<std::string>> bytes = store_->Get(Space::kData, request.key());
  if (!bytes.ok()) return bytes.status();
  session.HasRead();
  if (!*bytes) {
    session.Fill(response->mutable_session());
    return absl::OkStatus();
  }
  absl::StatusOr<Version> version = DecodeVersion(**bytes);
  if (!version.ok()) return version.status();
  session.Saw(version->timestamp);
  session.Fill(response->mutable_session());
  lamppost::ToProto(version->timestamp, response->mutable_version());
  if (!version->IsVisible(UnixMs())) return absl::OkStatus();
  response->set_found(true);
  ToProto(*version->value, response->mutable_value());
  if (version->expires_unix_ms != 0) ToProto(version->expires_unix_ms, response->mutable_expires_at());
  return absl::OkStatus();
}

ServerUnaryReactor* KvServiceImpl::Status(Context* context, const Bytes* in, Bytes* out) {
  using Call = RawCall<v1::StatusRequest, v1::StatusResponse>;
  const auto ask = [this](std::unique_ptr<Call> call) {
    auto pending = std::make_shared<PendingCall<Call>>(std::move(call));
    shell_->driver()->Post([this, pending](Replica* replica) {
      status_(*replica, pending->call->response());
      Call::Answer(std::move(pending->call));
    });
  };
  return BeginCall<v1::StatusRequest, v1::StatusResponse>(shell_, context, in, out, ask);
}

}  // namespace lamppost::kv
