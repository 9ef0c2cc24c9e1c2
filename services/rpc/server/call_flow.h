// The way of one Call or CallStream through the server: let in, struck by faults, handed to the driver,
// answered. What differs between the two, how the answer is written, is their subclasses'.
#ifndef LAMPPOST_SERVICES_RPC_SERVER_CALL_FLOW_H_
#define LAMPPOST_SERVICES_RPC_SERVER_CALL_FLOW_H_

#include <grpcpp/alarm.h>
#include <grpcpp/grpcpp.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "services/common/call_shell.h"
#include "services/rpc/server/driver.h"
#include "services/rpc/server/faults.h"

namespace lamppost::rpc {

// What calls need. All outlive them.
struct CallParts {
  CallShell* shell = nullptr;
  Driver* driver = nullptr;
  Faults* faults = nullptr;
  std::atomic<size_t>* calls_under_way = nullptr;
  size_t calls_max = 0;  // beyond: OVERLOADED
};

// Lives as long as gRPC, the driver or a timer has it. Ends by exactly one of Answer, Fail and Break.
class CallFlow : public CallWaiter, public std::enable_shared_from_this<CallFlow> {
 public:
  CallFlow(const CallParts& parts, grpc::CallbackServerContext* context);
  ~CallFlow() override;
  CallFlow(const CallFlow&) = delete;
  CallFlow& operator=(const CallFlow&) = delete;

  // The request with this counter has come; or why it cannot be taken. bytes: how large it is.
  void Begin(uint64_t counter, absl::StatusOr<CallInput> input, size_t bytes);
  // The client has gone, or its deadline has passed.
  void Cancelled();

 protected:
  // With the outcome, which is durable.
  virtual void Answer(const CallReply& reply) = 0;
  virtual void Fail(const absl::Status& status) = 0;
  // As if the connection had broken: without reason and clock.
  virtual void Break() = 0;

  CallShell* shell() const { return parts_.shell; }
  grpc::CallbackServerContext* context() const { return context_; }

 private:
  enum class Stage { kBefore, kHeld, kSubmitted };

  void Admitted();
  void Hold(uint64_t delay_ms);
  void Submit();
  absl::Status HandOver();
  absl::Status CheckDeadline() const;
  void Done(const absl::StatusOr<CallReply>& reply) final;

  const CallParts parts_;
  grpc::CallbackServerContext* const context_;
  const CallerId caller_;
  absl::StatusOr<CallInput> input_ = absl::UnknownError("");
  RequestId id_;
  size_t bytes_ = 0;
  Strikes strikes_;

  absl::Mutex mutex_;
  std::unique_ptr<grpc::Alarm> alarm_ ABSL_GUARDED_BY(mutex_);  // while it is held back
  Stage stage_ ABSL_GUARDED_BY(mutex_) = Stage::kBefore;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_SERVER_CALL_FLOW_H_
