// A call that waits for the driver.
#ifndef LAMPPOST_SERVICES_KV_SERVER_PENDING_CALL_H_
#define LAMPPOST_SERVICES_KV_SERVER_PENDING_CALL_H_

#include <memory>
#include <utility>

#include "services/kv/server/shutting_down.h"

namespace lamppost::kv {

// Tasks are copied, hence it is shared by its copies; one that a stopping driver drops ends the call all the
// same. Whoever ends the call moves it out.
template <typename Call>
struct PendingCall {
  explicit PendingCall(std::unique_ptr<Call> pending) : call(std::move(pending)) {}
  PendingCall(const PendingCall&) = delete;
  PendingCall& operator=(const PendingCall&) = delete;
  ~PendingCall() {
    if (call == nullptr) return;
    Call::Fail(std::move(call), ShuttingDown());
  }

  std::unique_ptr<Call> call;
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SERVER_PENDING_CALL_H_
