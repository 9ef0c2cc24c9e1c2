// Why a value does not fit a schema, in words.
//
// Pure and thread-safe.
#ifndef LAMPPOST_SERVICES_RPC_CORE_SCHEMA_EXPLAIN_H_
#define LAMPPOST_SERVICES_RPC_CORE_SCHEMA_EXPLAIN_H_

#include <string>

#include "absl/strings/string_view.h"
#include "services/rpc/core/json.h"

namespace lamppost::rpc {

// The first thing that does not fit, and where: "params.a: must be a number, not a string". Empty if it finds
// none: it looks at what most schemas are made of, not at "anyOf" and its like. `schema` comes from
// ExpandSchema; `path` is what the value itself is called.
std::string ExplainMisfit(const Json& schema, const Json& value, const std::string& path);

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_CORE_SCHEMA_EXPLAIN_H_
