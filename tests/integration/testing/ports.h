// Ports for servers that a test starts, and stops and starts again on the same port.
#ifndef LAMPPOST_TESTS_INTEGRATION_TESTING_PORTS_H_
#define LAMPPOST_TESTS_INTEGRATION_TESTING_PORTS_H_

#include "absl/status/statusor.h"

namespace lamppost::testing {

// A TCP port of loopback that is free now. It is outside the range the system gives out by itself, and no
// other test gets it while this process lives: each port is claimed by a lock with its name.
absl::StatusOr<int> ReservePort();

// A socket of loopback that listens; the port goes to *port. -1 if it cannot be had.
int ListenOnLoopback(int* port);

// A connection to a port of loopback; -1 if nobody listens there.
int ConnectToLoopback(int port);

}  // namespace lamppost::testing

#endif  // LAMPPOST_TESTS_INTEGRATION_TESTING_PORTS_H_
