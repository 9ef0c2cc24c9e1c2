// The core's values to and from messages. Pure and thread-safe.
#ifndef LAMPPOST_SERVICES_RPC_SERVER_CODEC_H_
#define LAMPPOST_SERVICES_RPC_SERVER_CODEC_H_

#include <google/protobuf/struct.pb.h>

#include <cstddef>
#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "lamppost/rpc/v1/function_service.pb.h"
#include "services/rpc/core/engine.h"
#include "services/rpc/core/json.h"
#include "services/rpc/core/record.h"
#include "services/rpc/core/registry.h"

namespace lamppost::rpc {

// Of params as JSON text.
inline constexpr size_t kParamsBytesMax = size_t{1} << 20;
// Of a result as a message, in which a short number takes five times as much as in JSON. gRPC clients take
// messages of 4 MiB unless they are told otherwise.
inline constexpr size_t kResultMessageBytesMax = (size_t{4} << 20) - (size_t{64} << 10);

// Normalised. INVALID_ARGUMENT: PARAMS_NOT_JSON (NaN, an infinity, a value that is nothing at all),
// PARAMS_TOO_DEEP, PARAMS_TOO_LARGE.
absl::StatusOr<Json> ParamsFromProto(const google::protobuf::Struct& params);

// Values deeper than kJsonDepthMax become null below that depth.
void ToProto(const Json& value, google::protobuf::Value* message);
void ToProto(const Json& object, google::protobuf::Struct* message);

// Equal outcomes have equal messages. One whose result is beyond kResultMessageBytesMax becomes the
// function's error RESULT_TOO_LARGE. DATA_LOSS (DATA_CORRUPT) if the result is not JSON.
absl::Status ToProto(const Outcome& outcome, v1::Outcome* message);
void ToProto(const Progress& progress, v1::Progress* message);
// All but clock and request_id.
absl::Status ToProto(const CallInfo& info, v1::GetCallResponse* message);

// What can be called, and how busy it is.
struct FunctionList {
  struct Load {
    size_t running = 0;
    size_t waiting = 0;
  };

  std::shared_ptr<const Registry> registry;
  std::map<std::string, Load> loads;  // by function
};

// All but the clock.
void ToProto(const FunctionList& list, v1::ListFunctionsResponse* message);

// Of a CallRequest or a CallStreamRequest. INVALID_ARGUMENT: REQUEST_ID_MISSING, REQUEST_ID_INVALID,
// METHOD_MISSING, METHOD_INVALID, CLIENT_ID_INVALID, WATERMARK_INVALID, and those of ParamsFromProto.
template <typename Request>
absl::StatusOr<CallInput> ToCallInput(const Request& request);

extern template absl::StatusOr<CallInput> ToCallInput(const v1::CallRequest&);
extern template absl::StatusOr<CallInput> ToCallInput(const v1::CallStreamRequest&);

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_SERVER_CODEC_H_
