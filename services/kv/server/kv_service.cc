#include "services/kv/server/kv_service.h"

#include <memory>
#include <utility>

#include "services/common/clock_proto.h"
#include "services/common/error.h"
#include "services/common/raw_call.h"
#include "services/kv/core/record.h"
#include "services/kv/server/codec.h"
#include "services/kv/server/scan.h"

namespace lamppost::kv {
namespace {

using grpc::ByteBuffer;
using grpc::CallbackServerContext;
using grpc::ServerUnaryReactor;

void SetFound(const WriteResult& result, v1::DeleteResponse* response) {
  response->set_found(result.found);
}
void SetFound(const WriteResult&, v1::PutResponse*) {}
void SetFound(const WriteResult&, v1::WriteResponse*) {}

// One write on its way through the driver; deletes itself when it is answered.
template <typename Call>
class WriteCall : public WriteWaiter {
 public:
  explicit WriteCall(std::unique_ptr<Call> call) : call_(std::move(call)) {}

  void Done(const absl::StatusOr<WriteResult>& result) override {
    const std::unique_ptr<WriteCall> self(this);
    if (!result.ok()) return Call::Fail(std::move(call_), result.status());
    lamppost::ToProto(result->version, call_->response()->mutable_version());
    call_->response()->set_replayed(result->replayed);
    SetFound(*result, call_->response());
    Call::Answer(std::move(call_));
  }

 private:
  std::unique_ptr<Call> call_;
};

template <typename Request, typename Response>
ServerUnaryReactor* HandleWrite(const Limits& limits, Shell* shell, CallbackServerContext* context,
                                const ByteBuffer* in, ByteBuffer* out) {
  using Call = RawCall<Request, Response>;
  return BeginCall<Request, Response>(shell, context, in, out, [limits, shell](std::unique_ptr<Call> call) {
    absl::StatusOr<Proposal> proposal = ToProposal(call->request());
    if (!proposal.ok()) return Call::Fail(std::move(call), proposal.status());
    if (absl::Status status = CheckProposal(*proposal, limits); !status.ok()) {
      return Call::Fail(std::move(call), status);
    }
    const uint64_t bytes = call->request().ByteSizeLong();
    shell->driver()->Propose(*std::move(proposal), bytes, new WriteCall<Call>(std::move(call)));
  });
}

template <typename Request, typename Response, typename Read>
ServerUnaryReactor* HandleRead(Shell* shell, CallbackServerContext* context, const ByteBuffer* in,
                               ByteBuffer* out, Read read) {
  using Call = RawCall<Request, Response>;
  return BeginCall<Request, Response>(shell, context, in, out, [read](std::unique_ptr<Call> call) {
    const absl::Status status = read(call->request(), call->response());
    if (!status.ok()) return Call::Fail(std::move(call), status);
    Call::Answer(std::move(call));
  });
}

// A Status call that waits for the driver. Tasks are copied, hence shared; one that a stopping driver drops
// ends the call all the same.
template <typename Call>
struct StatusCall {
  explicit StatusCall(std::unique_ptr<Call> pending) : call(std::move(pending)) {}
  ~StatusCall() {
    if (call == nullptr) return;
    Call::Fail(std::move(call), MakeRetryableError(absl::StatusCode::kUnavailable, "SHUTTING_DOWN",
                                                   "the node is shutting down", 1000));
  }
  std::unique_ptr<Call> call;
};

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
    return ScanPage(*store_, request, response);
  };
  return HandleRead<v1::ScanRequest, v1::ScanResponse>(shell_, context, in, out, read);
}

absl::Status KvServiceImpl::ReadKey(const v1::GetRequest& request, v1::GetResponse* response) const {
  if (absl::Status status = CheckKey(request.key()); !status.ok()) return status;
  absl::StatusOr<std::optional<std::string>> bytes = store_->Get(Space::kData, request.key());
  if (!bytes.ok()) return bytes.status();
  if (!*bytes) return absl::OkStatus();
  absl::StatusOr<Version> version = DecodeVersion(**bytes);
  if (!version.ok()) return version.status();
  lamppost::ToProto(version->timestamp, response->mutable_version());
  if (version->IsTombstone()) return absl::OkStatus();
  response->set_found(true);
  ToProto(*version->value, response->mutable_value());
  return absl::OkStatus();
}

ServerUnaryReactor* KvServiceImpl::Status(Context* context, const Bytes* in, Bytes* out) {
  using Call = RawCall<v1::StatusRequest, v1::StatusResponse>;
  const auto ask = [this](std::unique_ptr<Call> call) {
    auto pending = std::make_shared<StatusCall<Call>>(std::move(call));
    shell_->driver()->Post([this, pending](Replica* replica) {
      status_(*replica, pending->call->response());
      Call::Answer(std::move(pending->call));
    });
  };
  return BeginCall<v1::StatusRequest, v1::StatusResponse>(shell_, context, in, out, ask);
}

}  // namespace lamppost::kv
