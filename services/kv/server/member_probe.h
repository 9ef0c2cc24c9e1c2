// Asks a node at an address who it is.
#ifndef LAMPPOST_SERVICES_KV_SERVER_MEMBER_PROBE_H_
#define LAMPPOST_SERVICES_KV_SERVER_MEMBER_PROBE_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "grpcpp/grpcpp.h"
#include "services/common/listen_address.h"

namespace lamppost::kv {

struct NodeIdentity {
  std::string node_id;
  std::string cluster;
  bool holds_data = false;
};

// Calls `done` once, on another thread: with what the node says, or with why it does not, at the deadline at
// the latest. Blocks nobody.
// credentials: null for plain text; with them the node has to be the one that its certificate names:
// PERMISSION_DENIED (NODE_MISMATCH).
void AskWhoIsThere(const Address& address, const std::shared_ptr<grpc::ChannelCredentials>& credentials,
                   absl::Time deadline, std::function<void(absl::StatusOr<NodeIdentity>)> done);

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SERVER_MEMBER_PROBE_H_
