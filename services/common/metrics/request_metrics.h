// Counts what a gRPC server is asked for: calls by method and code, how long they take, and how many are
// under way. It sees each call through an interceptor, whatever API serves it (callback, raw bytes,
// synchronous).
#ifndef LAMPPOST_SERVICES_COMMON_METRICS_REQUEST_METRICS_H_
#define LAMPPOST_SERVICES_COMMON_METRICS_REQUEST_METRICS_H_

#include <grpcpp/support/server_interceptor.h>
#include <prometheus/collectable.h>

#include <memory>
#include <string>
#include <vector>

#include "services/common/metrics/families.h"

namespace lamppost {

// A call counts when its status is handed to gRPC. Streams go into the counts, not into the latencies: how
// long they last says nothing. Which methods there are is known beforehand, so that callers cannot make up
// series; all others are counted as one, "other".
//
// Thread-safe.
class RequestMetrics : public prometheus::Collectable {
 public:
  // Full names of services, whose descriptors are linked in; others are passed over.
  explicit RequestMetrics(const std::vector<std::string>& services);
  ~RequestMetrics() override;

  // For ServerOptions::interceptors. It may outlive this.
  std::shared_ptr<grpc::experimental::ServerInterceptorFactoryInterface> interceptors() const;

  MetricFamilies Collect() const override;

 private:
  class Methods;

  const std::shared_ptr<Methods> methods_;
};

}  // namespace lamppost

#endif  // LAMPPOST_SERVICES_COMMON_METRICS_REQUEST_METRICS_H_
