#include "clients/cpp/stream_link.h"

#include "clients/cpp/grpc_node_stub.h"

namespace lamppost::client {

StreamStubs::StreamStubs(const std::shared_ptr<grpc::Channel>& channel)
    : kv(kv::v1::KvService::NewStub(channel)) {}

std::vector<std::unique_ptr<StreamLink>> MakeStreamLinks(
    const std::vector<Address>& nodes, const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
  std::vector<std::unique_ptr<StreamLink>> links;
  for (const Address& address : nodes) {
    const auto open = [target = address.Target(), credentials](StreamLink::Deadline) {
      return OpenChannel(target, LinkArguments(kReceiveBytesMax), credentials);
    };
    links.push_back(std::make_unique<StreamLink>(address.HostPort(), open));
  }
  return links;
}

}  // namespace lamppost::client
