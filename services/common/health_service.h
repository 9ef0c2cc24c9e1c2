// grpc.health.v1.Health: whether the server, and each of its services, takes calls.
//
// gRPC's own implementation is not used: its descriptor is not linked in, so that reflection lists it
// and then cannot describe it.
//
// Thread-safe. It must outlive the server that it is registered with.
#ifndef LAMPPOST_SERVICES_COMMON_HEALTH_SERVICE_H_
#define LAMPPOST_SERVICES_COMMON_HEALTH_SERVICE_H_

#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "grpc/health/v1/health.grpc.pb.h"

namespace lamppost {

enum class ServingState { kServing, kNotServing };

// Of Watch calls at a time. Anybody may make them, without credentials, so no host gets all places.
struct HealthLimits {
  size_t watchers_max = 256;
  size_t watchers_of_host_max = 64;
};

class HealthService final : public grpc::health::v1::Health::CallbackService {
 public:
  static constexpr size_t kServiceNameBytesMax = 256;

  // More Watch calls at a time get RESOURCE_EXHAUSTED with a retry delay.
  explicit HealthService(HealthLimits limits = {}) : limits_(limits) {}
  ~HealthService() override;

  // Says how a service fares from now on, and tells its watchers. "" is the server as a whole. A
  // service is unknown until it is first set. Without effect after Shutdown.
  void Set(absl::string_view service, ServingState state);

  // Everything known is NOT_SERVING for good. Each Watch call is told so and then ended (UNAVAILABLE),
  // later ones too, so that none holds up the end of the server.
  void Shutdown();

  // How many Watch calls there are.
  size_t watchers() const;

  // As published: an unknown service is NOT_FOUND to Check and SERVICE_UNKNOWN to Watch, which goes on
  // and tells when it becomes known. A slow watcher misses states in between, never the last one.
  grpc::ServerUnaryReactor* Check(grpc::CallbackServerContext* context,
                                  const grpc::health::v1::HealthCheckRequest* request,
                                  grpc::health::v1::HealthCheckResponse* response) override;
  grpc::ServerWriteReactor<grpc::health::v1::HealthCheckResponse>* Watch(
      grpc::CallbackServerContext* context, const grpc::health::v1::HealthCheckRequest* request) override;

 private:
  class Watcher;
  using State = grpc::health::v1::HealthCheckResponse::ServingStatus;

  State StateOf(absl::string_view service) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const HealthLimits limits_;
  mutable absl::Mutex mu_;
  std::map<std::string, ServingState, std::less<>> services_ ABSL_GUARDED_BY(mu_);
  std::set<Watcher*> watchers_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, size_t> watchers_of_host_ ABSL_GUARDED_BY(mu_);  // of those that have any
  bool shut_down_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace lamppost

#endif  // LAMPPOST_SERVICES_COMMON_HEALTH_SERVICE_H_
