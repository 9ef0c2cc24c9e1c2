// What the node's gRPC services share: its clock, and the way to the replica.
#ifndef LAMPPOST_SERVICES_KV_SERVER_SHELL_H_
#define LAMPPOST_SERVICES_KV_SERVER_SHELL_H_

#include <functional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "services/common/call_shell.h"
#include "services/kv/server/driver.h"
#include "services/kv/server/session_gate.h"

namespace lamppost::kv {

// Thread-safe.
class Shell : public CallShell {
 public:
  // All must outlive the shell.
  Shell(std::string node_id, LamportClock* clock, Driver* driver)
      : CallShell(std::move(node_id), clock,
                  [driver](uint64_t counter, std::function<void(absl::Status)> next) {
                    driver->ReserveThen(counter, [next = std::move(next)] { next(absl::OkStatus()); });
                  }),
        driver_(driver),
        sessions_(driver->published()) {}

  Driver* driver() const { return driver_; }
  // Where calls with a session wait for what it has seen. To be drained before the driver stops.
  SessionGate* sessions() { return &sessions_; }

 private:
  Driver* const driver_;
  SessionGate sessions_;
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SERVER_SHELL_H_
