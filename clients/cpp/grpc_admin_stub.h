// A node's AdminService behind gRPC.
#ifndef LAMPPOST_CLIENTS_CPP_GRPC_ADMIN_STUB_H_
#define LAMPPOST_CLIENTS_CPP_GRPC_ADMIN_STUB_H_

#include <grpcpp/security/credentials.h>

#include <memory>

#include "clients/cpp/admin_stub.h"
#include "services/common/listen_address.h"

namespace lamppost::client {

// Connects when it is first used. credentials: null for plain text.
std::unique_ptr<AdminStub> MakeGrpcAdminStub(const Address& address,
                                             const std::shared_ptr<grpc::ChannelCredentials>& credentials);

}  // namespace lamppost::client

#endif  // LAMPPOST_CLIENTS_CPP_GRPC_ADMIN_STUB_H_
