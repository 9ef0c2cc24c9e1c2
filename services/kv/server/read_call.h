// A unary call that reads, and may carry a session: its counter moves the clock, what it has seen is waited
// for, and then it is answered.
#ifndef LAMPPOST_SERVICES_KV_SERVER_READ_CALL_H_
#define LAMPPOST_SERVICES_KV_SERVER_READ_CALL_H_

#include <algorithm>
#include <memory>
#include <utility>

#include "grpcpp/grpcpp.h"
#include "services/common/raw_call.h"
#include "services/kv/server/codec.h"
#include "services/kv/server/shell.h"

namespace lamppost::kv {

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

// `then` takes the call, as std::unique_ptr<RawCall<Request, Response>>, once it may be answered; called on
// any thread.
template <typename Request, typename Response, typename Then>
grpc::ServerUnaryReactor* AwaitSession(Shell* shell, grpc::CallbackServerContext* context,
                                       const grpc::ByteBuffer* in, grpc::ByteBuffer* out,
                                       security::Right right, Then then) {
  using Call = RawCall<Request, Response>;
  const auto go_on = [shell, then](std::unique_ptr<Call> call, absl::Status status) {
    if (status.ok()) status = shell->CheckReadable();
    if (!status.ok()) return Call::Fail(std::move(call), status);
    then(std::move(call));
  };
  const auto wait = [shell, go_on](std::unique_ptr<Call> call) {
    if (call->request().session().heads().empty()) return go_on(std::move(call), absl::OkStatus());
    absl::StatusOr<Heads> session = FromProto(call->request().session());
    if (!session.ok()) return Call::Fail(std::move(call), session.status());
    const absl::Time deadline = absl::FromChrono(call->deadline());
    // std::function wants to be copied, so the call travels as a plain pointer.
    Call* const owned = call.release();
    shell->sessions()->Wait(
        *std::move(session), deadline, [owned] { return owned->IsCancelled(); },
        [owned, go_on](const absl::Status& status) { go_on(std::unique_ptr<Call>(owned), status); });
  };
  return BeginCall<Request, Response>(shell, context, in, out, right, wait, HighestCounter());
}

// The same, answered by absl::Status read(const Request&, Response*).
template <typename Request, typename Response, typename Read>
grpc::ServerUnaryReactor* HandleRead(Shell* shell, grpc::CallbackServerContext* context,
                                     const grpc::ByteBuffer* in, grpc::ByteBuffer* out, security::Right right,
                                     Read read) {
  using Call = RawCall<Request, Response>;
  const auto answer = [read](std::unique_ptr<Call> call) {
    const absl::Status status = read(call->request(), call->response());
    if (!status.ok()) return Call::Fail(std::move(call), status);
    Call::Answer(std::move(call));
  };
  return AwaitSession<Request, Response>(shell, context, in, out, right, answer);
}

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SERVER_READ_CALL_H_
