// What every call of a server has in common: its clock is observed when it comes in, and its answer, or its
// error, carries the server's.
#ifndef LAMPPOST_SERVICES_COMMON_CALL_SHELL_H_
#define LAMPPOST_SERVICES_COMMON_CALL_SHELL_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "grpcpp/grpcpp.h"
#include "lamppost/clock/v1/clock.pb.h"
#include "services/clock/lamport_clock.h"
#include "services/security/gate.h"
#include "services/security/permit.h"

namespace lamppost {

// The server's clock as its gRPC services use it. Thread-safe.
class CallShell {
 public:
  // Sees to it that counters up to `counter` and many more can be issued, and calls `next` then, on any
  // thread; with an error if that cannot be.
  using ReserveFn = std::function<void(uint64_t counter, std::function<void(absl::Status)> next)>;

  // The clock must outlive the shell.
  CallShell(std::string node_id, LamportClock* clock, ReserveFn reserve)
      : node_id_(std::move(node_id)), clock_(clock), reserve_(std::move(reserve)) {}

  // Who may do what; without a gate everybody may everything. Before the first call; it must outlive the
  // shell.
  void set_gate(security::Gate* gate) { gate_ = gate; }
  // Null: there is none.
  security::Gate* gate() const { return gate_; }
  // Whether the caller may do that: Gate's errors. Comes before anything that his message says is looked at.
  absl::Status Authorize(const grpc::CallbackServerContext& context, security::Right right) const {
    return gate_ == nullptr ? absl::OkStatus() : gate_->Authorize(context, right);
  }
  // The same for a call that lasts; the context must outlive it.
  security::Permit PermitFor(const grpc::CallbackServerContext* context, security::Right right) const {
    return {gate_, [gate = gate_, context, right] { return gate->Authorize(*context, right); }};
  }

  // A message with this counter has come in. True if the clock is above it now, as nearly always; if not,
  // Admit decides.
  bool AdmitNow(uint64_t counter) { return clock_->Observe(counter) == LamportClock::Observed::kOk; }

  // A message with this counter has come in: calls on_admitted once the clock is above it, at once or on the
  // thread of ReserveFn, or on_refused (OUT_OF_RANGE, CLOCK_TOO_FAR_AHEAD, or the error of ReserveFn).
  void Admit(uint64_t counter, std::function<void()> on_admitted,
             std::function<void(absl::Status)> on_refused);

  // A timestamp for a message that goes out.
  void Stamp(clock::v1::Timestamp* message);

  // The life that timestamps are stamped with; 0 until it is decided.
  void set_incarnation(uint64_t incarnation) { incarnation_.store(incarnation, std::memory_order_relaxed); }
  uint64_t incarnation() const { return incarnation_.load(std::memory_order_relaxed); }

  // The status with which a call fails, for its reactor's Finish; puts the clock into the call's trailers. To
  // be called once a call.
  grpc::Status Failure(grpc::CallbackServerContext* context, const absl::Status& status);

 private:
  const std::string node_id_;
  LamportClock* const clock_;
  const ReserveFn reserve_;
  security::Gate* gate_ = nullptr;
  std::atomic<uint64_t> incarnation_{0};
};

}  // namespace lamppost

#endif  // LAMPPOST_SERVICES_COMMON_CALL_SHELL_H_
