// Why a server cannot listen somewhere: gRPC only says that it could not. And a knock where one listens.
#ifndef LAMPPOST_SERVICES_COMMON_PORT_PROBE_H_
#define LAMPPOST_SERVICES_COMMON_PORT_PROBE_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/common/listen_address.h"

namespace lamppost {

// OK if a socket could be bound to the address just now; it is closed again, so another process may
// still be quicker. Errors by reason: PORT_IN_USE (FAILED_PRECONDITION), PORT_NOT_PERMITTED
// (PERMISSION_DENIED), ADDRESS_NOT_HERE (INVALID_ARGUMENT: no interface of this machine has it),
// LISTEN_FAILED (UNAVAILABLE). Thread-safe.
absl::Status ProbePort(const Address& address);

// A TCP socket bound to the address; for the caller to close. [::] is bound for both IP versions. Errors as
// above. Thread-safe.
absl::StatusOr<int> BindPort(const Address& address);

// Connects to the address, or tries to, and lets go at once: for whoever waits there to wake up. Thread-safe.
void Knock(const Address& address);

}  // namespace lamppost

#endif  // LAMPPOST_SERVICES_COMMON_PORT_PROBE_H_
