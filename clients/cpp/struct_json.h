// JSON to and from protobuf's Struct and Value. Pure and thread-safe.
#ifndef LAMPPOST_CLIENTS_CPP_STRUCT_JSON_H_
#define LAMPPOST_CLIENTS_CPP_STRUCT_JSON_H_

#include <google/protobuf/struct.pb.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/rpc/core/json.h"

namespace lamppost::client {

// Beyond it, a double does not have every whole number: 2^53.
inline constexpr int64_t kExactIntegerMax = int64_t{1} << 53;

// INVALID_ARGUMENT: PARAMS_INVALID if it is no object or has a whole number beyond 2^53 (which would be
// rounded on its way), NOT_JSON if a text is not UTF-8 or a number not finite, JSON_TOO_DEEP.
absl::StatusOr<google::protobuf::Struct> StructFromJson(const rpc::Json& json);

// As CheckParams of what StructFromJson gives, for one that was made otherwise.
absl::Status CheckStruct(const google::protobuf::Struct& params);

// Whole numbers up to 2^53 become integers. Deeper parts than servers give (kJsonDepthMax) become null.
rpc::Json JsonFromValue(const google::protobuf::Value& value);
rpc::Json JsonFromStruct(const google::protobuf::Struct& value);

// INVALID_ARGUMENT (PARAMS_INVALID) if JSON text has a whole number beyond 2^53, however long: a parser would
// have rounded the longest already. Text that is no JSON is none of its business.
absl::Status CheckIntegers(absl::string_view json_text);

}  // namespace lamppost::client

#endif  // LAMPPOST_CLIENTS_CPP_STRUCT_JSON_H_
