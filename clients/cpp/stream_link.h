// The way to one node for the calls that stream.
#ifndef LAMPPOST_CLIENTS_CPP_STREAM_LINK_H_
#define LAMPPOST_CLIENTS_CPP_STREAM_LINK_H_

#include <memory>
#include <vector>

#include "clients/cpp/ready_link.h"
#include "lamppost/kv/v1/kv_service.grpc.pb.h"
#include "services/common/listen_address.h"

namespace lamppost::client {

struct StreamStubs {
  explicit StreamStubs(const std::shared_ptr<grpc::Channel>& channel);

  const std::unique_ptr<kv::v1::KvService::Stub> kv;
};

using StreamLink = ReadyLink<StreamStubs>;

// One for each node; connects to none yet. credentials: null for plain text.
std::vector<std::unique_ptr<StreamLink>> MakeStreamLinks(
    const std::vector<Address>& nodes, const std::shared_ptr<grpc::ChannelCredentials>& credentials);

}  // namespace lamppost::client

#endif  // LAMPPOST_CLIENTS_CPP_STREAM_LINK_H_
