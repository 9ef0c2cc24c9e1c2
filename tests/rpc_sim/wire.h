// What goes between clients and servers.
#ifndef LAMPPOST_TESTS_RPC_SIM_WIRE_H_
#define LAMPPOST_TESTS_RPC_SIM_WIRE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "services/rpc/core/json.h"
#include "services/rpc/core/request_id.h"

namespace lamppost::rpc::sim {

struct Request {
  enum class Kind { kCall, kLook };

  Kind kind = Kind::kCall;
  size_t client = 0;
  uint64_t attempt = 0;  // its number, of all clients
  uint64_t clock = 0;
  RequestId id;
  std::string method;
  Json params;
  std::string client_id;
  std::optional<RequestId> watermark;
  uint64_t timeout_ms = 0;  // from when it comes in

  // What must not change under one id.
  std::string What() const { return method + CanonicalText(params); }
};

// kNotYet: there is no outcome yet.
enum class Final { kYes, kNotYet };

struct Response {
  size_t client = 0;
  uint64_t attempt = 0;
  uint64_t clock = 0;
  absl::Status status;
  Final final = Final::kYes;
};

}  // namespace lamppost::rpc::sim

#endif  // LAMPPOST_TESTS_RPC_SIM_WIRE_H_
