#include "clients/cpp/stream_link.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include "clients/cpp/grpc_node_stub.h"

namespace lamppost::client {

StreamStubs::StreamStubs(const std::shared_ptr<grpc::Channel>& channel)
    : kv(kv::v1::KvService::NewStub(channel)) {}

std::vector<std::unique_ptr<StreamLink>> MakeStreamLinks(const std::vector<Address>& nodes) {
  std::vector<std::unique_ptr<StreamLink>> links;
  for (const Address& address : nodes) {
    const auto open = [target = address.Target()](StreamLink::Deadline) {
      return grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(),
                                       LinkArguments(kReceiveBytesMax));
    };
    links.push_back(std::make_unique<StreamLink>(address.HostPort(), open));
  }
  return links;
}

}  // namespace lamppost::client
