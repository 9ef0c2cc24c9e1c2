// What a client can be told. Plain values.
#ifndef LAMPPOST_CLIENTS_CPP_OPTIONS_H_
#define LAMPPOST_CLIENTS_CPP_OPTIONS_H_

#include <grpcpp/security/credentials.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "clients/cpp/attempt.h"
#include "clients/cpp/client_session.h"
#include "clients/cpp/node_stub.h"
#include "clients/cpp/retry_policy.h"
#include "clients/cpp/time_source.h"
#include "services/common/listen_address.h"

namespace lamppost::client {

struct ClientOptions {
  // Null: plain text. services/security/credentials.h makes them.
  std::shared_ptr<grpc::ChannelCredentials> credentials;
  // In the order of preference; at least one. A call goes to the node that answered last, and moves on
  // to the next of the list, round and round, when it fails.
  std::vector<Address> nodes;
  // Bounds a whole call, all its attempts and waits included; unset: only retry.attempts_max does.
  std::optional<int64_t> timeout_ms = 10'000;
  RetryOptions retry;
  AttemptObserver observer;
  // What the client has seen: sent with each call, and added to by each answer, so that what it reads never
  // goes back and shows its own writes, at whatever node. A node that lacks some of it is waited for, and
  // then left for the next. Null: none is kept.
  std::shared_ptr<ClientSession> session;
};

// What a client takes from the world. Empty members mean the real thing.
struct ClientEnvironment {
  std::shared_ptr<TimeSource> time;
  RandomSource random;
  NodeStubFactory stub_factory;
  std::function<std::string()> mint_request_id;
};

// For one call.
struct CallOptions {
  // Instead of ClientOptions::timeout_ms.
  std::optional<int64_t> timeout_ms;
  // For writes: 1 to 64 printable ASCII characters. Empty: the client mints one.
  std::string request_id;
  // For Put: after so long the value is to be read as absent; unset: never.
  std::optional<int64_t> ttl_ms;
  // For writes: done once so many members hold it on stable storage. 0: 1. A write that is done at one node
  // and, by the deadline, not known at so many has the outcome kPending.
  uint32_t replicas = 0;
};

}  // namespace lamppost::client

#endif  // LAMPPOST_CLIENTS_CPP_OPTIONS_H_
