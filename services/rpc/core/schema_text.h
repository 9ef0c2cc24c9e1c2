// A JSON Schema as it is written, made into one that is simple to check by.
//
// Pure and thread-safe.
#ifndef LAMPPOST_SERVICES_RPC_CORE_SCHEMA_TEXT_H_
#define LAMPPOST_SERVICES_RPC_CORE_SCHEMA_TEXT_H_

#include <cstddef>

#include "absl/status/statusor.h"
#include "services/rpc/core/json.h"

namespace lamppost::rpc {

inline constexpr size_t kSchemaPartsMax = 10'000;  // schemas in it, each reference counted in full
inline constexpr size_t kUniqueItemsMax = 1000;    // comparing each with each takes the square of it
inline constexpr size_t kSchemaExpandedDepthMax = 2 * kJsonDepthMax;

// The schema with references replaced by what they refer to and everything left out that refuses nothing.
// INVALID_ARGUMENT (SCHEMA_INVALID), with where and why: a keyword that draft 7 does not have, or whose value
// is none of its kind; a regular expression; a reference to elsewhere, to nothing, or to what it lies in;
// more than kSchemaPartsMax; "uniqueItems" without a "maxItems" of at most kUniqueItemsMax.
absl::StatusOr<Json> ExpandSchema(const Json& schema);

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_CORE_SCHEMA_TEXT_H_
