// Servers of functions behind one gRPC channel: gRPC's own round robin over those that are
// connected and healthy.
#ifndef LAMPPOST_CLIENTS_CPP_GRPC_FUNCTION_STUB_H_
#define LAMPPOST_CLIENTS_CPP_GRPC_FUNCTION_STUB_H_

#include <grpcpp/security/credentials.h>

#include <memory>
#include <vector>

#include "clients/cpp/function_stub.h"

namespace lamppost::client {

// Far above what a function may give, so that no outcome is lost for its size.
inline constexpr int kOutcomeBytesMax = 64 << 20;

// Connects at the first call. An RPC goes only to a server that is connected and that says of itself, through
// grpc.health.v1.Health, that it serves functions (or that has no health service); the others are tried in
// the background. credentials: null for plain text. If there is none, the attempt ends as ready_link.h tells,
// with Reach::kNotSent.
std::unique_ptr<FunctionStub> MakeGrpcFunctionStub(
    const std::vector<Address>& servers, const std::shared_ptr<grpc::ChannelCredentials>& credentials);

}  // namespace lamppost::client

#endif  // LAMPPOST_CLIENTS_CPP_GRPC_FUNCTION_STUB_H_
