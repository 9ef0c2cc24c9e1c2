// A unary call as it comes off the wire. gRPC's generated handlers answer a request that cannot be parsed
// (a key that is not UTF-8 among them) with a bare UNIMPLEMENTED; the node says what is wrong, so it parses
// by itself.
#ifndef LAMPPOST_SERVICES_KV_SERVER_RAW_CALL_H_
#define LAMPPOST_SERVICES_KV_SERVER_RAW_CALL_H_

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "grpcpp/grpcpp.h"
#include "grpcpp/impl/codegen/proto_utils.h"
#include "services/common/error.h"
#include "services/kv/server/shell.h"

namespace lamppost::kv {

// A request, its response, and the way to end the call. Lives until the call is ended, by exactly one of
// Answer and Fail.
template <typename Request, typename Response>
class RawCall {
 public:
  RawCall(Shell* shell, grpc::CallbackServerContext* context, const grpc::ByteBuffer* in,
          grpc::ByteBuffer* out)
      : shell_(shell), context_(context), reactor_(context->DefaultReactor()), in_(in), out_(out) {}

  grpc::ServerUnaryReactor* reactor() const { return reactor_; }
  const Request& request() const { return request_; }
  Response* response() { return &response_; }

  // INVALID_ARGUMENT, REQUEST_UNREADABLE.
  absl::Status Parse() {
    grpc::ByteBuffer bytes(*in_);
    if (grpc::SerializationTraits<Request>::Deserialize(&bytes, &request_).ok()) return absl::OkStatus();
    return MakeError(absl::StatusCode::kInvalidArgument, "REQUEST_UNREADABLE",
                     "the request is not a message of its type, or a key or text in it is not UTF-8");
  }

  // Ends the call with the response, stamped.
  static void Answer(std::unique_ptr<RawCall> call) {
    call->shell_->Stamp(call->response_.mutable_clock());
    bool own_buffer = false;
    const grpc::Status status =
        grpc::SerializationTraits<Response>::Serialize(call->response_, call->out_, &own_buffer);
    call->reactor_->Finish(status);
  }

  static void Fail(std::unique_ptr<RawCall> call, const absl::Status& status) {
    call->shell_->Fail(call->context_, call->reactor_, status);
  }

 private:
  Shell* const shell_;
  grpc::CallbackServerContext* const context_;
  grpc::ServerUnaryReactor* const reactor_;
  const grpc::ByteBuffer* const in_;
  grpc::ByteBuffer* const out_;
  Request request_;
  Response response_;
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SERVER_RAW_CALL_H_
