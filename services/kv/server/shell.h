// What every call has in common: its clock is observed when it comes in, and its answer, or its error,
// carries this node's.
#ifndef LAMPPOST_SERVICES_KV_SERVER_SHELL_H_
#define LAMPPOST_SERVICES_KV_SERVER_SHELL_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "grpcpp/grpcpp.h"
#include "lamppost/clock/v1/clock.pb.h"
#include "services/clock/lamport_clock.h"
#include "services/kv/server/driver.h"

namespace lamppost::kv {

// The node's clock as its gRPC services use it. Thread-safe.
class Shell {
 public:
  // All must outlive the shell.
  Shell(std::string node_id, LamportClock* clock, Driver* driver)
      : node_id_(std::move(node_id)), clock_(clock), driver_(driver) {}

  // A message with this counter has come in. True if the clock is above it now, as nearly always; if not,
  // Admit decides.
  bool AdmitNow(uint64_t counter) { return clock_->Observe(counter) == LamportClock::Observed::kOk; }

  // A message with this counter has come in: calls on_admitted once the clock is above it, at once or
  // on the driver's thread, or on_refused at once (OUT_OF_RANGE, CLOCK_TOO_FAR_AHEAD).
  void Admit(uint64_t counter, std::function<void()> on_admitted,
             std::function<void(absl::Status)> on_refused);

  // A timestamp for a message that goes out.
  void Stamp(clock::v1::Timestamp* message);

  // The life that timestamps are stamped with; 0 until it is decided.
  void set_incarnation(uint64_t incarnation) { incarnation_.store(incarnation, std::memory_order_relaxed); }
  uint64_t incarnation() const { return incarnation_.load(std::memory_order_relaxed); }

  // Ends a call with an error, the clock in its trailers.
  void Fail(grpc::CallbackServerContext* context, grpc::ServerUnaryReactor* reactor,
            const absl::Status& status);

  Driver* driver() const { return driver_; }

 private:
  const std::string node_id_;
  LamportClock* const clock_;
  Driver* const driver_;
  std::atomic<uint64_t> incarnation_{0};
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SERVER_SHELL_H_
