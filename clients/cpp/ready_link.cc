#include "clients/cpp/ready_link.h"

#include "absl/strings/str_cat.h"
#include "services/common/error.h"

namespace lamppost::client {

grpc::ChannelArguments LinkArguments(int receive_bytes_max) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(receive_bytes_max);
  // Only the client retries, so only it counts.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  // A server that vanished without a word is noticed while a call waits for it.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 20'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 5'000);
  // A new channel to the same server is to connect anew, not to inherit the old one's back-off.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // Servers are named by their addresses; a web proxy has no business between.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  return arguments;
}

absl::Status WaitUntilReady(grpc::Channel* channel, absl::string_view name,
                            std::chrono::system_clock::time_point deadline, int64_t timeout_ms) {
  while (true) {
    const grpc_connectivity_state state = channel->GetState(/*try_to_connect=*/true);
    if (state == GRPC_CHANNEL_READY) return absl::OkStatus();
    if (state == GRPC_CHANNEL_TRANSIENT_FAILURE || state == GRPC_CHANNEL_SHUTDOWN) {
      return MakeError(absl::StatusCode::kUnavailable, "NOT_CONNECTED",
                       absl::StrCat(name, " cannot be reached"));
    }
    if (!channel->WaitForStateChange(state, deadline)) {
      return MakeError(absl::StatusCode::kUnavailable, "NOT_CONNECTED",
                       absl::StrCat(name, " could not be connected to within ", timeout_ms, " ms"));
    }
  }
}

}  // namespace lamppost::client
