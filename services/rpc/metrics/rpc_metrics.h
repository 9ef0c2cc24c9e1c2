// A function server's metrics, gathered whenever they are asked for.
#ifndef LAMPPOST_SERVICES_RPC_METRICS_RPC_METRICS_H_
#define LAMPPOST_SERVICES_RPC_METRICS_RPC_METRICS_H_

#include <prometheus/collectable.h>

#include <functional>
#include <optional>

#include "services/common/metrics/families.h"
#include "services/common/metrics/question.h"
#include "services/rpc/metrics/rpc_families.h"
#include "services/rpc/server/driver.h"

namespace lamppost::rpc {

// All must outlive the metrics.
struct RpcMetricsParts {
  Driver* driver = nullptr;
  // On any thread: fills in what is neither the driver's nor the engine's.
  std::function<void(RpcServerFacts*)> services;
};

// Thread-safe. Asks the driver's thread, and goes on without it if it is stuck or has ended.
class RpcMetrics : public prometheus::Collectable {
 public:
  explicit RpcMetrics(RpcMetricsParts parts);

  MetricFamilies Collect() const override;

 private:
  using Answer = std::optional<EngineFacts>;

  const RpcMetricsParts parts_;
  mutable Question<Answer> question_;
};

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_METRICS_RPC_METRICS_H_
