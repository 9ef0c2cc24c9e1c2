// A node behind a gRPC channel in plain text.
#ifndef LAMPPOST_CLIENTS_CPP_GRPC_NODE_STUB_H_
#define LAMPPOST_CLIENTS_CPP_GRPC_NODE_STUB_H_

#include <memory>

#include "clients/cpp/node_stub.h"

namespace lamppost::client {

inline constexpr int kReceiveBytesMax = 8 << 20;

// Connects at the first call. An attempt starts its RPC only on a ready channel: if the channel does
// not become ready, the attempt ends with UNAVAILABLE, reason NOT_CONNECTED and Reach::kNotSent, for
// nothing can have left; at once when the connection is refused, else when the attempt's time is up.
std::unique_ptr<NodeStub> MakeGrpcNodeStub(const Address& address);

}  // namespace lamppost::client

#endif  // LAMPPOST_CLIENTS_CPP_GRPC_NODE_STUB_H_
