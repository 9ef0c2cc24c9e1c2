// The gRPC ends of Call and CallStream.
#ifndef LAMPPOST_SERVICES_RPC_SERVER_CALL_REACTORS_H_
#define LAMPPOST_SERVICES_RPC_SERVER_CALL_REACTORS_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "grpcpp/grpcpp.h"
#include "services/rpc/server/call_flow.h"

namespace lamppost::rpc {

// Answers once, into `out`.
class UnaryCall final : public CallFlow, public grpc::ServerUnaryReactor {
 public:
  // Parses the request and begins. The reactor lives until gRPC is done with it.
  static grpc::ServerUnaryReactor* Start(const CallParts& parts, grpc::CallbackServerContext* context,
                                         const grpc::ByteBuffer& in, grpc::ByteBuffer* out);

  UnaryCall(const CallParts& parts, grpc::CallbackServerContext* context, grpc::ByteBuffer* out)
      : CallFlow(parts, context), out_(out) {}

  void OnCancel() override { Cancelled(); }
  void OnDone() override { self_.reset(); }

 private:
  void Progressed(const Progress&) override {}
  void Answer(const CallReply& reply) override;
  void Fail(const absl::Status& status) override;
  void Break() override;

  grpc::ByteBuffer* const out_;
  std::string request_id_;
  std::shared_ptr<UnaryCall> self_;
};

// Sends progress, at most one message at a time: what comes meanwhile replaces what waits. Then the outcome.
class StreamedCall final : public CallFlow, public grpc::ServerWriteReactor<grpc::ByteBuffer> {
 public:
  static grpc::ServerWriteReactor<grpc::ByteBuffer>* Start(const CallParts& parts,
                                                           grpc::CallbackServerContext* context,
                                                           const grpc::ByteBuffer& in);

  StreamedCall(const CallParts& parts, grpc::CallbackServerContext* context) : CallFlow(parts, context) {}

  void OnCancel() override { Cancelled(); }
  void OnDone() override { self_.reset(); }
  void OnWriteDone(bool ok) override;

 private:
  void Progressed(const Progress& progress) override;
  void Answer(const CallReply& reply) override;
  void Fail(const absl::Status& status) override;
  void Break() override;
  void End(std::optional<grpc::ByteBuffer> last, const grpc::Status& status);
  void Continue() ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mutex_);

  std::string request_id_;
  std::shared_ptr<StreamedCall> self_;

  absl::Mutex write_mutex_;
  grpc::ByteBuffer writing_bytes_ ABSL_GUARDED_BY(write_mutex_);  // stays as it is while writing_
  std::optional<Progress> progress_ ABSL_GUARDED_BY(write_mutex_);
  std::optional<grpc::ByteBuffer> last_ ABSL_GUARDED_BY(write_mutex_);
  std::optional<grpc::Status> end_ ABSL_GUARDED_BY(write_mutex_);
  bool writing_ ABSL_GUARDED_BY(write_mutex_) = false;
};

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_SERVER_CALL_REACTORS_H_
