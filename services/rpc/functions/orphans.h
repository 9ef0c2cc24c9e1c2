// What a killed launcher leaves behind.
#ifndef LAMPPOST_SERVICES_RPC_FUNCTIONS_ORPHANS_H_
#define LAMPPOST_SERVICES_RPC_FUNCTIONS_ORPHANS_H_

#include <cstdint>

namespace lamppost::rpc {

// Kills and reaps all children of this process, and those that become its children by that (it is a child
// subreaper since Launcher::Fork), until there are none or the time is over. Returns how many are left.
uint64_t KillAllChildren(uint64_t time_ms);

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_FUNCTIONS_ORPHANS_H_
