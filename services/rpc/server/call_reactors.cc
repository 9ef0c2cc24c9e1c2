#include "services/rpc/server/call_reactors.h"

#include <utility>

#include "lamppost/rpc/v1/function_service.pb.h"
#include "services/common/message_bytes.h"
#include "services/rpc/server/codec.h"

namespace lamppost::rpc {
namespace {

grpc::Status ConnectionLost() {
  return grpc::Status(grpc::StatusCode::UNAVAILABLE, "connection lost");
}

// Who may call anything hears that his request cannot be read.
template <typename Request>
absl::Status ParseAndAuthorize(const CallShell& shell, const grpc::CallbackServerContext& context,
                               const grpc::ByteBuffer& in, Request* request) {
  const absl::Status parsed = ParseMessage(in, request);
  if (shell.gate() == nullptr) return parsed;
  const absl::Status allowed = parsed.ok() ? shell.gate()->AuthorizeFunction(context, request->method())
                                           : shell.Authorize(context, security::Right::kCalls);
  return allowed.ok() ? parsed : allowed;
}

// The request's text in request_id, and the call begun or refused.
template <typename Request>
void ParseAndBegin(const CallShell& shell, const grpc::CallbackServerContext& context,
                   const grpc::ByteBuffer& in, std::string* request_id, CallFlow* flow) {
  Request request;
  if (absl::Status status = ParseAndAuthorize(shell, context, in, &request); !status.ok()) {
    return flow->Begin(0, std::move(status), in.Length());
  }
  *request_id = request.request_id();
  flow->Begin(request.clock().counter(), ToCallInput(request), in.Length());
}

}  // namespace

grpc::ServerUnaryReactor* UnaryCall::Start(const CallParts& parts, grpc::CallbackServerContext* context,
                                           const grpc::ByteBuffer& in, grpc::ByteBuffer* out) {
  const auto call = std::make_shared<UnaryCall>(parts, context, out);
  call->self_ = call;
  ParseAndBegin<v1::CallRequest>(*parts.shell, *context, in, &call->request_id_, call.get());
  return call.get();
}

void UnaryCall::Answer(const CallReply& reply) {
  v1::CallResponse response;
  if (absl::Status status = ToProto(reply.outcome, response.mutable_outcome()); !status.ok()) {
    return Fail(status);
  }
  shell()->Stamp(response.mutable_clock());
  response.set_request_id(request_id_);
  response.set_replayed(reply.replay == Replay::kReplayed);
  *out_ = MessageBytes(response);
  Finish(grpc::Status::OK);
}

void UnaryCall::Fail(const absl::Status& status) {
  Finish(shell()->Failure(context(), status));
}

void UnaryCall::Break() {
  Finish(ConnectionLost());
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* StreamedCall::Start(const CallParts& parts,
                                                                grpc::CallbackServerContext* context,
                                                                const grpc::ByteBuffer& in) {
  const auto call = std::make_shared<StreamedCall>(parts, context);
  call->self_ = call;
  ParseAndBegin<v1::CallStreamRequest>(*parts.shell, *context, in, &call->request_id_, call.get());
  return call.get();
}

void StreamedCall::Progressed(const Progress& progress) {
  absl::MutexLock lock(&write_mutex_);
  progress_ = progress;
  Continue();
}

void StreamedCall::Answer(const CallReply& reply) {
  v1::CallStreamResponse response;
  if (absl::Status status = ToProto(reply.outcome, response.mutable_outcome()); !status.ok()) {
    return Fail(status);
  }
  shell()->Stamp(response.mutable_clock());
  response.set_request_id(request_id_);
  response.set_replayed(reply.replay == Replay::kReplayed);
  End(MessageBytes(response), grpc::Status::OK);
}

void StreamedCall::Fail(const absl::Status& status) {
  End(std::nullopt, shell()->Failure(context(), status));
}

void StreamedCall::Break() {
  End(std::nullopt, ConnectionLost());
}

// Whoever calls this keeps the call alive: once it is finished gRPC may be done with it at any time.
void StreamedCall::End(std::optional<grpc::ByteBuffer> last, const grpc::Status& status) {
  absl::MutexLock lock(&write_mutex_);
  progress_.reset();
  last_ = std::move(last);
  end_ = status;
  Continue();
}

void StreamedCall::OnWriteDone(bool ok) {
  absl::MutexLock lock(&write_mutex_);
  writing_ = false;
  if (!ok) {  // the client has gone; OnCancel sees to the rest
    progress_.reset();
    last_.reset();
  }
  Continue();
}

// gRPC runs no reaction within StartWrite and Finish, so the mutex may be held.
void StreamedCall::Continue() {
  if (writing_) return;
  if (progress_) {
    v1::CallStreamResponse response;
    shell()->Stamp(response.mutable_clock());
    response.set_request_id(request_id_);
    ToProto(*progress_, response.mutable_progress());
    progress_.reset();
    writing_bytes_ = MessageBytes(response);
  } else if (last_) {
    writing_bytes_ = *std::move(last_);
    last_.reset();
  } else {
    if (end_) Finish(*std::exchange(end_, std::nullopt));
    return;
  }
  writing_ = true;
  StartWrite(&writing_bytes_);
}

}  // namespace lamppost::rpc
