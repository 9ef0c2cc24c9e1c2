// What a client has seen, so that no node shows it anything older (docs/protocol.md, Sessions).
//
// A client that is given one sends it with each call and adds what each answer says. Several clients may
// share one: what one has seen then counts for all. Thread-safe.
#ifndef LAMPPOST_CLIENTS_CPP_CLIENT_SESSION_H_
#define LAMPPOST_CLIENTS_CPP_CLIENT_SESSION_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "lamppost/kv/v1/types.pb.h"

namespace lamppost::client {

class ClientSession {
 public:
  // More than a node takes. Beyond, those with the lowest counters are dropped: of lives that ended long ago.
  static constexpr size_t kHeadsMax = 1000;

  ClientSession() = default;
  explicit ClientSession(const kv::v1::Session& seen) { Merge(seen); }

  // Takes, for each origin, the greater counter.
  void Merge(const kv::v1::Session& seen);
  // By node id and incarnation.
  kv::v1::Session Get() const;

 private:
  using Life = std::pair<std::string, uint64_t>;  // node id, incarnation

  mutable std::mutex mutex_;
  std::map<Life, uint64_t> counters_;
};

}  // namespace lamppost::client

#endif  // LAMPPOST_CLIENTS_CPP_CLIENT_SESSION_H_
