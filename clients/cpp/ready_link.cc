#include "clients/cpp/ready_link.h"

#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "services/common/error.h"

namespace lamppost::client {
namespace {

// What gRPC's words mean for who has called. Empty for what needs no words: nobody listens there.
std::string InOtherWords(absl::string_view error) {
  static constexpr std::pair<const char*, const char*> kMeanings[] = {
      {"certificate verify failed", "its certificate is not by an authority of --tls-ca, or has expired"},
      {"wrong version number", "it speaks no TLS"},
      {"Hostname Verification Check failed", "its certificate is for another host"},
      {"not that of a server of functions", "its certificate is not that of a server of functions"},
      {"andshake failed", "the TLS handshake fails"},
      {"Socket closed", "it closes the connection (if it speaks TLS, write https://)"},
      {"Connection reset", "it closes the connection (if it speaks TLS, write https://)"},
  };
  for (const auto& [words, meaning] : kMeanings) {
    if (absl::StrContains(error, words)) return meaning;
  }
  return "";
}

// gRPC tells why a channel has failed to a call alone, which then goes nowhere.
std::string WhyNotConnected(grpc::Channel* channel) {
  const auto stub = grpc::health::v1::Health::NewStub(
      std::shared_ptr<grpc::Channel>(channel, [](grpc::Channel*) {}));  // for the time of the call
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(200));
  grpc::health::v1::HealthCheckResponse response;
  return InOtherWords(stub->Check(&context, {}, &response).error_message());
}

}  // namespace

std::shared_ptr<grpc::Channel> OpenChannel(const std::string& target, const grpc::ChannelArguments& arguments,
                                           const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
  return grpc::CreateCustomChannel(
      target, credentials == nullptr ? grpc::InsecureChannelCredentials() : credentials, arguments);
}

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
      const std::string why = WhyNotConnected(channel);
      return MakeError(absl::StatusCode::kUnavailable, "NOT_CONNECTED",
                       absl::StrCat(name, " cannot be reached", why.empty() ? "" : ": ", why));
    }
    if (!channel->WaitForStateChange(state, deadline)) {
      return MakeError(absl::StatusCode::kUnavailable, "NOT_CONNECTED",
                       absl::StrCat(name, " could not be connected to within ", timeout_ms, " ms"));
    }
  }
}

}  // namespace lamppost::client
