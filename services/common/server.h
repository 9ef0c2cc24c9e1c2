// A gRPC server as every Lamppost program runs one: bounded, with keepalive, health and reflection, and
// an orderly end.
#ifndef LAMPPOST_SERVICES_COMMON_SERVER_H_
#define LAMPPOST_SERVICES_COMMON_SERVER_H_

#include <grpcpp/impl/service_type.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/support/server_interceptor.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "services/common/health_service.h"
#include "services/common/listen_address.h"
#include "services/common/memory_guard.h"
#include "services/common/reflection_service.h"
#include "services/security/plain_text_refusal.h"
#include "services/security/tls_listener.h"

namespace lamppost {

struct ServedService {
  grpc::Service* service;  // must outlive the Server
  std::string full_name;   // as in proto: KvService::service_full_name()
};

struct ServerOptions {
  // From ParseListenAddress. 0.0.0.0 and [::] both mean every interface, of either IP version.
  std::vector<Address> listen = {Address{AddressScheme::kNone, "127.0.0.1", 0}};
  std::shared_ptr<grpc::ServerCredentials> credentials;  // null: plain text
  // With credentials: the status of a call in plain text. Called on any thread; may add trailers.
  security::PlainTextRefusal::RefuseFn refuse_plain_text;
  std::vector<ServedService> services;
  // What health says of the server and its services at first.
  ServingState initial_state = ServingState::kServing;
  // See every call, in this order.
  std::vector<std::shared_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> interceptors;
  // Called in Drain, after health has said NOT_SERVING and before calls are waited for: to end those
  // streams that would go on for ever. May be empty.
  std::function<void()> on_drain;

  int message_bytes_max = 4 << 20;       // of a received message
  int64_t memory_bytes_max = 512 << 20;  // of gRPC's buffers, over all connections
  uint64_t process_bytes_max = 0;  // beyond, connections are shut (memory_guard.h); 0: there is no bound
  int streams_per_connection_max = 1024;  // calls at a time; more wait at the client
  HealthLimits health;
  int keepalive_time_ms = 10'000;           // a quiet connection is probed after it
  int keepalive_timeout_ms = 5'000;         // and dropped this much later if nothing comes back
  int client_ping_interval_min_ms = 5'000;  // a client that probes more often is sent away
};

// All services that such a server serves, those of its own among them, by their full names.
std::vector<std::string> ServiceNames(const ServerOptions& options);

// Besides the given services it serves grpc.health.v1.Health and reflection, v1 and v1alpha.
//
// Thread-safe but for Start, which comes first and once.
class Server {
 public:
  explicit Server(ServerOptions options);
  // Drains without waiting for calls.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Serves from here on, at all addresses or, after an error, at none. Errors: ProbePort's.
  absl::Status Start();

  // The port of the first address, or of each in their order; what the system chose for port 0. 0 until
  // Start.
  int port() const { return ports_.empty() ? 0 : ports_[0]; }
  const std::vector<int>& ports() const { return ports_; }

  // For services that come and go later.
  HealthService& health() { return health_; }

  // Ends the server: health says NOT_SERVING, new calls are refused, calls in flight have deadline_ms to
  // finish and are then cancelled. Returns when all have ended. A second caller waits for the first.
  void Drain(int64_t deadline_ms);

 private:
  absl::Status Build();
  void AddPorts(grpc::ServerBuilder* builder);

  const ServerOptions options_;
  HealthService health_;
  ReflectionService reflection_;
  std::vector<int> ports_;
  std::unique_ptr<MemoryGuard> memory_guard_;
  std::unique_ptr<security::TlsListener> tls_listener_;  // null: gRPC listens itself, in plain text
  std::unique_ptr<security::PlainTextRefusal> plain_text_refusal_;
  absl::Mutex drain_mu_;
  std::unique_ptr<grpc::Server> server_;
  bool drained_ ABSL_GUARDED_BY(drain_mu_) = false;
};

}  // namespace lamppost

#endif  // LAMPPOST_SERVICES_COMMON_SERVER_H_
