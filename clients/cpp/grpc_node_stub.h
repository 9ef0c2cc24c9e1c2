// A node behind a gRPC channel.
#ifndef LAMPPOST_CLIENTS_CPP_GRPC_NODE_STUB_H_
#define LAMPPOST_CLIENTS_CPP_GRPC_NODE_STUB_H_

#include <grpcpp/security/credentials.h>

#include <memory>

#include "clients/cpp/node_stub.h"

namespace lamppost::client {

inline constexpr int kReceiveBytesMax = 8 << 20;

// Connects at the first call. An attempt starts its RPC only on a ready channel: if the channel does
// not become ready, the attempt ends with UNAVAILABLE, reason NOT_CONNECTED and Reach::kNotSent, for
// nothing can have left; at once when the connection is refused, else when the attempt's time is up.
// credentials: null for plain text.
std::unique_ptr<NodeStub> MakeGrpcNodeStub(const Address& address,
                                           const std::shared_ptr<grpc::ChannelCredentials>& credentials);

}  // namespace lamppost::client

#endif  // LAMPPOST_CLIENTS_CPP_GRPC_NODE_STUB_H_
