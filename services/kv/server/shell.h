// What the node's gRPC services share: its clock, and the way to the replica.
#ifndef LAMPPOST_SERVICES_KV_SERVER_SHELL_H_
#define LAMPPOST_SERVICES_KV_SERVER_SHELL_H_

#include <atomic>
#include <functional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "services/common/call_shell.h"
#include "services/common/error.h"
#include "services/kv/server/driver.h"
#include "services/kv/server/ingress.h"
#include "services/kv/server/session_gate.h"

namespace lamppost::kv {

// Thread-safe.
class Shell : public CallShell {
 public:
  // All must outlive the shell.
  Shell(std::string node_id, LamportClock* clock, Driver* driver)
      : CallShell(std::move(node_id), clock,
                  [driver](uint64_t counter, std::function<void(absl::Status)> next) {
                    driver->ReserveThen(counter, std::move(next));
                  }),
        driver_(driver),
        sessions_(driver->published()) {}

  Driver* driver() const { return driver_; }
  // While the node lacks part of its data, nothing is read: UNAVAILABLE (REFILLING), with a delay.
  absl::Status CheckReadable() const;
  void set_refilling(bool refilling) { refilling_.store(refilling, std::memory_order_release); }
  bool refilling() const { return refilling_.load(std::memory_order_acquire); }
  // Of the driver's thread; set before it starts, if at all.
  void set_ingress(Ingress* ingress) { ingress_ = ingress; }
  template <typename Message>
  bool Admits(const Message& message) {
    return ingress_ == nullptr || ingress_->Admits(message);
  }
  // Where calls with a session wait for what it has seen. To be drained before the driver stops.
  SessionGate* sessions() { return &sessions_; }

 private:
  Driver* const driver_;
  SessionGate sessions_;
  std::atomic<bool> refilling_{false};
  Ingress* ingress_ = nullptr;
};

inline absl::Status Shell::CheckReadable() const {
  if (!refilling()) return absl::OkStatus();
  return MakeRetryableError(absl::StatusCode::kUnavailable, "REFILLING",
                            "the node has lost part of its data and is getting it back from a peer", 1000);
}

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SERVER_SHELL_H_
