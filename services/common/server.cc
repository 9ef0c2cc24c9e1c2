#include "services/common/server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/server_builder.h>

#include <chrono>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "services/common/error.h"
#include "services/common/port_probe.h"

namespace lamppost {
namespace {

constexpr char kReflectionV1Alpha[] = "grpc.reflection.v1alpha.ServerReflection";

// Everything here is callback-driven but gRPC's v1alpha reflection, which keeps a thread for each
// stream. The bound is for it alone.
constexpr int kThreadsMax = 16;
constexpr int kReadBytesMax = 256 << 10;  // at once, from a connection
constexpr int kHandshakeMs = 10'000;

ServerOptions WithoutNames(ServerOptions options) {
  for (Address& address : options.listen) {
    if (absl::EqualsIgnoreCase(address.host, "localhost")) address.host = "127.0.0.1";
  }
  return options;
}

void SetLimits(const ServerOptions& options, grpc::ServerBuilder* builder) {
  builder->SetMaxReceiveMessageSize(options.message_bytes_max);
  builder->AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, options.streams_per_connection_max);
  // Or else a second server on the same port would start, and take half of the first one's calls.
  builder->AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  // What has been read is worked through before anything else, and 4 MiB, gRPC's own bound, may open 20,000
  // calls.
  builder->AddChannelArgument(GRPC_ARG_TCP_MAX_READ_CHUNK_SIZE, kReadBytesMax);
  // gRPC's own bound is two minutes, for which one who says nothing would hold a descriptor.
  builder->AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakeMs);
  grpc::ResourceQuota quota("server");
  quota.Resize(static_cast<size_t>(options.memory_bytes_max));
  quota.SetMaxThreads(kThreadsMax);
  builder->SetResourceQuota(quota);
  builder->SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
  builder->SetSyncServerOption(grpc::ServerBuilder::MIN_POLLERS, 1);
  builder->SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, 1);
}

// gRPC wants to own its factories.
class SharedInterceptors : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  explicit SharedInterceptors(std::shared_ptr<grpc::experimental::ServerInterceptorFactoryInterface> shared)
      : shared_(std::move(shared)) {}
  grpc::experimental::Interceptor* CreateServerInterceptor(grpc::experimental::ServerRpcInfo* info) override {
    return shared_->CreateServerInterceptor(info);
  }

 private:
  const std::shared_ptr<grpc::experimental::ServerInterceptorFactoryInterface> shared_;
};

void SetInterceptors(const ServerOptions& options, grpc::ServerBuilder* builder) {
  std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> factories;
  for (const auto& shared : options.interceptors) {
    factories.push_back(std::make_unique<SharedInterceptors>(shared));
  }
  builder->experimental().SetInterceptorCreators(std::move(factories));
}

void SetKeepalive(const ServerOptions& options, grpc::ServerBuilder* builder) {
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, options.keepalive_time_ms);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, options.keepalive_timeout_ms);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  // Without this one, probing stops after two pings without data in between.
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                              options.client_ping_interval_min_ms);
}

}  // namespace

std::vector<std::string> ServiceNames(const ServerOptions& options) {
  std::vector<std::string> names = {grpc::health::v1::Health::service_full_name(),
                                    grpc::reflection::v1::ServerReflection::service_full_name(),
                                    kReflectionV1Alpha};
  for (const ServedService& served : options.services) names.push_back(served.full_name);
  return names;
}

Server::Server(ServerOptions options)
    : options_(WithoutNames(std::move(options))),
      health_(options_.health),
      reflection_(ServiceNames(options_)) {}

Server::~Server() {
  Drain(0);
}

void Server::AddPorts(grpc::ServerBuilder* builder) {
  ports_.assign(options_.listen.size(), 0);
  for (size_t i = 0; i < ports_.size(); ++i) {
    builder->AddListeningPort(options_.listen[i].HostPort(), grpc::InsecureServerCredentials(), &ports_[i]);
  }
}

absl::Status Server::Build() {
  security::TlsListener::Acceptors acceptors;
  if (options_.credentials != nullptr) {
    absl::StatusOr<std::unique_ptr<security::TlsListener>> listener =
        security::TlsListener::Open(options_.listen);
    if (!listener.ok()) return listener.status();
    tls_listener_ = *std::move(listener);
    ports_ = tls_listener_->ports();
    plain_text_refusal_ = std::make_unique<security::PlainTextRefusal>(options_.refuse_plain_text);
    acceptors.plain_text = plain_text_refusal_->TakeAcceptor();
  }
  // Of the whole process, and may be made any number of times.
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();

  grpc::ServerBuilder builder;
  SetLimits(options_, &builder);
  SetKeepalive(options_, &builder);
  SetInterceptors(options_, &builder);
  for (const ServedService& served : options_.services) builder.RegisterService(served.service);
  builder.RegisterService(&health_);
  builder.RegisterService(&reflection_);
  if (tls_listener_ == nullptr) {
    AddPorts(&builder);
  } else {
    acceptors.tls = builder.experimental().AddExternalConnectionAcceptor(
        grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD, options_.credentials);
  }
  server_ = builder.BuildAndStart();
  if (server_ != nullptr && tls_listener_ != nullptr) tls_listener_->Start(std::move(acceptors));
  return absl::OkStatus();
}

absl::Status Server::Start() {
  if (options_.listen.empty()) {
    return MakeError(absl::StatusCode::kInvalidArgument, "BAD_ADDRESS", "there is no address to listen at");
  }
  for (const Address& address : options_.listen) {
    const absl::Status probe = ProbePort(address);
    if (!probe.ok()) return probe;
  }
  // Of the whole process, too. Debian's Abseil looks for lock cycles at each lock, which is for tests.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  grpc::EnableDefaultHealthCheckService(false);
  health_.Set("", options_.initial_state);
  for (const std::string& name : ServiceNames(options_)) health_.Set(name, options_.initial_state);

  if (absl::Status status = Build(); !status.ok()) return status;
  if (server_ != nullptr) {
    if (options_.process_bytes_max > 0) {
      MemoryGuardOptions guard;
      guard.bytes_max = options_.process_bytes_max;
      guard.ports = ports_;
      memory_guard_ = std::make_unique<MemoryGuard>(std::move(guard));
    }
    return absl::OkStatus();
  }
  ports_.clear();
  for (const Address& address : options_.listen) {
    const absl::Status probe = ProbePort(address);  // taken in between?
    if (!probe.ok()) return probe;
  }
  return MakeError(absl::StatusCode::kUnavailable, "LISTEN_FAILED",
                   absl::StrCat("gRPC cannot listen at ", options_.listen[0].HostPort(),
                                options_.listen.size() > 1 ? " and the other addresses" : ""));
}

void Server::Drain(int64_t deadline_ms) {
  absl::MutexLock lock(&drain_mu_);
  if (drained_) return;
  drained_ = true;
  health_.Shutdown();
  reflection_.Shutdown();
  if (server_ == nullptr) return;
  if (options_.on_drain) options_.on_drain();
  if (tls_listener_ != nullptr) tls_listener_->Stop();
  server_->Shutdown(std::chrono::system_clock::now() + std::chrono::milliseconds(deadline_ms));
  server_.reset();
  tls_listener_.reset();
  plain_text_refusal_.reset();
}

}  // namespace lamppost
