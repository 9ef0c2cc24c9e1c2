// The functions that every server has.
#ifndef LAMPPOST_SERVICES_RPC_FUNCTIONS_BUILTINS_H_
#define LAMPPOST_SERVICES_RPC_FUNCTIONS_BUILTINS_H_

#include <string>
#include <vector>

#include "services/rpc/functions/builtin.h"

namespace lamppost::rpc {

// echo, add, sum, reverse, uppercase, hash, sleep, uptime, host. All of them idempotent.
std::vector<BuiltIn> PlainBuiltIns();

// "counter", which is not: it appends the request id and a line end to directory/NAME and returns how many
// lines there are, {"count": 3}. A run that was repeated would show: sort NAME | uniq -d. Several processes
// may share the directory; it is made when it is first needed. Without a name every call fails
// (COUNTER_UNAVAILABLE).
BuiltIn CounterBuiltIn(std::string directory);

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_FUNCTIONS_BUILTINS_H_
