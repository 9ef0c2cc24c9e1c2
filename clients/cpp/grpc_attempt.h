// One attempt of a unary call over a ReadyLink, for the stubs that stand on gRPC.
#ifndef LAMPPOST_CLIENTS_CPP_GRPC_ATTEMPT_H_
#define LAMPPOST_CLIENTS_CPP_GRPC_ATTEMPT_H_

#include <grpcpp/client_context.h>

#include <chrono>
#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "clients/cpp/attempt.h"
#include "clients/cpp/ready_link.h"
#include "services/common/clock_metadata.h"
#include "services/common/grpc_status.h"

namespace lamppost::client {

// Waits for the link, then makes the call: `invoke` is grpc::Status(Stubs*, grpc::ClientContext*), and fills
// in `response`.
template <typename Stubs, typename Response, typename Invoke>
AttemptEnd AttemptOver(ReadyLink<Stubs>* link, int64_t timeout_ms, const Response* response, Invoke invoke) {
  const auto deadline = std::chrono::system_clock::now() + std::chrono::milliseconds(timeout_ms);
  const absl::StatusOr<std::shared_ptr<Stubs>> stubs = link->Get(deadline, timeout_ms);
  AttemptEnd end;
  if (!stubs.ok()) {
    end.status = stubs.status();
    end.reach = Reach::kNotSent;
    return end;
  }
  grpc::ClientContext context;
  context.set_deadline(deadline);
  end.status = FromGrpcStatus(invoke(stubs->get(), &context));
  if (end.status.ok()) {
    if (response->has_clock()) end.server_clock = response->clock().counter();
  } else if (const auto clock = ClockFromTrailers(context)) {
    end.server_clock = clock->counter;
  }
  return end;
}

}  // namespace lamppost::client

#endif  // LAMPPOST_CLIENTS_CPP_GRPC_ATTEMPT_H_
