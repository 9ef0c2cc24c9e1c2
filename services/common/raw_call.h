// A unary call as it comes off the wire. gRPC's generated handlers answer a request that cannot be parsed
// (a key that is not UTF-8 among them) with a bare UNIMPLEMENTED; the server says what is wrong, so it parses
// by itself.
#ifndef LAMPPOST_SERVICES_COMMON_RAW_CALL_H_
#define LAMPPOST_SERVICES_COMMON_RAW_CALL_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "grpcpp/grpcpp.h"
#include "services/common/call_shell.h"
#include "services/common/message_bytes.h"

namespace lamppost {

// A request, its response, and the way to end the call. Lives until the call is ended, by exactly one of
// Answer and Fail.
template <typename Request, typename Response>
class RawCall {
 public:
  RawCall(CallShell* shell, grpc::CallbackServerContext* context, const grpc::ByteBuffer* in,
          grpc::ByteBuffer* out)
      : shell_(shell), context_(context), reactor_(context->DefaultReactor()), in_(in), out_(out) {}

  grpc::ServerUnaryReactor* reactor() const { return reactor_; }
  const Request& request() const { return request_; }
  Response* response() { return &response_; }
  // The caller has gone, or its time is up. Thread-safe.
  bool IsCancelled() const { return context_->IsCancelled(); }
  std::chrono::system_clock::time_point deadline() const { return context_->deadline(); }

  // INVALID_ARGUMENT, REQUEST_UNREADABLE.
  absl::Status Parse() { return ParseMessage(*in_, &request_); }

  // Ends the call with the response, stamped.
  static void Answer(std::unique_ptr<RawCall> call) {
    call->shell_->Stamp(call->response_.mutable_clock());
    *call->out_ = MessageBytes(call->response_);
    call->reactor_->Finish(grpc::Status::OK);
  }

  static void Fail(std::unique_ptr<RawCall> call, const absl::Status& status) {
    call->reactor_->Finish(call->shell_->Failure(call->context_, status));
  }

 private:
  CallShell* const shell_;
  grpc::CallbackServerContext* const context_;
  grpc::ServerUnaryReactor* const reactor_;
  const grpc::ByteBuffer* const in_;
  grpc::ByteBuffer* const out_;
  Request request_;
  Response response_;
};

// The counter that a request brings: its clock's.
struct ClockCounter {
  template <typename Request>
  uint64_t operator()(const Request& request) const {
    return request.clock().counter();
  }
};

// Lets the caller in if he has the right, parses the request, lets its counter in, and goes on with
// handle(std::unique_ptr<RawCall<Request, Response>>), here or on the thread of CallShell::ReserveFn.
template <typename Request, typename Response, typename Handle, typename CounterOf = ClockCounter>
grpc::ServerUnaryReactor* BeginCall(CallShell* shell, grpc::CallbackServerContext* context,
                                    const grpc::ByteBuffer* in, grpc::ByteBuffer* out, security::Right right,
                                    Handle handle, CounterOf counter_of = {}) {
  using Call = RawCall<Request, Response>;
  auto call = std::make_unique<Call>(shell, context, in, out);
  grpc::ServerUnaryReactor* reactor = call->reactor();
  absl::Status status = shell->Authorize(*context, right);
  if (status.ok()) status = call->Parse();
  if (!status.ok()) {
    Call::Fail(std::move(call), status);
    return reactor;
  }
  const uint64_t counter = counter_of(call->request());
  if (shell->AdmitNow(counter)) {
    handle(std::move(call));
    return reactor;
  }
  // std::function wants to be copied, so the call travels as a plain pointer; one of the two takes it.
  Call* const owned = call.release();
  shell->Admit(
      counter, [owned, handle] { handle(std::unique_ptr<Call>(owned)); },
      [owned](const absl::Status& status) { Call::Fail(std::unique_ptr<Call>(owned), status); });
  return reactor;
}

}  // namespace lamppost

#endif  // LAMPPOST_SERVICES_COMMON_RAW_CALL_H_
