// The request store that the settings ask for.
#ifndef LAMPPOST_SERVICES_RPC_SERVER_REQUEST_STORES_H_
#define LAMPPOST_SERVICES_RPC_SERVER_REQUEST_STORES_H_

#include <memory>
#include <string>

#include "services/rpc/core/request_store.h"
#include "services/rpc/server/settings.h"

namespace lamppost::rpc {

// Not started yet; nothing has been opened.
std::unique_ptr<RequestStore> MakeRequestStore(const Settings& settings);

// For the log: "rocksdb", "memory", "etcd".
std::string NameOf(StoreChoice::Kind kind);

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_SERVER_REQUEST_STORES_H_
