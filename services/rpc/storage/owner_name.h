// The name of one life of a server, for request stores that cannot have it from elsewhere.
#ifndef LAMPPOST_SERVICES_RPC_STORAGE_OWNER_NAME_H_
#define LAMPPOST_SERVICES_RPC_STORAGE_OWNER_NAME_H_

#include <string>

namespace lamppost::rpc {

// 32 hexadecimal digits of the system's randomness: no other call returns the same. Thread-safe.
std::string MakeOwnerName();

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_STORAGE_OWNER_NAME_H_
