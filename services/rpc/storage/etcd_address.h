// Where a fleet's etcd is, as people write it. Pure; thread-safe.
#ifndef LAMPPOST_SERVICES_RPC_STORAGE_ETCD_ADDRESS_H_
#define LAMPPOST_SERVICES_RPC_STORAGE_ETCD_ADDRESS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/common/listen_address.h"

namespace lamppost::rpc {

struct EtcdAddress {
  std::vector<Address> endpoints;  // one at least; of one etcd cluster
  std::string name = "default";    // of the fleet that shares its records; another one shares nothing
};

// "etcd://host:2379,host2:2379", or with the fleet's name "etcd://host:2379/NAME": 1 to 63 letters, digits,
// '-', '_' and '.'. INVALID_ARGUMENT (BAD_ADDRESS) for anything else.
absl::StatusOr<EtcdAddress> ParseEtcdEndpoints(absl::string_view text);

// True if this asks for an etcd, well or badly written.
bool IsEtcdAddress(absl::string_view text);

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_STORAGE_ETCD_ADDRESS_H_
