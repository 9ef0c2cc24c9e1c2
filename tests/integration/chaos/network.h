// The network between the nodes of a run, and its faults.
//
// Two kinds: network namespaces joined by a router that filters packets (needs root), or a TCP proxy on
// each way. Not thread-safe; used by the thread that starts processes.
#ifndef LAMPPOST_TESTS_INTEGRATION_CHAOS_NETWORK_H_
#define LAMPPOST_TESTS_INTEGRATION_CHAOS_NETWORK_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace lamppost::chaos {

// Instead of a node's index: the clients, all of them.
inline constexpr int kClients = -1;

// What happens to that which `from` sends to `to`. Both are nodes, or `to` is kClients with kDrop.
struct LinkFault {
  enum class Kind {
    kDrop,    // vanishes
    kReject,  // is answered with a reset
    kSlow,    // arrives late or at a trickle; see Network::slowness
  };
  Kind kind;
  int from;
  int to;
};

// Where a node is.
struct Place {
  std::string control_host;  // for the run itself: no fault touches it
  int port = 0;
  std::string client_address;         // host:port, for clients
  std::vector<std::string> peers;     // --peers of this node
  std::vector<std::string> launcher;  // goes before the program
};

class Network {
 public:
  virtual ~Network() = default;

  virtual std::string name() const = 0;
  // What LinkFault::Kind::kSlow means here, in words.
  virtual std::string slowness() const = 0;
  virtual Place PlaceOf(int node) const = 0;
  // These faults, and no others, from now on.
  virtual absl::Status Apply(const std::vector<LinkFault>& faults) = 0;
};

// One in namespaces of its own. The process must be in a private network (testing/namespaces.h).
absl::StatusOr<std::unique_ptr<Network>> MakeNamespaceNetwork(int nodes);

// One on loopback, with a proxy on each way.
absl::StatusOr<std::unique_ptr<Network>> MakeProxyNetwork(int nodes);

}  // namespace lamppost::chaos

#endif  // LAMPPOST_TESTS_INTEGRATION_CHAOS_NETWORK_H_
